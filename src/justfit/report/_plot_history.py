"""Picture for papers: the learning curves of a judged run with its best epoch, or the probabilities of its states."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from justfit.records import FitVerdict, Judgement
from justfit.report._judgement_words import headline
from justfit.report._numbers import probability, setting
from justfit.report._plot import CHOICE, SHADE, TRAINING, VALIDATION, draw_band, key, name_axes, plain, say
from justfit.report._plot_scales import count_on, scale_losses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LARGEST = 1e300  # what is larger leaves the plot: an axis beyond it would end in infinity
_STATES = (("overfitting", "overfitting"), ("just_right", "just right"), ("underfitting", "underfitting"))


def plot_judgement(judgement: Judgement, axes: list[Axes]) -> None:
    """Draw the curves with the best epoch and where overfitting began; the probabilities where there are no curves."""
    history = judgement.history
    every = [*history.train_loss, *history.validation_loss]
    if not any(math.isfinite(value) for value in every):
        plot_states(judgement.verdict, axes[0])
    else:
        _plot_curves(judgement, axes[0])
    say(axes[0], headline(judgement))


def plot_states(verdict: FitVerdict, axes: Axes) -> None:
    """Draw the probability of each state and the one that a verdict needs."""
    rows = [(words, verdict.probabilities.get(state, 0.0)) for state, words in reversed(_STATES)]
    axes.barh([words for words, _ in rows], [value for _, value in rows], color=VALIDATION["color"], height=0.55)
    for k, (_, value) in enumerate(rows):
        axes.text(value + 0.015, k, probability(value), va="center", fontsize=9)
    axes.axvline(verdict.decision_probability, **CHOICE)
    needed = f"needed: {setting(verdict.decision_probability)}"
    axes.text(verdict.decision_probability - 0.01, len(rows) - 0.5, needed, ha="right", va="bottom", fontsize=8.5)
    axes.set_xlim(0.0, 1.12)
    axes.set_ylim(-0.6, len(rows) - 0.1)
    axes.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0])
    name_axes(axes, "probability (no unit)", "")


def _plot_curves(judgement: Judgement, axes: Axes) -> None:
    history, verdict = judgement.history, judgement.verdict
    is_loss = history.direction == "minimize"
    series = (
        (history.train_loss, history.train_loss_se, TRAINING, "training"),
        (history.validation_loss, history.validation_loss_se, VALIDATION, "validation"),
    )
    for values, errors, style, name in series:
        draw_band(axes, history.epochs, [_held(value) for value in values], errors, style, name=name)
    levels = [
        (value, words)
        for value, words in (
            (verdict.reference_loss, plain(verdict.reference_name or "reference", 30)),
            (verdict.constant_loss, "constant prediction"),
        )
        if math.isfinite(value)
    ]
    every = [_held(value) for values, *_ in series for value in values]
    scale_losses(axes, [*every, *(value for value, _ in levels)], history.validation_loss if is_loss else ())
    for value, words in levels:
        axes.axhline(value, **CHOICE)
        axes.annotate(
            words, (1.0, value), xycoords=("axes fraction", "data"), xytext=(-2, 3), textcoords="offset points",
            ha="right", fontsize=8.5,
        )  # fmt: skip
    _mark(judgement, axes)
    count_on(axes)
    unit = plain(verdict.unit, 20) if verdict.unit else "unit of the log"
    name_axes(axes, plain(history.epoch_name, 40), f"{'loss' if is_loss else 'score, higher is better'} ({unit})")
    key(axes)


def _mark(judgement: Judgement, axes: Axes) -> None:
    history, verdict = judgement.history, judgement.verdict
    since = verdict.overfitting_since
    if since is not None and history.epochs[0] <= since <= history.epochs[-1]:
        axes.axvspan(since, history.epochs[-1], label="overfits", **SHADE)
    if verdict.best_epoch is None or verdict.best_epoch not in history.epochs:
        return
    value = history.validation_loss[history.epochs.index(verdict.best_epoch)]
    axes.axvline(verdict.best_epoch, **CHOICE)
    words = f"best {plain(history.epoch_name, 20)}: {verdict.best_epoch:,}"
    axes.plot([verdict.best_epoch], [value], "D", color=VALIDATION["color"], markersize=6, label=words)


def _held(value: float) -> float:
    return min(max(value, -_LARGEST), _LARGEST)
