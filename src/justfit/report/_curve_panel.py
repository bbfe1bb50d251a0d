"""One panel of learning curves, of whatever has them: a cell of a sweep, the history of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from justfit.report._axes import Box, axes, axis_title, line_key, loss_scale, power_of_ten, value_ticks
from justfit.report._choice import DIVERGED
from justfit.report._names import shown
from justfit.report._numbers import number, setting
from justfit.report._svg import Scale, band, clipped, drawing, label, nice_ticks, polyline, readable, thinned

_WIDTH, _HEIGHT = 330.0, 294.0
BOX = Box(left=46.0, top=86.0, right=322.0, bottom=246.0)
_BAND_POINTS = 250  # a band is broad and smooth; more points would only make the page heavy


class Losses(Protocol):
    """Train and validation loss with their standard errors, epoch by epoch."""

    @property
    def epochs(self) -> tuple[int, ...]:
        """Epochs at which the losses were measured."""

    @property
    def train_loss(self) -> tuple[float, ...]:
        """On rows the network was trained on."""

    @property
    def train_loss_se(self) -> tuple[float, ...]:
        """Its standard error."""

    @property
    def validation_loss(self) -> tuple[float, ...]:
        """On rows it was not trained on."""

    @property
    def validation_loss_se(self) -> tuple[float, ...]:
        """Its standard error."""


def shared_scale(curves: Sequence[Losses]) -> Scale:
    """Choose one axis of losses for several panels."""
    every = [value for curve in curves for value in (*curve.train_loss, *curve.validation_loss)]
    validation = [value for curve in curves for value in curve.validation_loss]
    return loss_scale(every, validation, start=BOX.bottom, end=BOX.top)


def draw_panel(name: str, words: str, curve: Losses, up: Scale, unit: str) -> str:
    """Draw one panel.

    Args:
        name: Which network, in a word or two.
        words: What it was trained with.
        curve: At least one epoch.
        up: The axis of losses, which panels beside each other share.
        unit: Of the losses.
    """
    first, last = min(curve.epochs[0], 0), max(curve.epochs[-1], 1)
    across = Scale(low=float(first), high=float(last), start=BOX.left, end=BOX.right)
    series = (
        ("train", curve.train_loss, curve.train_loss_se),
        ("validation", curve.validation_loss, curve.validation_loss_se),
    )
    lines = "".join(_line(class_, curve.epochs, values, errors, (across, up)) for class_, values, errors in series)
    ticks = [(across(value), setting(value)) for value in nice_ticks(float(first), float(last), 5)]
    titles = ("epoch", axis_title("loss", unit, power_of_ten(up)))
    content = (
        label(shown(name, 40), 0.0, 14.0, class_="panel")
        + label(shown(words, 54), 0.0, 31.0, class_="tick")
        + axes(BOX, ticks, value_ticks(up), titles)
        + clipped(readable(lines, across, up, "epoch"), BOX.left, BOX.top - 4, BOX.width + 4, BOX.height + 4)
        + line_key(BOX.left, 54.0)
        + _end_of(curve)
    )
    ends = f"training loss {number(curve.train_loss[-1])}, validation loss {number(curve.validation_loss[-1])}"
    described = f"After epoch {curve.epochs[-1]}: {ends} {shown(unit, 40)}."
    return drawing(_WIDTH, _HEIGHT, content, title=f"{shown(name, 40)}: {shown(words, 120)}", description=described)


def _line(
    class_: str, epochs: Sequence[int], values: Sequence[float], errors: Sequence[float], scales: tuple[Scale, Scale]
) -> str:
    across, up = scales
    known = [k for k, value in enumerate(values) if math.isfinite(value)]
    coarse = [known[k] for k in thinned(len(known), _BAND_POINTS)] if known else []
    lower, upper = [up(values[k] - errors[k]) for k in coarse], [up(values[k] + errors[k]) for k in coarse]
    kept = [known[k] for k in thinned(len(known))] if known else []
    points = [(across(float(epochs[k])), up(values[k])) for k in kept]
    return band([across(float(epochs[k])) for k in coarse], lower, upper, class_) + polyline(points, class_)


def _end_of(curve: Losses) -> str:
    """Say since when the network is no longer finite, of one that is not."""
    if math.isfinite(curve.train_loss[-1]) or math.isfinite(curve.validation_loss[-1]):
        return ""
    known = [e for e, loss in zip(curve.epochs, curve.validation_loss, strict=True) if math.isfinite(loss)]
    words = f"{DIVERGED} after epoch {known[-1]:,}" if known else f"{DIVERGED} at once"
    return label(words, (BOX.left + BOX.right) / 2, BOX.bottom - 40.0, class_="mark", text_anchor="middle")
