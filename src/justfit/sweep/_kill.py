"""Which cells of a sweep stop early, and why: never by rank alone, and never in a way that loses what they showed.

Every decision is about a cell over all its folds and seeds. In this order:

1. *not finite*: a network of the cell ended in NaN or infinity; at once.
2. *plateau*: its training loss is within 2 % of the constant predictor's at three measurements in a row, none before
   epoch 3, while another cell has left that loss behind.
3. *overfitting*: its validation loss rises, and is above the incumbent's at two measurements in a row by more standard
   errors than `critical_errors` allows. Its best epoch stays in the table, and may still be chosen.
4. *futility*, never before a third of the epochs: its best epoch is worse than the incumbent's by more standard errors
   than `critical_errors` allows, it lies more than one grid step away from every cell of the ridge, and at the rate of
   its last measurements it would not catch up by the end.

The incumbent is the cell with the smallest loss at its best epoch so far; differences are paired by example and seed.
The chance of an error is that of one cell against one incumbent. An incumbent that is the luckiest of many is too good,
which costs cells that are as good as it, and so no loss; a cell that is better stays.
The corner stops for the first reason only: without it the curve from overfitting to underfitting has no start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from justfit.sweep._axes import are_neighbours
from justfit.sweep._best_epoch import best_epoch
from justfit.sweep._cell_choice import paired_cells
from justfit.sweep._cell_table import CellLog, SeedLosses
from justfit.sweep._rungs import PLATEAU_CHECKS, PLATEAU_FIRST_EPOCH, critical_errors

# Share of the constant predictor's loss that counts as no progress.
PLATEAU_FRACTION = 0.02
# Chance, over all checks of a cell, of calling it overfit or futile by luck: 2.5 and 3 standard errors at the first.
OVERFIT_ALPHA = 0.0137
FUTILITY_ALPHA = 0.003

NOT_FINITE = "not finite"
PLATEAU = "plateau"
OVERFITTING = "overfitting"
FUTILITY = "futility"


@dataclass(frozen=True, slots=True)
class Check:
    """When and under which conditions cells are judged.

    Attributes:
        epoch: Epoch at which all cells that still train stand.
        num_epochs: Of the whole training.
        number: Of the comparison, from 0; None where cells are not compared.
        constant: Training loss of the best constant prediction; None where it is not known.
    """

    epoch: int
    num_epochs: int
    number: int | None
    constant: float | None


def find_stopped(logs: list[CellLog], alive: list[int], check: Check) -> dict[int, str]:
    """Find the cells that stop here.

    Args:
        logs: All cells; the first is the corner. Cells that stopped before count as incumbents and for the ridge.
        alive: Indices of those that still train.
        check: When.

    Returns:
        The reason for each index that stops.
    """
    reasons = {k: NOT_FINITE for k in alive if not np.isfinite(logs[k].losses(check.epoch)).all()}
    left = [k for k in alive if k not in reasons and k != 0]
    if check.constant is not None:
        reasons |= dict.fromkeys(_on_plateau(logs, left, check.constant), PLATEAU)
    left = [k for k in left if k not in reasons]
    if check.number is not None and left:
        reasons |= _compared(logs, left, check, check.number)
    return reasons


def _on_plateau(logs: list[CellLog], left: list[int], constant: float) -> list[int]:
    level = constant - PLATEAU_FRACTION * abs(constant)
    flat = []
    for k in left:
        train = [t for e, t in zip(logs[k].epochs(), logs[k].train_curve()[0], strict=True) if e >= PLATEAU_FIRST_EPOCH]
        if len(train) >= PLATEAU_CHECKS and min(train[-PLATEAU_CHECKS:]) >= level:
            flat.append(k)
    somebody_learns = any(log.seeds and min(log.train_curve()[0]) < level for log in logs)
    return flat if somebody_learns else []


def _compared(logs: list[CellLog], left: list[int], check: Check, number: int) -> dict[int, str]:
    judged = [k for k, log in enumerate(logs) if log.seeds and np.isfinite(log.losses(log.epochs()[-1])).all()]
    bests = {k: _by_seed(logs[k], best_epoch(logs[k])) for k in judged}
    incumbent = min(judged, key=lambda k: np.mean(list(bests[k].values()), dtype=np.float64))
    differences, errors = paired_cells([bests[k] for k in judged], judged.index(incumbent))
    ridge = [k for k, d, e in zip(judged, differences, errors, strict=True) if d <= e]
    reasons = {}
    for k in left:
        gap, error = differences[judged.index(k)], errors[judged.index(k)]
        if _overfits(logs[k], bests[incumbent], critical_errors(OVERFIT_ALPHA, number)):
            reasons[k] = OVERFITTING
        elif gap > critical_errors(FUTILITY_ALPHA, number) * error and not (
            any(are_neighbours(logs[k].cell, logs[other].cell) for other in ridge) or _catches_up(logs[k], gap, check)
        ):
            reasons[k] = FUTILITY
    return reasons


def _overfits(log: CellLog, incumbent: SeedLosses, errors: float) -> bool:
    """Whether the curve rises, distinguishably from its own best, and twice stood that far above the incumbent."""
    epochs, means = log.curve()
    if len(epochs) < 3 or not means[-1] > means[-2] > np.nanmin(means):
        return False
    points = [_by_seed(log, epoch) for epoch in (*epochs[-2:], epochs[int(np.nanargmin(means))])]
    to_incumbent, error = paired_cells([*points[:2], incumbent], 2)
    to_own_best, own_error = paired_cells(points, 2)
    return bool((to_incumbent[:2] > errors * error[:2]).all() and to_own_best[1] > own_error[1])


def _catches_up(log: CellLog, gap: float, check: Check) -> bool:
    """Whether the gap would close by the end at the rate of the last two measurements.

    Learning curves flatten, so a straight line is generous.
    """
    epochs, means = log.curve()
    if len(epochs) < 2:
        return True
    rate = (means[-2] - means[-1]) / (epochs[-1] - epochs[-2])
    return bool(rate * (check.num_epochs - check.epoch) >= gap)


def _by_seed(log: CellLog, epoch: int) -> SeedLosses:
    return dict(zip(sorted(log.seeds), log.losses(epoch), strict=True))
