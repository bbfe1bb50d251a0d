"""Which epoch of a cell counts: the number of epochs is a regularizer too, and is chosen like the others.

It is chosen by the mean curve over all folds and seeds, never fold by fold: a fold that picked its own epoch would be
judged on the very rows that it picked by. What is left is the luck of picking one of about a dozen means. It is kept
small by keeping the last epoch unless an earlier one beats it by one paired standard error, so that of epochs that
cannot be told apart none is picked for its luck; and it is measured by picking on one half of the rows and reading on
the other.

Notation: S seeds, n rows, R epochs.
"""

from __future__ import annotations

import numpy as np

from justfit.sweep._cell_choice import paired_cells
from justfit.sweep._cell_table import CellLog

OPTIMISM_SPLITS = 20


def best_epoch(log: CellLog) -> int:
    """The last epoch measured with all of a cell's seeds, or the best one where that is distinguishably better.

    Where any network of the cell was not finite at its last epoch, the last epoch: the cell counts as diverged.

    Args:
        log: A cell with at least one epoch measured.
    """
    epochs, means = log.curve()
    if not np.isfinite(means[-1]):
        return epochs[-1]
    lowest = epochs[int(np.nanargmin(means))]
    both = [dict(enumerate(log.losses(epoch))) for epoch in (epochs[-1], lowest)]
    difference, error = paired_cells(both, 1)
    return lowest if difference[0] > error[0] else epochs[-1]


def epoch_optimism(log: CellLog) -> float:
    """By how much a cell's loss is too small because its epoch was picked by that same loss.

    The epoch is picked on a random half of the rows and read on the other half, which no luck has touched; the mean
    over twenty such splits, minus the loss as picked on all rows. Half the rows pick a little worse than all of them,
    so the figure errs on the safe side.

    Args:
        log: A cell with finite losses at its last epoch.

    Returns:
        At least 0, in the unit of the loss.
    """
    epochs = log.epochs()
    by_epoch = np.stack([log.losses(epoch).mean(axis=0, dtype=np.float64) for epoch in epochs])
    by_epoch = by_epoch[np.isfinite(by_epoch).all(axis=1)]
    generator = np.random.default_rng(0)
    chosen = log.losses(best_epoch(log)).mean(dtype=np.float64)
    read = [_cross_read(by_epoch, generator) for _ in range(OPTIMISM_SPLITS)]
    return max(0.0, float(np.mean(read) - chosen))


def _cross_read(by_epoch: np.ndarray, generator: np.random.Generator) -> float:
    """Mean over [R, n] losses of n rows, each read at the epoch that the other half of the rows picked."""
    half = np.zeros(by_epoch.shape[1], dtype=bool)
    half[generator.permutation(len(half))[: len(half) // 2]] = True
    read = np.empty(len(half))
    for part in (half, ~half):
        read[part] = by_epoch[_picked(by_epoch[:, ~part]), part]
    return float(read.mean())


def _picked(by_epoch: np.ndarray) -> int:
    """The rule of `best_epoch` on [R, n] losses."""
    means = by_epoch.mean(axis=1)
    lowest = int(np.argmin(means))
    difference = by_epoch[-1] - by_epoch[lowest]
    error = difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else 0.0
    return lowest if difference.mean() > error else len(means) - 1
