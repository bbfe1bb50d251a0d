"""Figures of opened networks: what they answer and their weights, under, right and over; the thinned network."""

from __future__ import annotations

import math

from justfit.records import Explored, FitResult, NetworkView, Plane
from justfit.report._axes import Box, axes, value_ticks
from justfit.report._choice import cell_name
from justfit.report._names import shown
from justfit.report._network_words import facts_line, telling_cells, view_of, wirings
from justfit.report._numbers import number, setting
from justfit.report._scene import Scene
from justfit.report._surface import draw_scene
from justfit.report._svg import Scale, drawing, label, tag, tooltip
from justfit.report._wiring import draw_wiring

_BOX = Box(left=46.0, top=84.0, right=322.0, bottom=214.0)
_WIDTH, _HEIGHT = 330.0, 262.0
_AXIS_NAME = 34  # letters that an axis of this width has room for

Opened = list[tuple[str, NetworkView]]


def draw_networks(result: FitResult) -> tuple[str, ...]:
    """Draw the surfaces of the telling networks where there is a plane, and the weights of each."""
    record = result.sweep
    opened = [(name, view) for name, cell in telling_cells(record) if (view := view_of(record, cell)) is not None]
    if record.explored is None or not opened:
        return ()
    return (*_surfaces(record.explored.plane, opened), *_histograms(record.explored, opened))


def draw_thinned(result: FitResult) -> tuple[str, ...]:
    """Draw the network beside the one that a mask left of it."""
    return tuple(draw_wiring(wiring) for wiring in wirings(result.sweep.explored))


def _surfaces(plane: Plane | None, opened: Opened) -> tuple[str, ...]:
    if plane is None:
        return ()
    low, high = _ends(plane, opened)
    kind = "number" if not plane.classes else "two" if len(plane.classes) == 2 else "many"
    return tuple(
        draw_scene(
            Scene(
                kind=kind,  # type: ignore[arg-type]  # one of the three words
                title=name,
                note=cell_name(view.l2, view.dropout),
                x_name=shown(plane.x_name, _AXIS_NAME),
                y_name=shown(plane.y_name, _AXIS_NAME),
                x_low=plane.x_low,
                x_high=plane.x_high,
                y_low=plane.y_low,
                y_high=plane.y_high,
                rows=view.surface,
                likeliest=view.likeliest,
                x=plane.x,
                y=plane.y,
                target=plane.target,
                classes=tuple(shown(label_, 20) for label_ in plane.classes),
                low=low,
                high=high,
            )
        )
        for name, view in opened
        if view.surface
    )


def _ends(plane: Plane, opened: Opened) -> tuple[float, float]:
    """Ends of the ramp that all surfaces of a number share: those of the examples, which are the same for all."""
    values = [value for value in plane.target if math.isfinite(value)]
    values = values or [value for _, view in opened for row in view.surface for value in row if math.isfinite(value)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    return (low, high) if low < high else (low - 0.5, low + 0.5)


def _histograms(explored: Explored, opened: Opened) -> tuple[str, ...]:
    if not explored.weight_low < explored.weight_high:
        return ()
    most = max((max(view.weight_counts, default=0) for _, view in opened), default=0)
    # Logarithmic: with a large λ nearly all weights stand in one bin, and the few that do not are the point.
    up = Scale(low=0.7, high=max(1.3 * most, 10.0), start=_BOX.bottom, end=_BOX.top, log=True)
    across = Scale(low=explored.weight_low, high=explored.weight_high, start=_BOX.left, end=_BOX.right)
    return tuple(_histogram(name, view, across, up) for name, view in opened if view.weight_counts)


def _histogram(name: str, view: NetworkView, across: Scale, up: Scale) -> str:
    bins = len(view.weight_counts)
    width = _BOX.width / bins
    step = (across.high - across.low) / bins
    bars = "".join(
        tag(
            "rect",
            tooltip(f"{_from_to(k, bins, across.low + k * step, step)}: {count:,} weights"),
            x=_BOX.left + k * width + 0.4,
            y=up(count),
            width=max(width - 0.8, 0.4),
            height=_BOX.bottom - up(count),
            class_="bar",
        )
        for k, count in enumerate(view.weight_counts)
        if count > 0
    )
    ticks = [(across(value), setting(value)) for value in across.ticks(5)]
    content = (
        label(name, 0.0, 14.0, class_="panel")
        + label(cell_name(view.l2, view.dropout), 0.0, 31.0, class_="tick")
        + label(facts_line(view), 0.0, 48.0, class_="tick strong")
        + axes(_BOX, ticks, value_ticks(up), ("value of a weight (no unit)", "number of weights"))
        + bars
    )
    total = sum(view.weight_counts)
    middle = view.weight_counts[bins // 2] / total if total else math.nan
    described = f"{facts_line(view)}. {number(100 * middle, 2)} % of {total:,} weights lie in the middle bin."
    where = cell_name(view.l2, view.dropout)
    return drawing(_WIDTH, _HEIGHT, content, title=f"Weights, {name}: {where}", description=described)


def _from_to(k: int, bins: int, start: float, step: float) -> str:
    if k == 0:
        return f"below {setting(start + step)}"
    return f"from {setting(start)} on" if k == bins - 1 else f"{setting(start)} to {setting(start + step)}"
