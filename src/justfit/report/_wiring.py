"""Picture: a network as units in columns and wires between them, whole or thinned by a mask (lecture C11)."""

from __future__ import annotations

from justfit.records import Wiring
from justfit.report._names import shown
from justfit.report._svg import drawing, label, tag, thinned

_WIDTH, _HEIGHT = 330.0, 260.0
_MOST_SAID = 20  # layers in the description
_MOST_LAYERS, _MOST_UNITS = 8, 24  # beyond, wires are a grey block, and the page grows with their number


def draw_wiring(wiring: Wiring) -> str:
    """Draw units in columns and the connections between those that take part.

    At most 8 layers of 24 units are drawn, the first and the last layer among them.
    """
    drawn = thinned(len(wiring.kept), _MOST_LAYERS)
    layers = [wiring.kept[k][:_MOST_UNITS] for k in drawn]
    columns = len(layers)
    left, right, top, bottom = 34.0, _WIDTH - 34.0, 40.0, _HEIGHT - 34.0
    places: list[list[tuple[float, float]]] = []
    for k, units in enumerate(layers):
        x = left + (right - left) * k / max(columns - 1, 1)
        step = min((bottom - top) / max(len(units), 1), 22.0)
        middle = (top + bottom) / 2
        places.append([(x, middle + (i - (len(units) - 1) / 2) * step) for i in range(len(units))])
    wires = [
        f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"
        for k in range(columns - 1)
        for (x0, y0), first in zip(places[k], layers[k], strict=True)
        for (x1, y1), second in zip(places[k + 1], layers[k + 1], strict=True)
        if first and second
    ]
    units_drawn = "".join(
        _unit(x, y, kept)
        for spots, units in zip(places, layers, strict=True)
        for (x, y), kept in zip(spots, units, strict=True)
    )
    names = "".join(
        label(shown(wiring.layers[k], 14), spots[0][0], _HEIGHT - 8.0, class_="tick", text_anchor="middle")
        for k, spots in zip(drawn, places, strict=True)
        if spots
    )
    content = (
        label(shown(wiring.title), 0.0, 14.0, class_="panel")
        + tag("path", d="".join(wires), class_="wire")
        + units_drawn
        + names
    )
    dropped = [
        f"{shown(name)}: {units.count(False)} of {len(units)} dropped"
        for name, units in zip(wiring.layers, wiring.kept, strict=True)
    ]
    described = f"{'; '.join(dropped[:_MOST_SAID])}. {shown(wiring.notes, 120) if wiring.notes else ''}"
    return drawing(_WIDTH, _HEIGHT, content, title=f"{shown(wiring.title)} network", description=described)


def _unit(x: float, y: float, kept: bool) -> str:
    if kept:
        return tag("circle", cx=x, cy=y, r=6, class_="unit")
    cross = tag("path", d=f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8", class_="axis")
    return tag("circle", cx=x, cy=y, r=6, class_="unit off") + cross
