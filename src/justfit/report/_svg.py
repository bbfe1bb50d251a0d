"""Just enough SVG: elements, scales, ticks, and lines that break where there is no number.

Colours are CSS classes, so that one drawing serves light, dark and paper. No element has an id, so that many drawings
can stand in one page. A scale maps a value to a position in view-box units:

>>> scale = Scale(low=0.0, high=10.0, start=0.0, end=200.0)
>>> scale(2.5), scale.ticks()
(50.0, (0.0, 2.0, 4.0, 6.0, 8.0, 10.0))
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]
MOST_POINTS = 1000


def tag(name: str, content: str = "", **attributes: object) -> str:
    """Write one element; `content` is markup already, attribute values are escaped here."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_short(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{written}>{content}</{name}>"


def label(text: str, x: float, y: float, **attributes: object) -> str:
    """Write text at a point; the text is escaped here."""
    return tag("text", escape(text), x=x, y=y, **attributes)


def tooltip(text: str) -> str:
    """Write what a pointer resting on the enclosing element shows."""
    return tag("title", escape(text))


def drawing(width: float, height: float, content: str, *, title: str, description: str) -> str:
    """Wrap a drawing with the name and description that a screen reader says."""
    named = tag("title", escape(title)) + tag("desc", escape(description))
    return tag("svg", named + content, viewBox=f"0 0 {_short(width)} {_short(height)}", role="img", aria_label=title)


def polyline(points: Iterable[Point], class_: str) -> str:
    """Draw a line through the points, broken where one is not finite; a lone point becomes a dot."""
    parts = []
    for piece in _finite_pieces(points):
        if len(piece) == 1:
            parts.append(tag("circle", cx=piece[0][0], cy=piece[0][1], r=2.5, class_=f"{class_} dot"))
        else:
            parts.append(
                tag("path", d="M" + "L".join(f"{_short(x)} {_short(y)}" for x, y in piece), class_=f"{class_} line")
            )
    return "".join(parts)


def band(xs: Sequence[float], lower: Sequence[float], upper: Sequence[float], class_: str) -> str:
    """Fill between two lines, broken where either is not finite."""
    edges = [(x, low + high) for x, low, high in zip(xs, lower, upper, strict=True)]
    by_x = dict(zip(xs, zip(lower, upper, strict=True), strict=True))
    parts = []
    for piece in _finite_pieces(edges):
        there = [(x, by_x[x][0]) for x, _ in piece]
        back = [(x, by_x[x][1]) for x, _ in reversed(piece)]
        outline = " ".join(f"{_short(x)},{_short(y)}" for x, y in there + back)
        parts.append(tag("polygon", points=outline, class_=f"{class_} band"))
    return "".join(parts)


def clipped(content: str, x: float, y: float, width: float, height: float) -> str:
    """Cut a drawing at a rectangle, in the same coordinates; a nested svg clips without needing an id."""
    view = " ".join(_short(value) for value in (x, y, width, height))
    return tag("svg", content, x=x, y=y, width=width, height=height, viewBox=view)


def readable(content: str, across: Scale, up: Scale, x_name: str) -> str:
    """Mark lines whose values the script of a page reads out under the pointer.

    Args:
        content: Lines, drawn on the two axes.
        across: Axis of x, not logarithmic.
        up: Axis of the values.
        x_name: What x counts, such as "epoch"; escaped here.
    """
    ends = (f"{axis.low:.9g} {axis.high:.9g} {axis.start:.6g} {axis.end:.6g}" for axis in (across, up))
    x, y = ends
    return tag("g", content, data_read=x_name, data_x=x, data_y=y + (" log" if up.log else ""))


def thinned(length: int, most: int = MOST_POINTS) -> list[int]:
    """Choose at most `most` evenly spaced indices of a series, the first and the last among them."""
    if length <= most:
        return list(range(length))
    return [round(k * (length - 1) / (most - 1)) for k in range(most)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Map [low, high] to [start, end], linearly or by the logarithm.

    Attributes:
        low, high: Ends of the domain, low < high; both positive if `log`.
        start, end: Positions of the two ends.
        log: True for a logarithmic scale.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Position of a value; NaN where it has none. What lies below a logarithmic scale is put far below it."""
        if not math.isfinite(value):
            return math.nan
        if self.log:
            # Differences of logarithms: the ratio of two floats may be larger than any float.
            lowest = math.log(self.low)
            share = (math.log(max(value, self.low * 1e-3, 5e-324)) - lowest) / (math.log(self.high) - lowest)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int = 6) -> tuple[float, ...]:
        """Round values inside the domain, about `most` of them."""
        inside = log_ticks(self.low, self.high, most) if self.log else ()
        return inside if len(inside) >= 3 else nice_ticks(self.low, self.high, most)


def nice_ticks(low: float, high: float, most: int = 6) -> tuple[float, ...]:
    """Choose round values in [low, high]: 1, 2 or 5 times a power of ten apart.

    References:
        P. S. Heckbert, "Nice numbers for graph labels", Graphics Gems (1990), pp. 61-63.
    """
    rough = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(k * step, 12 - math.floor(math.log10(step))) for k in range(first, last + 1))


def log_ticks(low: float, high: float, most: int = 6) -> tuple[float, ...]:
    """Choose 1, 2, 5 times powers of ten in [low, high], or 1 and 3 times, or powers alone, as many as fit."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks: tuple[float, ...] = ()
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = tuple(
            float(f"{factor}e{exponent}")
            for exponent in exponents
            for factor in factors
            if low * (1 - 1e-9) <= float(f"{factor}e{exponent}") <= high * (1 + 1e-9)
        )
        if len(ticks) <= most:
            return ticks
    return ticks[:: math.ceil(len(ticks) / most)]


def _finite_pieces(points: Iterable[Point]) -> list[list[Point]]:
    pieces: list[list[Point]] = [[]]
    for point in points:
        if all(math.isfinite(value) for value in point):
            pieces[-1].append(point)
        elif pieces[-1]:
            pieces.append([])
    return [piece for piece in pieces if piece]


def _short(value: object) -> str:
    # A tenth of a view-box unit is below what an eye resolves, and halves the page.
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
