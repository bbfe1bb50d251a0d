"""Colours of numbers: cividis, perceptually uniform and the same for the colour-blind; the ink that reads on each.

>>> hex_of(cividis(0.0)), hex_of(cividis(1.0)), ink_on(cividis(0.0)), ink_on(cividis(1.0))
('#00224e', '#fee838', '#fff', '#000')

References:
    Nuñez, Anderton, Renslow 2018, "Optimizing colormaps with consideration for color vision deficiency", PLoS ONE
    13(7): e0199239.
"""

from __future__ import annotations

Colour = tuple[int, int, int]

_STOPS: tuple[Colour, ...] = ((0, 34, 78), (67, 78, 108), (125, 124, 120), (188, 175, 111), (254, 232, 56))


def cividis(share: float) -> Colour:
    """Colour of a share in [0, 1], linear between five stops; 0 is dark, 1 bright."""
    place = (len(_STOPS) - 1) * min(max(share, 0.0), 1.0)
    low = min(int(place), len(_STOPS) - 2)
    first, second = _STOPS[low], _STOPS[low + 1]
    red, green, blue = (round(a + (place - low) * (b - a)) for a, b in zip(first, second, strict=True))
    return red, green, blue


def hex_of(colour: Colour) -> str:
    """Write a colour as an attribute takes it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def ink_on(colour: Colour) -> str:
    """Black or white, whichever reads better on a colour."""
    # Relative luminance as the accessibility guidelines (WCAG 2) define it: above 0.18 black is the better contrast.
    red, green, blue = (((part / 255.0 + 0.055) / 1.055) ** 2.4 for part in colour)
    return "#000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "#fff"
