"""Picture for papers: the claims of the lab, one panel a claim."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from justfit.records import LabMeasurement, LabPlot, LabRecord, LabSeries, LabSurface
from justfit.report._names import shown
from justfit.report._plot import CHOICE, SERIES, TRAINING, VALIDATION, draw_band, key, name_axes, plain, say
from justfit.report._plot_plane import draw_examples, draw_two_sides
from justfit.report._plot_scales import scale_l2

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3
_ROLES = {"training": TRAINING, "validation": VALIDATION}


def lab_rows(record: LabRecord) -> tuple[int, ...]:
    """Count the panels, one a claim."""
    num_claims = len(record.claims)
    return tuple(min(_COLUMNS, num_claims - first) for first in range(0, num_claims, _COLUMNS))


def plot_lab(record: LabRecord, axes: list[Axes]) -> None:
    """Draw one picture of each claim; its numbers in their ranges where it has none that stands alone."""
    for claim, one in zip(record.claims, axes, strict=True):
        figure = claim.figure
        if figure.surfaces:
            _draw_surface(figure.surfaces[-1], one)
        elif figure.plots:
            _draw_plot(figure.plots[0], one)
        else:
            _draw_ranges(claim.measurements, one)
        say(one, f"{shown(claim.id)}, {claim.mark}: {shown(figure.title or claim.title, 160)}")


def _draw_plot(plot: LabPlot, axes: Axes) -> None:
    if plot.log_x:
        xs = sorted({x for series in plot.series for x in series.x if math.isfinite(x)})
        scale_l2(axes, [x for x in xs if x >= 0])
    if plot.log_y and any(y > 0 for series in plot.series for y in series.y):
        axes.set_yscale("log", nonpositive="mask")
    for k, series in enumerate(plot.series):
        _draw_series(series, _ROLES.get(series.name, SERIES[k % len(SERIES)]), axes)
    if plot.categories:
        axes.set_xticks(range(len(plot.categories)), [plain(name, 16) for name in plot.categories], fontsize=8)
        axes.set_xlim(-0.5, len(plot.categories) - 0.5)
    low, high = axes.get_ylim()
    shown_low = low if math.isnan(plot.y_low) else min(low, plot.y_low)
    axes.set_ylim(shown_low, high if math.isnan(plot.y_high) else max(high, plot.y_high))
    if math.isfinite(plot.mark_x):
        axes.axvline(plot.mark_x, label=plain(plot.mark, 30), **CHOICE)
    name_axes(axes, plain(plot.x_title), plain(plot.y_title))
    key(axes)


def _draw_series(series: LabSeries, style: dict[str, Any], axes: Axes) -> None:
    name = plain(series.name, 30) if series.name else ""
    errors = series.standard_error or (math.nan,) * len(series.y)
    if not series.points:
        draw_band(axes, series.x, series.y, errors, style, name=name)
        return
    wide = [error if math.isfinite(error) else 0.0 for error in errors]
    axes.errorbar(series.x, series.y, wide, fmt="o", color=style["color"], markersize=4, capsize=2, label=name)


def _draw_surface(surface: LabSurface, axes: Axes) -> None:
    draw_two_sides(axes, surface.rows, (surface.x_low, surface.x_high, surface.y_low, surface.y_high))
    for code in (0, 1):
        chosen = [k for k, kind in enumerate(surface.label) if kind == code]
        draw_examples(axes, [surface.x[k] for k in chosen], [surface.y[k] for k in chosen], code, f"class {code}")
    name_axes(axes, f"first input (no unit); {plain(surface.title, 40)}", "second input (no unit)")
    key(axes)


def _draw_ranges(measurements: Sequence[LabMeasurement], axes: Axes) -> None:
    """Draw each number as its place in the range that it must lie in, as far as the range has two ends."""
    ranged = [m for m in measurements if math.isfinite(m.low) and math.isfinite(m.high) and m.high > m.low]
    for row, one in enumerate(ranged):
        place = (one.value - one.low) / (one.high - one.low)
        axes.plot([0.0, 1.0], [row, row], color="#a9b2bb", linewidth=5, solid_capstyle="butt")
        axes.plot([min(max(place, -0.3), 1.3)], [row], "D", color=(TRAINING if one.holds else VALIDATION)["color"])
    axes.set_yticks(range(len(ranged)), ["\n".join(textwrap.wrap(plain(one.name), 26)) for one in ranged], fontsize=8)
    axes.set_ylim(max(len(ranged), 1) - 0.4, -0.6)
    axes.set_xlim(-0.35, 1.35)
    axes.set_xticks([0.0, 1.0], ["low end", "high end"])
    name_axes(axes, "place in the range that it must lie in", "")
