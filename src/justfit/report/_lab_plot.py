"""Plots of the lab: lines with bands, points with bars, on linear or logarithmic axes, or against names."""

from __future__ import annotations

import math

from justfit.records import LabPlot, LabSeries
from justfit.report._axes import Box, axes
from justfit.report._lab_axes import LETTER, NARROW, WIDTH, Position, across_of, lay_out, reach_of, scale_of, style_of
from justfit.report._names import shown
from justfit.report._numbers import number, setting
from justfit.report._svg import Scale, band, clipped, drawing, label, polyline, tag, thinned, tooltip


def draw_plot(plot: LabPlot, *, narrow: bool) -> str:
    """Draw one plot; `narrow` where it stands beside others."""
    if plot.categories:
        return _draw_categories(plot, NARROW if narrow else WIDTH)
    frame = lay_out(plot, NARROW if narrow else WIDTH)
    box = frame.box
    across, x_ticks, break_mark = across_of(plot, box)
    reach = [plot.y_low, plot.y_high, *(value for series in plot.series for value in reach_of(series))]
    up = scale_of(reach, plot.log_y, box.bottom, box.top + 4)
    drawn = "".join(_draw_series(series, style_of(plot, k), across, up) for k, series in enumerate(plot.series))
    inside = clipped(drawn, box.left - 5, box.top - 5, box.width + 10, box.height + 10)
    y_ticks = [(up(value), setting(value)) for value in up.ticks()]
    frame_drawn = axes(box, x_ticks, y_ticks, (shown(plot.x_title), shown(plot.y_title)))
    content = frame.key + frame_drawn + break_mark + inside + _mark(plot, across, box)
    return drawing(frame.width, frame.height, content, title=_name(plot), description=_words(plot))


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
    left = 14.0 + LETTER * max(len(shown(name, 20)) for name in plot.categories)
    top = 44.0 if plot.title else 22.0
    box = Box(left=left, top=top, right=width - 14.0, bottom=top + 24.0 * len(plot.categories))
    values = [value for series in plot.series for value in reach_of(series)]
    across = scale_of(values, plot.log_y, box.left + 8, box.right - 8)
    rows = [(box.top + 24.0 * (k + 0.5), shown(name, 20)) for k, name in enumerate(plot.categories)]
    ticks = [(across(value), setting(value)) for value in across.ticks(5)]
    parts = [label(shown(plot.title), 0.0, 14.0, class_="panel") if plot.title else ""]
    parts.append(axes(box, ticks, rows, (shown(plot.y_title), ""), title_gap=6.0))
    for k, series in enumerate(plot.series):
        for x, y, error in zip(series.x, series.y, series.standard_error or (0.0,) * len(series.y), strict=True):
            parts.append(_sideways(rows[round(x)][0], (y, error), across, style_of(plot, k)))
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
                f"{shown(series.name) if series.name else 'from'}: {number(y0)} at {setting(x0)}, {number(y1)} at "
                f"{setting(x1)}"
            )
    return "; ".join(ends) + "."
