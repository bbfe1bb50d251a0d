"""Figure: learning curves without regularization, with the choice, and with the largest λ, on one loss axis."""

from __future__ import annotations

import math

from justfit.records import Curve, FitResult
from justfit.report._axes import Box, axes, axis_title, line_key, loss_scale, power_of_ten, value_ticks
from justfit.report._choice import DIVERGED, cell_name
from justfit.report._explorer_data import best_index
from justfit.report._network_words import telling_cells
from justfit.report._numbers import number, setting
from justfit.report._svg import Scale, band, clipped, drawing, label, nice_ticks, polyline, readable, tag, thinned
from justfit.report._titles import find_curve
from justfit.report._verdict import loss_unit

_WIDTH, _HEIGHT = 330.0, 294.0
_BOX = Box(left=46.0, top=86.0, right=322.0, bottom=246.0)
_BAND_POINTS = 250  # a band is broad and smooth; more points would only make the page heavy


def draw_curves(result: FitResult) -> tuple[str, ...]:
    """Draw one panel a network: under, right and over side by side, as in the lecture's first figure."""
    chosen = _panels(result)
    every = [value for _, curve in chosen for value in (*curve.train_loss, *curve.validation_loss)]
    validation = [value for _, curve in chosen for value in curve.validation_loss]
    scale = loss_scale(every, validation, start=_BOX.bottom, end=_BOX.top)
    judged = find_curve(result.sweep, result.sweep.l2[0], result.sweep.dropout[0])
    unit = loss_unit(result.sweep.unit)
    return tuple(_panel(name, curve, scale, unit, is_judged=curve is judged) for name, curve in chosen)


def _panels(result: FitResult) -> list[tuple[str, Curve]]:
    record = result.sweep
    kept = []
    for name, (i, j) in telling_cells(record):
        curve = find_curve(record, record.l2[i], record.dropout[j])
        if curve is None and name == "Largest λ":  # kept at another dropout
            curve = next((c for c in record.curves if c.l2 == record.l2[-1]), None)
        if curve is not None and curve.epochs:
            kept.append((name, curve))
    return kept


def _best_mark(curve: Curve, best: int | None, across: Scale, up: Scale) -> str:
    if best is None:
        return ""
    x, y = across(curve.epochs[best]), up(curve.validation_loss[best])
    return (
        tag("circle", cx=x, cy=y, r=4, class_="ring") if math.isfinite(y) and _BOX.top - 4 <= y <= _BOX.bottom else ""
    )


def _verdict_mark(curve: Curve, across: Scale, up: Scale) -> str:
    """Mark the epoch that the verdict is on: the last."""
    x, y = across(curve.epochs[-1]), up(curve.validation_loss[-1])
    if not math.isfinite(y):
        return ""
    words = f"verdict: epoch {curve.epochs[-1]:,}"
    return (
        tag("path", d=f"M{x:.1f} {_BOX.top:.1f}V{_BOX.bottom:.1f}", class_="choice-line")
        + tag("path", d=f"M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z", class_="diamond verdict-mark")
        + label(words, _BOX.right + 4.0, _BOX.top - 12.0, class_="tick strong", text_anchor="end")
    )


def _panel(name: str, curve: Curve, scale: Scale, unit: str, *, is_judged: bool) -> str:
    kept = thinned(len(curve.epochs))
    last = max(curve.epochs)
    across = Scale(low=0.0, high=float(max(last, 1)), start=_BOX.left, end=_BOX.right)
    xs = [across(curve.epochs[k]) for k in kept]
    drawn = []
    for class_, losses, errors in (
        ("train", curve.train_loss, curve.train_loss_se),
        ("validation", curve.validation_loss, curve.validation_loss_se),
    ):
        coarse = thinned(len(curve.epochs), _BAND_POINTS)
        lower = [scale(losses[k] - errors[k]) for k in coarse]
        upper = [scale(losses[k] + errors[k]) for k in coarse]
        drawn.append(band([across(curve.epochs[k]) for k in coarse], lower, upper, class_))
        drawn.append(polyline(zip(xs, [scale(losses[k]) for k in kept], strict=True), class_))
    lines = readable("".join(drawn), across, scale, "epoch")
    frame = axes(
        _BOX,
        [(across(value), setting(value)) for value in nice_ticks(0.0, float(max(last, 1)), 5)],
        value_ticks(scale),
        ("epoch", axis_title("loss", unit, power_of_ten(scale))),
    )
    heading = f"{name}: {cell_name(curve.l2, curve.dropout)}"
    best = best_index(curve)
    lowest = "" if best is None else f" · ○ lowest at epoch {curve.epochs[best]:,}"
    content = (
        label(name, 0.0, 14.0, class_="panel")
        + label(cell_name(curve.l2, curve.dropout) + lowest, 0.0, 31.0, class_="tick")
        + frame
        + clipped(lines, _BOX.left, _BOX.top - 4, _BOX.width + 4, _BOX.height + 4)
        + _best_mark(curve, best, across, scale)
        + (_verdict_mark(curve, across, scale) if is_judged else "")
        + line_key(_BOX.left, 54.0)
    )
    alive = [epoch for epoch, loss in zip(curve.epochs, curve.validation_loss, strict=True) if math.isfinite(loss)]
    if len(alive) < len(curve.epochs):
        words = f"{DIVERGED} after epoch {max(alive)}" if alive else f"{DIVERGED} at once"
        content += label(words, (_BOX.left + _BOX.right) / 2, _BOX.bottom - 40.0, class_="mark", text_anchor="middle")
    ends = f"training loss {number(curve.train_loss[-1])}, validation loss {number(curve.validation_loss[-1])} {unit}"
    return drawing(_WIDTH, _HEIGHT, content, title=heading, description=f"After epoch {last}: {ends}.")
