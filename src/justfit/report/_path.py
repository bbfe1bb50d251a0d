"""Figures along λ: train and validation loss (the U), and what λ does to the network itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

from justfit.records import FitResult, SweepRecord
from justfit.report._axes import (
    Box,
    L2Scale,
    axes,
    axis_title,
    line_key,
    loss_scale,
    power_of_ten,
    value_ticks,
    zero_break,
)
from justfit.report._choice import cell_name
from justfit.report._numbers import number, setting, with_se
from justfit.report._svg import Scale, band, clipped, drawing, label, polyline, tag, thinned, tooltip
from justfit.report._verdict import loss_unit

_MOST_DOTS = 60  # beyond, dots are a thicker line
_MOST_SAID = 40  # values in a description
_PATH = Box(left=50.0, top=86.0, right=448.0, bottom=312.0)
_EFFECT = Box(left=46.0, top=58.0, right=322.0, bottom=188.0)


def draw_path(result: FitResult) -> tuple[str, ...]:
    """Draw the regularization path at the chosen dropout."""
    record, unit = result.sweep, loss_unit(result.sweep.unit)
    j = record.chosen[1]
    train, validation, errors = (
        [row[j] for row in grid] for grid in (record.train_loss, record.validation_loss, record.validation_loss_se)
    )
    across = L2Scale(values=record.l2, start=_PATH.left + 16, end=_PATH.right - 16)
    scale = loss_scale([*train, *validation], validation, start=_PATH.bottom, end=_PATH.top + 8)
    kept = thinned(len(record.l2))
    xs = [across(record.l2[i]) for i in kept]
    lower = [scale(validation[i] - errors[i]) for i in kept]
    upper = [scale(validation[i] + errors[i]) for i in kept]
    lines = (
        band(xs, lower, upper, "validation")
        + polyline(zip(xs, [scale(train[i]) for i in kept], strict=True), "train")
        + polyline(zip(xs, [scale(validation[i]) for i in kept], strict=True), "validation")
        + (_points(xs, [scale(value) for value in validation], record) if len(record.l2) <= _MOST_DOTS else "")
    )
    titles = (
        "λ of λ/(2n)·Σw²  (no unit; logarithmic right of 0)",
        axis_title("mean loss", unit, power_of_ten(scale)),
    )
    content = (
        _ridge_strips(across, record)
        + axes(_PATH, across.ticks(), value_ticks(scale), titles, title_gap=38.0)
        + zero_break(across, _PATH.bottom)
        + clipped(lines, _PATH.left, _PATH.top, _PATH.width, _PATH.height + 1)
        + _choice_mark(across(record.chosen_l2), scale(validation[record.chosen[0]]), record)
        + line_key(_PATH.left, 16.0)
    )
    described = "; ".join(
        f"λ {setting(record.l2[i])}: training {number(train[i])}, validation {number(validation[i])}"
        for i in thinned(len(record.l2), _MOST_SAID)
    )
    name = f"Training and validation loss against λ at dropout {setting(record.chosen_dropout)}"
    return (drawing(460.0, 362.0, content, title=name, description=f"Losses in {unit}. {described}."),)


def draw_effect(result: FitResult) -> tuple[str, ...]:
    """Draw Σw², the active fraction and the linearity of the network against λ."""
    points = result.sweep.path
    if not points:
        return ()
    sums = [point.weight_sum_squares for point in points]
    return (
        _effect_panel(
            result.sweep,
            "Size of the weights, Σw²",
            sums,
            loss_scale(sums, sums, start=_EFFECT.bottom, end=_EFFECT.top),
        ),
        _effect_panel(result.sweep, "Active fraction", [p.active_fraction for p in points], _UNIT_SCALE),
        _effect_panel(result.sweep, "Linearity R²", [p.linearity_r2 for p in points], _UNIT_SCALE),
    )


_UNIT_SCALE = Scale(low=0.0, high=1.0, start=_EFFECT.bottom, end=_EFFECT.top)


def _effect_panel(record: SweepRecord, name: str, values: Sequence[float], scale: Scale) -> str:
    across = L2Scale(values=tuple(p.l2 for p in record.path), start=_EFFECT.left + 14, end=_EFFECT.right - 14)
    kept = thinned(len(values))
    spots = [(across(record.path[i].l2), scale(values[i])) for i in kept]
    dots = "".join(
        tag("circle", tooltip(f"λ = {setting(point.l2)}: {number(value)}"), cx=x, cy=y, r=3, class_="effect dot")
        for (x, y), point, value in zip(spots, record.path, values, strict=False)
        if math.isfinite(y) and len(values) <= _MOST_DOTS
    )
    x = across(record.chosen_l2)
    titles = ("λ", axis_title("value", "no unit", power_of_ten(scale)))
    content = (
        label(name, 0.0, 14.0, class_="panel")
        + tag("path", d=f"M{x:.1f} {_EFFECT.top:.1f}V{_EFFECT.bottom:.1f}", class_="choice-line")
        + axes(_EFFECT, across.ticks(), value_ticks(scale), titles, title_gap=20.0)
        + zero_break(across, _EFFECT.bottom)
        + polyline(spots, "effect")
        + dots
        + label("◆", x, _EFFECT.top + 1.0, class_="mark", text_anchor="middle")
    )
    said = thinned(len(values), _MOST_SAID)
    written = ", ".join(f"λ {setting(record.path[i].l2)}: {number(values[i])}" for i in said)
    return drawing(330.0, 236.0, content, title=f"{name} against λ", description=f"{written}.")


def _points(xs: Sequence[float], ys: Sequence[float], record: SweepRecord) -> str:
    j = record.chosen[1]
    return "".join(
        tag("circle", tooltip(_cell_words(record, i, j)), cx=x, cy=y, r=3.5, class_="validation dot")
        if math.isfinite(y)
        else label("✕", x, _PATH.bottom - 8.0, class_="mark", text_anchor="middle")
        for i, (x, y) in enumerate(zip(xs, ys, strict=True))
    )


def _cell_words(record: SweepRecord, i: int, j: int) -> str:
    loss = with_se(record.validation_loss[i][j], record.validation_loss_se[i][j], loss_unit(record.unit))
    return f"{cell_name(record.l2[i], record.dropout[j])}: validation loss {loss}"


def _ridge_strips(across: L2Scale, record: SweepRecord) -> str:
    """Shade the λ that cannot be told from the best; neighbours make one strip."""
    near = [i for i, row in enumerate(record.ridge) if row[record.chosen[1]]]
    strips = []
    for k, i in enumerate(near):
        if k == 0 or near[k - 1] != i - 1:
            start = i
        if k + 1 == len(near) or near[k + 1] != i + 1:
            ends = across.edges(start)[0], across.edges(i)[1]
            left, right = (min(max(edge, _PATH.left), _PATH.right) for edge in ends)
            strips.append(tag("rect", x=left, y=_PATH.top, width=right - left, height=_PATH.height, class_="ridge"))
    return "".join(strips)


def _choice_mark(x: float, y: float, record: SweepRecord) -> str:
    side = "start" if x < _PATH.left + 90 else "end" if x > _PATH.right - 90 else "middle"
    text = label(f"◆ chosen λ = {setting(record.chosen_l2)}", x, _PATH.top - 10.0, class_="mark", text_anchor=side)
    line = tag("path", d=f"M{x:.1f} {_PATH.top - 4:.1f}V{_PATH.bottom:.1f}", class_="choice-line")
    diamond = tag("path", d=f"M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z", class_="diamond") if math.isfinite(y) else ""
    return text + line + diamond
