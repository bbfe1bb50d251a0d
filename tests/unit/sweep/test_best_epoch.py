"""The number of epochs as one more thing to choose."""

import numpy as np
import pytest

from justfit.sweep._best_epoch import best_epoch, epoch_optimism
from tests.unit.sweep.curves import grid, log_of

CELL = grid().cells()[0]


def curve(means, *, seed=0, noise=0.3, own=0.1, num_rows=200):
    """{epoch: losses}: what a row adds at every epoch, and what it adds at one."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=num_rows) * noise
    return {k + 1: mean + rows + own * generator.normal(size=num_rows) for k, mean in enumerate(means)}


def test_a_falling_curve_counts_at_its_end():
    assert best_epoch(log_of(CELL, curve([1.0, 0.5, 0.2]))) == 3


def test_a_rising_curve_counts_at_its_lowest():
    assert best_epoch(log_of(CELL, curve([1.0, 0.2, 0.6]))) == 2


def test_of_epochs_that_cannot_be_told_apart_the_last():
    assert {best_epoch(log_of(CELL, curve([0.2, 0.2001, 0.2], seed=s, own=0.001))) for s in range(5)} <= {3, 1, 2}
    logs = [log_of(CELL, curve([0.2, 0.2, 0.2, 0.2, 0.2], seed=s)) for s in range(40)]
    last = np.mean([best_epoch(log) == 5 for log in logs])
    lowest = np.mean([np.argmin([log.losses(e).mean() for e in log.epochs()]) == 4 for log in logs])
    assert last > 0.4 > lowest, "the smallest mean alone would pick one of five by luck"


def test_a_diverged_end_is_not_hidden_behind_an_earlier_epoch():
    curves = curve([1.0, 0.2, 0.2])
    curves[3][0] = np.nan
    assert best_epoch(log_of(CELL, curves)) == 3


def test_seeds_are_averaged_before_the_epoch_is_picked():
    log = log_of(CELL, curve([0.5, 0.1, 0.6]))
    assert best_epoch(log) == 2
    other = log_of(CELL, curve([0.5, 1.4, 0.2]), seed=1)
    log.seeds[1] = other.seeds[1]
    assert best_epoch(log) == 3


def test_optimism_is_what_picking_cost_and_vanishes_without_luck():
    """On pure noise the picked mean is below the truth (0.2); the estimate must bring it back."""
    picked, corrected = [], []
    for seed in range(60):
        log = log_of(CELL, curve([0.2] * 12, seed=seed, noise=0.0, own=0.5))
        loss = log.losses(best_epoch(log)).mean()
        picked.append(loss)
        corrected.append(loss + epoch_optimism(log))
    error = np.std(corrected, ddof=1) / np.sqrt(len(corrected))
    assert np.mean(picked) < 0.2 - 3 * np.std(picked, ddof=1) / np.sqrt(len(picked)), "nothing to correct"
    assert np.mean(corrected) == pytest.approx(0.2, abs=4 * error + 0.01)
    assert epoch_optimism(log_of(CELL, curve([1.0, 0.5, 0.2], own=0.01))) == pytest.approx(0.0, abs=1e-6)
