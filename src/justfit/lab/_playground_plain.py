"""What a playground shows, as lists and numbers fit for JSON."""

from __future__ import annotations

import math
from typing import Any

from justfit.lab._playground_look import spread
from justfit.lab._playground_options import DROPOUT, L2
from justfit.lab._playground_points import Points
from justfit.lab._playground_training import Losses

MOST_POINTS = 300  # of a curve
DIGITS = 4


def curves(history: list[Losses], cell: int) -> dict[str, Any]:
    """Write the losses of one cell by epoch, of a long training some epochs with both ends."""
    chosen = [history[place] for place in spread(len(history), MOST_POINTS)]
    return {
        "epochs": [losses.epoch for losses in chosen],
        "train": [float(losses.train[cell]) for losses in chosen],
        "trainSe": [float(losses.train_se[cell]) for losses in chosen],
        "validation": [float(losses.validation[cell]) for losses in chosen],
        "validationSe": [float(losses.validation_se[cell]) for losses in chosen],
    }


def grid(losses: Losses) -> dict[str, Any]:
    """Write the losses of all cells, [λ][dropout]."""
    shape = (len(L2), len(DROPOUT))
    return {"train": losses.train.view(shape).tolist(), "validation": losses.validation.view(shape).tolist()}


def plane_of(points: Points) -> dict[str, Any]:
    """Write the points and the plane that is shown, in their own units, to a ten thousandth of the plane.

    Points outside are written where they lie; whoever draws them moves them to the border.
    """
    low, high = points.plane
    (x_low, x_high, *x), (y_low, y_high, *y) = (
        _steps([float(low[axis]), float(high[axis]), *points.inputs[:, axis].tolist()]) for axis in (0, 1)
    )
    num_outside = int(points.is_outside.sum())
    return {
        "xName": points.names[0],
        "yName": points.names[1],
        "xLow": x_low,
        "xHigh": x_high,
        "yLow": y_low,
        "yHigh": y_high,
        "x": x,
        "y": y,
        "target": points.labels.tolist(),
        "classes": list(points.classes),
        "validation": [row >= points.num_train for row in range(len(x))],
        "numOutside": num_outside,
        "notes": [*points.notes, *([_stray_words(num_outside)] if num_outside else [])],
    }


def _steps(values: list[float]) -> list[float]:
    """Round to a ten thousandth of the plane, from the first to the second, or finer: years keep their days apart."""
    decimals = DIGITS - math.floor(math.log10(values[1] - values[0] or 1.0))
    return [round(value, decimals) for value in values]


def _stray_words(count: int) -> str:
    if count == 1:
        return "1 point lies far outside and is drawn at the border."
    return f"{count} points lie far outside and are drawn at the border."


def rounded(value: Any) -> Any:
    """Round every float inside to `DIGITS` digits; what is no number becomes None."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, list) and not (value and isinstance(value[0], int)):
        return [rounded(part) for part in value]
    return value
