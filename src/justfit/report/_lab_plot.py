"""Plots of the lab: lines with bands, points with bars, on linear or logarithmic axes, or against names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from justfit.records import LabPlot, LabSeries
from justfit.report._axes import Box, L2Scale, Tick, axes, zero_break
from justfit.report._names import shown
from justfit.report._numbers import number, setting
from justfit.report._svg import Scale, band, clipped, drawing, label, polyline, tag, thinned, tooltip

_WIDTH, _NARROW = 390.0, 330.0  # alone, readable on a phone too; beside others
_LETTER = 6.7  # mean width of a letter of a key, view-box units at font size 12
_KEY_ROW = 19.0
_PLOT_HEIGHT = 190.0
_MOST_DECADES = 40.0
NUM_STYLES = 8  # how many line styles signals.css has
_ROLES = {"training": "train", "validation": "validation"}

Position = Callable[[float], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where things stand in one plot."""

    box: Box
    width: float
    height: float
    key: str


def draw_plot(plot: LabPlot, *, narrow: bool) -> str:
    """Draw one plot; `narrow` where it stands beside others."""
    if plot.categories:
        return _draw_categories(plot, _NARROW if narrow else _WIDTH)
    frame = _frame(plot, _NARROW if narrow else _WIDTH)
    box = frame.box
    across, x_ticks, break_mark = _across(plot, box)
    reach = [plot.y_low, plot.y_high, *(value for series in plot.series for value in _reach(series))]
    up = _scale(reach, plot.log_y, box.bottom, box.top + 4)
    drawn = "".join(_draw_series(series, _style(plot, k), across, up) for k, series in enumerate(plot.series))
    inside = clipped(drawn, box.left - 5, box.top - 5, box.width + 10, box.height + 10)
    y_ticks = [(up(value), setting(value)) for value in up.ticks()]
    frame_drawn = axes(box, x_ticks, y_ticks, (shown(plot.x_title), shown(plot.y_title)))
    content = frame.key + frame_drawn + break_mark + inside + _mark(plot, across, box)
    return drawing(frame.width, frame.height, content, title=_name(plot), description=_words(plot))


def _frame(plot: LabPlot, width: float) -> _Frame:
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
        size = 36.0 + _LETTER * len(text)
        if x > 0 and x + size > width:
            x, y = 0.0, y + _KEY_ROW
        parts.append(_key_entry(series, _style(plot, k), text, x, y))
        x += size + 8.0
    y += _KEY_ROW + 8.0 if x > 0 else 6.0
    mark = 16.0 if plot.mark and math.isfinite(plot.mark_x) else 0.0
    box = Box(left=52.0, top=y + 12.0 + mark, right=width - 12.0, bottom=y + 12.0 + mark + _PLOT_HEIGHT)
    key = "".join(parts)
    return _Frame(box=box, width=width, height=box.bottom + 46.0, key=key)


def _key_entry(series: LabSeries, style: str, text: str, x: float, y: float) -> str:
    sign = (
        tag("circle", cx=x + 12, cy=y - 4, r=3.5, class_=f"{style} dot")
        if series.points
        else tag("path", d=f"M{x:.1f} {y - 4:.1f}h24", class_=f"{style} line")
    )
    return sign + label(text, x + 30.0, y, class_="tick")


def _style(plot: LabPlot, index: int) -> str:
    series = plot.series[index]
    return _ROLES.get(series.name, f"series-{index % NUM_STYLES}")


def _across(plot: LabPlot, box: Box) -> tuple[Position, list[Tick], str]:
    """The x axis: its scale, its ticks, and the mark of a broken axis."""
    xs = sorted({x for series in plot.series for x in series.x if math.isfinite(x)}) or [0.0, 1.0]
    if plot.log_x and xs[0] == 0 and len(xs) > 2:
        broken = L2Scale(values=tuple(xs), start=box.left + 12, end=box.right - 12)
        return broken, broken.ticks(), zero_break(broken, box.bottom)
    scale = _scale(xs, plot.log_x, box.left + 4, box.right - 4, tight=True)
    wanted = 4 if box.width < 300 else 6
    return scale, [(scale(value), setting(value)) for value in scale.ticks(wanted)], ""


def _scale(values: Sequence[float], log: bool, start: float, end: float, *, tight: bool = False) -> Scale:
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


def _reach(series: LabSeries) -> list[float]:
    """All y values, with one standard error on either side."""
    if not series.standard_error:
        return list(series.y)
    ends = [(y - e, y + e) for y, e in zip(series.y, series.standard_error, strict=True)]
    return [*series.y, *(high for _, high in ends), *(low for low, _ in ends if low > 0)]


