"""Around a plot of the lab: its key, its place, its two scales."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from justfit.records import LabPlot, LabSeries
from justfit.report._axes import Box, L2Scale, Tick, zero_break
from justfit.report._names import shown
from justfit.report._numbers import setting
from justfit.report._svg import Scale, label, tag

WIDTH, NARROW = 390.0, 330.0  # alone, readable on a phone too; beside others
LETTER = 6.7  # mean width of a letter of a key, view-box units at font size 12
_KEY_ROW = 19.0
_PLOT_HEIGHT = 190.0
_MOST_DECADES = 40.0
NUM_STYLES = 8  # how many line styles signals.css has
_ROLES = {"training": "train", "validation": "validation"}
Position = Callable[[float], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where things stand in one plot."""

    box: Box
    width: float
    height: float
    key: str


def lay_out(plot: LabPlot, width: float) -> Frame:
    """Lay out title, key and plot from top to bottom."""
    parts, y = [], 14.0
    if plot.title:
        parts.append(label(shown(plot.title), 0.0, y, class_="panel"))
        y += _KEY_ROW + 3.0
    x = 0.0
    for k, series in enumerate(plot.series):
        if not series.name:
            continue
        text = shown(series.name, 30)
        size = 36.0 + LETTER * len(text)
        if x > 0 and x + size > width:
            x, y = 0.0, y + _KEY_ROW
        parts.append(_key_entry(series, style_of(plot, k), text, x, y))
        x += size + 8.0
    y += _KEY_ROW + 8.0 if x > 0 else 6.0
    mark = 16.0 if plot.mark and math.isfinite(plot.mark_x) else 0.0
    box = Box(left=52.0, top=y + 12.0 + mark, right=width - 12.0, bottom=y + 12.0 + mark + _PLOT_HEIGHT)
    key = "".join(parts)
    return Frame(box=box, width=width, height=box.bottom + 46.0, key=key)


def _key_entry(series: LabSeries, style: str, text: str, x: float, y: float) -> str:
    sign = (
        tag("circle", cx=x + 12, cy=y - 4, r=3.5, class_=f"{style} dot")
        if series.points
        else tag("path", d=f"M{x:.1f} {y - 4:.1f}h24", class_=f"{style} line")
    )
    return sign + label(text, x + 30.0, y, class_="tick")


def style_of(plot: LabPlot, index: int) -> str:
    series = plot.series[index]
    return _ROLES.get(series.name, f"series-{index % NUM_STYLES}")


def across_of(plot: LabPlot, box: Box) -> tuple[Position, list[Tick], str]:
    """The x axis: its scale, its ticks, and the mark of a broken axis."""
    xs = sorted({x for series in plot.series for x in series.x if math.isfinite(x)}) or [0.0, 1.0]
    if plot.log_x and xs[0] == 0 and len(xs) > 2:
        broken = L2Scale(values=tuple(xs), start=box.left + 12, end=box.right - 12)
        return broken, broken.ticks(), zero_break(broken, box.bottom)
    scale = scale_of(xs, plot.log_x, box.left + 4, box.right - 4, tight=True)
    wanted = 4 if box.width < 300 else 6
    return scale, [(scale(value), setting(value)) for value in scale.ticks(wanted)], ""


def scale_of(values: Sequence[float], log: bool, start: float, end: float, *, tight: bool = False) -> Scale:
    finite = [value for value in values if math.isfinite(value) and (value > 0 or not log)] or [0.1, 1.0]
    low, high = min(finite), max(finite)
    if log:
        low = max(low, high / 10.0**_MOST_DECADES)
        margin = 1.0 if tight and low < high else max((high / low) ** 0.04, 1.1)
        return Scale(low=low / margin, high=high * margin, start=start, end=end, log=True)
    spread = (high - low) or abs(high) or 1.0
    margin = 0.0 if tight and low < high else 0.07 * spread
    low = 0.0 if 0 <= low < 0.25 * spread else low - margin
    return Scale(low=low, high=high + margin, start=start, end=end)


def reach_of(series: LabSeries) -> list[float]:
    """All y values, with one standard error on either side."""
    if not series.standard_error:
        return list(series.y)
    ends = [(y - e, y + e) for y, e in zip(series.y, series.standard_error, strict=True)]
    return [*series.y, *(high for _, high in ends), *(low for low, _ in ends if low > 0)]
