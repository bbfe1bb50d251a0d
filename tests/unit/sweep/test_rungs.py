"""When a sweep measures and decides."""

import numpy as np
import pytest
from scipy import stats

from justfit.sweep._rungs import RUNGS, critical_errors, make_rungs


@pytest.mark.parametrize("num_epochs", [1, 2, 3, 7, 12, 30, 60, 100, 1000])
def test_nothing_is_compared_before_a_third_of_the_epochs(num_epochs):
    rungs = make_rungs(num_epochs)
    assert rungs.measured[-1] == rungs.stops[-1] == num_epochs
    assert set(rungs.stops) <= set(rungs.measured)
    assert set(rungs.comparing) <= set(rungs.stops) - {num_epochs}
    assert all(epoch >= num_epochs / 3 for epoch in rungs.comparing)
    assert len(rungs.measured) <= 18
    assert rungs.measured[:6] == tuple(range(1, min(num_epochs, 6) + 1))
    assert sorted(rungs.comparing.values()) == list(range(len(rungs.comparing)))


def test_thirty_epochs():
    rungs = make_rungs(30)
    assert rungs.stops == (1, 5, 11, 16, 23, 30)
    assert rungs.comparing == {11: 0, 16: 1, 23: 2}
    assert rungs.measured_between(8, 16) == (11, 13, 16)


def test_the_spent_chance_adds_up_and_no_more():
    spent = sum(stats.norm.sf(critical_errors(0.01, check)) for check in range(len(RUNGS)))
    assert 0.8 * 0.01 < spent < 0.01


def test_repeated_checks_err_less_often_than_promised():
    """Simulation: the mean of a growing sample, looked at three times; alone, each look would err more often in all."""
    generator = np.random.default_rng(0)
    paths = generator.normal(size=(40_000, 12)).cumsum(axis=1)
    z = np.stack([paths[:, n - 1] / np.sqrt(n) for n in (4, 6, 9)], axis=1)
    corrected = np.array([critical_errors(0.05, check) for check in range(3)])
    uncorrected = stats.norm.isf(0.05)
    assert (z > corrected).any(axis=1).mean() < 0.05
    assert (z > uncorrected).any(axis=1).mean() > 0.07, "negative control: without spending it errs too often"