def _draw_series(series: LabSeries, style: str, across: Position, up: Scale) -> str:
    kept = thinned(len(series.x))
    points = [(across(series.x[k]), up(series.y[k])) for k in kept]
    if series.points:
        return "".join(_dot(series, k, style, point, up) for k, point in zip(kept, points, strict=True))
    drawn = polyline(points, style)
    if series.standard_error:
        lower = [up(series.y[k] - series.standard_error[k]) for k in kept]
        upper = [up(series.y[k] + series.standard_error[k]) for k in kept]
        drawn = band([x for x, _ in points], lower, upper, style) + drawn
    return drawn


def _dot(series: LabSeries, k: int, style: str, point: tuple[float, float], up: Scale) -> str:
    x, y = point
    if not (math.isfinite(x) and math.isfinite(y)):
        return ""
    dot = tag(
        "circle", tooltip(f"{shown(series.name)}: {number(series.y[k])}"), cx=x, cy=y, r=3.5, class_=f"{style} dot"
    )
    if not series.standard_error:
        return dot
    low, high = (up(series.y[k] + sign * series.standard_error[k]) for sign in (-1, 1))
    return tag("path", d=f"M{x:.1f} {low:.1f}V{high:.1f}", class_="axis") + dot


def _mark(plot: LabPlot, across: Position, box: Box) -> str:
    if not (plot.mark and math.isfinite(plot.mark_x)):
        return ""
    x = across(plot.mark_x)
    side = "start" if x < box.left + 90 else "end" if x > box.right - 90 else "middle"
    line = tag("path", d=f"M{x:.1f} {box.top - 4:.1f}V{box.bottom:.1f}", class_="choice-line")
    return line + label(f"◆ {shown(plot.mark, 40)}", x, box.top - 28.0, class_="mark", text_anchor=side)


def _draw_categories(plot: LabPlot, width: float) -> str:
    """Draw names from top to bottom and the values to the right, so that no name is set aslant."""
    left = 14.0 + _LETTER * max(len(shown(name, 20)) for name in plot.categories)
    top = 44.0 if plot.title else 22.0
    box = Box(left=left, top=top, right=width - 14.0, bottom=top + 24.0 * len(plot.categories))
    values = [value for series in plot.series for value in _reach(series)]
    across = _scale(values, plot.log_y, box.left + 8, box.right - 8)
    rows = [(box.top + 24.0 * (k + 0.5), shown(name, 20)) for k, name in enumerate(plot.categories)]
    ticks = [(across(value), setting(value)) for value in across.ticks(5)]
    parts = [label(shown(plot.title), 0.0, 14.0, class_="panel") if plot.title else ""]
    parts.append(axes(box, ticks, rows, (shown(plot.y_title), ""), title_gap=6.0))
    for k, series in enumerate(plot.series):
        for x, y, error in zip(series.x, series.y, series.standard_error or (0.0,) * len(series.y), strict=True):
            parts.append(_sideways(rows[round(x)][0], (y, error), across, _style(plot, k)))
    return drawing(width, box.bottom + 46.0, "".join(parts), title=_name(plot), description=_words(plot))


def _sideways(y: float, value: tuple[float, float], across: Scale, style: str) -> str:
    middle, error = value
    if not math.isfinite(across(middle)):
        return ""
    bar = (
        tag("path", d=f"M{across(middle - error):.1f} {y:.1f}H{across(middle + error):.1f}", class_="axis")
        if error
        else ""
    )
    return bar + tag("circle", tooltip(number(middle)), cx=across(middle), cy=y, r=4, class_=f"{style} dot")


def _name(plot: LabPlot) -> str:
    title = f"{shown(plot.title)}: " if plot.title else ""
    return f"{title}{shown(plot.y_title)} against {shown(plot.x_title)}"


def _words(plot: LabPlot) -> str:
    """The ends of every line, for those who do not see it."""
    if plot.categories:
        said = [f"{shown(n)} {number(y)}" for s in plot.series for n, y in zip(plot.categories, s.y, strict=False)]
        return "; ".join(said) + "."
    ends = []
    for series in plot.series:
        finite = [(x, y) for x, y in zip(series.x, series.y, strict=True) if math.isfinite(y)]
        if finite:
            (x0, y0), (x1, y1) = finite[0], finite[-1]
            ends.append(
                f"{shown(series.name) if series.name else 'from'}: {number(y0)} at {setting(x0)}, "
                f"{number(y1)} at {setting(x1)}"
            )
    return "; ".join(ends) + "."
