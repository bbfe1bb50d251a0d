"""Pictures of the lab that are no plots: the output of a network over the plane, and a network as units and wires."""

from __future__ import annotations

from collections.abc import Sequence

from justfit.records import LabSurface, Wiring
from justfit.report._axes import Box, axes
from justfit.report._names import shown
from justfit.report._numbers import setting
from justfit.report._svg import Scale, drawing, label, tag

_LEVELS = 6  # of colour on either side of one half
_SURFACE = Box(left=34.0, top=44.0, right=322.0, bottom=260.0)
_WIRING_WIDTH, _WIRING_HEIGHT = 330.0, 260.0


def draw_surface(surface: LabSurface) -> str:
    """Draw probabilities as shades of two colours, the border between them, and the rows that were learned from."""
    across = Scale(low=surface.x_low, high=surface.x_high, start=_SURFACE.left, end=_SURFACE.right)
    up = Scale(low=surface.y_low, high=surface.y_high, start=_SURFACE.bottom, end=_SURFACE.top)
    x_ticks = [(across(value), setting(value)) for value in across.ticks(5)]
    y_ticks = [(up(value), setting(value)) for value in up.ticks(5)]
    content = (
        label(shown(surface.title), 0.0, 14.0, class_="panel")
        + label("second input", _SURFACE.left, _SURFACE.top - 5.0, class_="axis-title")
        + axes(_SURFACE, x_ticks, y_ticks, ("first input", ""))
        + tag("rect", x=_SURFACE.left, y=_SURFACE.top, width=_SURFACE.width, height=_SURFACE.height, class_="ground")
        + _shades(surface.rows)
        + _border(surface.rows)
        + "".join(
            _example(across(x), up(y), kind) for x, y, kind in zip(surface.x, surface.y, surface.label, strict=True)
        )
    )
    share = sum(value > 0.5 for row in surface.rows for value in row) / max(sum(map(len, surface.rows)), 1)
    described = f"The network gives class 1 on {share:.0%} of the plane shown; {len(surface.x)} rows are drawn."
    return drawing(330.0, 306.0, content, title=f"Decision surface, {shown(surface.title)}", description=described)


def _cell(rows: Sequence[Sequence[float]]) -> tuple[float, float]:
    return _SURFACE.width / max(len(rows[0]), 1), _SURFACE.height / max(len(rows), 1)


def _shades(rows: Sequence[Sequence[float]]) -> str:
    """One path per shade; neighbours of one shade in a row make one rectangle."""
    width, height = _cell(rows)
    paths: dict[tuple[int, int], list[str]] = {}
    for i, row in enumerate(rows):
        shades = [_shade(value) for value in row]
        start = 0
        for j in range(1, len(shades) + 1):
            if j == len(shades) or shades[j] != shades[start]:
                x, y = _SURFACE.left + start * width, _SURFACE.bottom - (i + 1) * height
                run = (j - start) * width
                paths.setdefault(shades[start], []).append(f"M{x:.1f} {y:.1f}h{run:.1f}v{height + 0.3:.1f}h{-run:.1f}z")
                start = j
    return "".join(
        tag("path", d="".join(pieces), class_=f"side-{side}", fill_opacity=f"{0.1 + 0.55 * level / (_LEVELS - 1):.2f}")
        for (side, level), pieces in sorted(paths.items())
    )


def _shade(value: float) -> tuple[int, int]:
    side = int(value > 0.5)
    return side, min(int(abs(value - 0.5) * 2 * _LEVELS), _LEVELS - 1)


def _border(rows: Sequence[Sequence[float]]) -> str:
    """The steps between cells on either side of one half."""
    width, height = _cell(rows)
    steps = []
    for i, row in enumerate(rows):
        y = _SURFACE.bottom - (i + 1) * height
        for j, value in enumerate(row):
            x = _SURFACE.left + j * width
            if j + 1 < len(row) and (value > 0.5) != (row[j + 1] > 0.5):
                steps.append(f"M{x + width:.1f} {y:.1f}v{height:.1f}")
            if i + 1 < len(rows) and (value > 0.5) != (rows[i + 1][j] > 0.5):
                steps.append(f"M{x:.1f} {y:.1f}h{width:.1f}")
    return tag("path", d="".join(steps), class_="border") if steps else ""


def _example(x: float, y: float, kind: int) -> str:
    if kind:
        return tag("path", d=f"M{x:.1f} {y - 4:.1f}l3.6 6.4h-7.2z", class_="example side-1")
    return tag("circle", cx=x, cy=y, r=3, class_="example side-0")


def draw_wiring(wiring: Wiring) -> str:
    """Draw units in columns and the connections between those that take part."""
    columns = len(wiring.kept)
    left, right, top, bottom = 34.0, _WIRING_WIDTH - 34.0, 40.0, _WIRING_HEIGHT - 34.0
    places: list[list[tuple[float, float]]] = []
    for k, units in enumerate(wiring.kept):
        x = left + (right - left) * k / max(columns - 1, 1)
        step = min((bottom - top) / max(len(units), 1), 22.0)
        middle = (top + bottom) / 2
        places.append([(x, middle + (i - (len(units) - 1) / 2) * step) for i in range(len(units))])
    wires = [
        f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"
        for k in range(columns - 1)
        for (x0, y0), first in zip(places[k], wiring.kept[k], strict=True)
        for (x1, y1), second in zip(places[k + 1], wiring.kept[k + 1], strict=True)
        if first and second
    ]
    units_drawn = "".join(
        _unit(x, y, kept)
        for spots, units in zip(places, wiring.kept, strict=True)
        for (x, y), kept in zip(spots, units, strict=True)
    )
    names = "".join(
        label(shown(name, 14), spots[0][0], _WIRING_HEIGHT - 8.0, class_="tick", text_anchor="middle")
        for name, spots in zip(wiring.layers, places, strict=True)
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
    described = f"{'; '.join(dropped)}. {shown(wiring.notes, 120) if wiring.notes else ''}"
    return drawing(
        _WIRING_WIDTH, _WIRING_HEIGHT, content, title=f"{shown(wiring.title)} network", description=described
    )


def _unit(x: float, y: float, kept: bool) -> str:
    if kept:
        return tag("circle", cx=x, cy=y, r=6, class_="unit")
    cross = tag("path", d=f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8", class_="axis")
    return tag("circle", cx=x, cy=y, r=6, class_="unit off") + cross
