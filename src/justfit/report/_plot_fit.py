"""Picture for papers: the learning curves of a fit without regularization and with the choice, and the path along λ."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from justfit.records import FitResult, SweepRecord
from justfit.report._numbers import setting
from justfit.report._plot import CHOICE, OTHER, SHADE, TRAINING, VALIDATION, draw_band, key, name_axes, plain, say
from justfit.report._plot_history import plot_states
from justfit.report._plot_plane import opened_planes, plot_planes
from justfit.report._plot_scales import count_on, scale_l2, scale_losses
from justfit.report._titles import find_curve, path_figure
from justfit.report._verdict import headline

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def fit_rows(result: FitResult) -> tuple[int, ...]:
    """Count the panels: curves and path, and below them, of two features, what up to three networks answer."""
    num_planes = len(opened_planes(result))
    return (2, num_planes) if num_planes else (2,)


def plot_fit(result: FitResult, axes: list[Axes]) -> None:
    """Draw the learning curves beside the regularization path, and the networks of two features."""
    _plot_curves(result, axes[0])
    _plot_path(result.sweep, axes[1])
    plot_planes(result, axes[2:])


def _plot_curves(result: FitResult, axes: Axes) -> None:
    record = result.sweep
    say(axes, headline(result))
    without = find_curve(record, record.l2[0], record.dropout[0])
    chosen = find_curve(record, record.chosen_l2, record.chosen_dropout) if record.chosen != (0, 0) else None
    if without is None or not any(math.isfinite(value) for value in without.validation_loss):
        plot_states(result.verdict, axes)
        return
    epochs, errors = without.epochs, without.validation_loss_se
    draw_band(axes, epochs, without.train_loss, without.train_loss_se, TRAINING, name="training, without")
    draw_band(axes, epochs, without.validation_loss, errors, VALIDATION, name="validation, without")
    validation = list(without.validation_loss)
    if chosen is not None:
        words = f"validation, λ = {setting(chosen.l2)}, dropout {setting(chosen.dropout)}"
        draw_band(axes, chosen.epochs, chosen.validation_loss, chosen.validation_loss_se, OTHER, name=words)
        validation += chosen.validation_loss
    scale_losses(axes, [*without.train_loss, *validation], validation)
    count_on(axes)
    name_axes(axes, "epoch", f"mean loss ({plain(record.unit, 20)})")
    key(axes)


def _plot_path(record: SweepRecord, axes: Axes) -> None:
    j = record.chosen[1]
    train, validation, errors = (
        [row[j] for row in grid] for grid in (record.train_loss, record.validation_loss, record.validation_loss_se)
    )
    say(axes, path_figure(record).title)
    scale_l2(axes, record.l2)
    draw_band(axes, record.l2, train, [math.nan] * len(train), TRAINING, name="training")
    draw_band(axes, record.l2, validation, errors, VALIDATION, name="validation")
    scale_losses(axes, [*train, *validation], validation)
    near = [record.l2[i] for i, row in enumerate(record.ridge) if row[j]]
    if len(near) > 1:
        axes.axvspan(min(near), max(near), label="cannot be told from the best", **SHADE)
    axes.axvline(record.chosen_l2, **CHOICE)
    chosen = validation[record.chosen[0]]
    if math.isfinite(chosen):
        words = f"chosen: λ = {setting(record.chosen_l2)}"
        axes.plot([record.chosen_l2], [chosen], "D", color=VALIDATION["color"], markersize=6, label=words)
    title = f"λ of λ/(2n)·Σw² (no unit), at dropout {setting(record.chosen_dropout)}"
    name_axes(axes, title, f"mean loss ({plain(record.unit, 20)})")
    key(axes)
