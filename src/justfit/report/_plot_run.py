"""Picture for papers: the loss of a watched run step by step, and the gradient norm of each layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from justfit.records import WatchRecord
from justfit.report._gradient_figure import gradients_title
from justfit.report._layer_rows import layer_rows
from justfit.report._loss_figure import loss_title
from justfit.report._plot import CHOICE, VALIDATION, key, name_axes, plain, say
from justfit.report._plot_scales import count_on, scale_losses
from justfit.report._sampled_steps import sampled_steps
from justfit.report._signal_figure import common_range
from justfit.report._step_axis import marks_of, num_steps
from justfit.report._svg import thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NAMES = 14
_DECADES = 12.0


def plot_watch(record: WatchRecord, axes: list[Axes]) -> None:
    """Draw the loss beside the gradients."""
    _plot_loss(record, axes[0])
    _plot_gradients(record, axes[1])


def _plot_loss(record: WatchRecord, axes: Axes) -> None:
    bins = record.evidence.losses
    say(axes, loss_title(record))
    known = [k for k, value in enumerate(bins.mean) if math.isfinite(value)]
    if known:
        middles = [bins.first_step[k] + (max(bins.num_steps[k], 1) - 1) / 2 for k in known]
        low, high = [bins.minimum[k] for k in known], [bins.maximum[k] for k in known]
        mean = [bins.mean[k] for k in known]
        marker = "o" if len(known) <= 12 else ""
        axes.plot(middles, mean, color=VALIDATION["color"], linewidth=1.6, marker=marker, markersize=3.5)
        if any(bins.num_steps[k] > 1 for k in known):
            words = "smallest to largest of a bin"
            axes.fill_between(middles, low, high, color=VALIDATION["color"], alpha=0.2, linewidth=0, label=words)
        scale_losses(axes, [*low, *high], mean)
    for k, mark in enumerate(marks_of(record)[:6]):
        axes.axvline(mark.step, **CHOICE)
        axes.annotate(
            plain(mark.words, 40), (mark.step, 1.0 - 0.07 * k), xycoords=("data", "axes fraction"), xytext=(3, -9),
            textcoords="offset points", fontsize=8,
        )  # fmt: skip
    axes.set_xlim(0, max(num_steps(record), 1))
    count_on(axes)
    name_axes(axes, "step of the optimizer", "loss of a step (unit of the loss)")
    key(axes)


def _plot_gradients(record: WatchRecord, axes: Axes) -> None:
    from matplotlib.colors import LogNorm
    from numpy import array, ma

    say(axes, gradients_title(record))
    rows = layer_rows(record, lambda layer: layer.gradient_norm)
    ends = common_range([[value for value in row.values if value > 0] for row in rows], _DECADES)
    name_axes(axes, "step of the optimizer", "layer, in order of execution")
    count_on(axes)
    if ends is None:
        return
    # What is 0, infinite or was not measured has no place on a logarithmic scale and stays white.
    grid = ma.masked_invalid(
        array([[value if 0 < value < math.inf else math.nan for value in row.values] for row in rows])
    )
    columns, span = len(rows[0].values), max(sampled_steps(record), 2) - 1.0
    edges = [1.0 + span * k / columns for k in range(columns + 1)]
    norm: Any = LogNorm(*ends, clip=True)
    mesh = axes.pcolormesh(edges, range(len(rows) + 1), grid, cmap="cividis", norm=norm)
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.set_label("gradient norm ‖∂L/∂w‖ (loss per unit of weight)")
    named = thinned(len(rows), _MOST_NAMES)
    axes.set_yticks([k + 0.5 for k in named], [plain(rows[k].name, 20) for k in named], fontsize=8)
    axes.invert_yaxis()
