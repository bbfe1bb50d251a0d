"""Who stops early and why; each reason with a twin that must go on."""

import numpy as np

from justfit.sweep._kill import FUTILITY, FUTILITY_ALPHA, NOT_FINITE, OVERFITTING, PLATEAU, Check, find_stopped
from tests.unit.sweep.curves import grid, log_of

NUM_ROWS = 200
FIRST = {"epoch": 12, "num_epochs": 36, "number": 0, "constant": None}


def losses(mean, seed, *, own=0.05):
    rows = 0.3 * np.random.default_rng(99).normal(size=NUM_ROWS)
    return mean + rows + own * np.random.default_rng(seed).normal(size=NUM_ROWS)


def logs_of(curves, l2=(0.0, 0.1, 1.0, 10.0, 100.0), train=None):
    """A row of cells; `curves` is one list of means per cell, at epochs 4, 8, 12."""
    cells = grid(l2=l2[: len(curves)]).cells()
    return [
        log_of(
            cell,
            {4 * (e + 1): losses(mean, 10 * k + e) for e, mean in enumerate(means)},
            train=None if train is None else train[k],
        )
        for k, (cell, means) in enumerate(zip(cells, curves, strict=True))
    ]


def stopped(logs, alive=None, **check):
    return find_stopped(logs, list(range(len(logs))) if alive is None else alive, Check(**{**FIRST, **check}))


def test_what_is_not_finite_stops_at_once_the_corner_too():
    logs = logs_of([[1.0, 1.0, np.nan], [1.0, 1.0, 1.0], [1.0, np.nan, np.nan]])
    assert stopped(logs, number=None) == {0: NOT_FINITE, 2: NOT_FINITE}


def test_a_plateau_needs_three_checks_from_epoch_three_and_somebody_who_learns():
    flat, learning = [2.0, 2.0, 2.0], [1.5, 1.0, 0.5]
    logs = logs_of([learning, flat], train=[learning, [1.99, 2.01, 2.0]])
    assert stopped(logs, constant=2.0, number=None) == {1: PLATEAU}
    assert stopped(logs, constant=None, number=None) == {}, "the constant predictor is not known"
    assert stopped(logs_of([learning[:2], flat[:2]]), epoch=8, constant=2.0, number=None) == {}, "two checks only"
    slow = [1.99, 1.97, 1.90]
    assert stopped(logs_of([learning, slow], train=[learning, slow]), constant=2.0, number=None) == {}
    nobody = logs_of([flat, flat], train=[flat, flat])
    assert stopped(nobody, constant=2.0, number=None) == {}, "nobody has learned yet: it is too early, not λ"


def test_the_corner_is_never_stopped_for_a_plateau_overfitting_or_futility():
    flat, good = [2.0, 2.0, 2.0], [1.0, 0.5, 0.1]
    assert 0 not in stopped(logs_of([flat, good, good], train=[flat, good, good]), constant=2.0)
    rising = [0.2, 1.0, 2.0]
    assert 0 not in stopped(logs_of([rising, good, good]))


def test_confirmed_overfitting_needs_two_checks_above_the_incumbent_and_a_rise():
    good = [1.0, 0.5, 0.3]
    assert stopped(logs_of([good, [0.32, 0.6, 0.9], good])) == {1: OVERFITTING}
    assert stopped(logs_of([good, [0.9, 0.3, 0.6], good])) == {}, "once above only: not confirmed"
    assert stopped(logs_of([good, [0.5, 0.9, 0.6], good])) == {}, "it falls again"
    assert stopped(logs_of([good, [0.32, 0.6, 0.9], good]), number=None) == {}, "no comparison before a third"


def test_an_incumbent_that_overfits_stops_and_its_best_epoch_stays():
    logs = logs_of([[1.0, 0.9, 0.8], [0.2, 0.5, 0.9], [1.0, 0.9, 0.8]])
    assert stopped(logs)[1] == OVERFITTING
    assert logs[1].losses(4).mean() < 0.3


def test_futility_needs_a_clear_gap_outside_the_ridges_neighbourhood():
    best, bad = [1.0, 0.5, 0.3], [1.2, 1.1, 1.1]
    assert stopped(logs_of([best, [1.0, 0.6, 0.4], [1.0, 0.7, 0.6], bad, bad])) == {3: FUTILITY, 4: FUTILITY}
    assert stopped(logs_of([best, bad])) == {}, "a neighbour of the ridge goes on"
    assert stopped(logs_of([best, best, bad])) == {}, "a neighbour of the ridge, though not of the best"
    close = logs_of([best, [1.0, 0.6, 0.4], [1.0, 0.6, 0.302]])
    assert stopped(close) == {}, "the gap could be chance"


def test_a_cell_that_would_catch_up_at_its_pace_goes_on():
    best, slow = [1.0, 0.5, 0.3], [2.0, 1.6, 1.2]
    assert stopped(logs_of([best, best, best, best, slow])) == {}
    crawling = [1.30, 1.25, 1.20]
    assert stopped(logs_of([best, [1.0, 0.6, 0.5], [1.0, 0.6, 0.5], [1.0, 0.6, 0.5], crawling])) == {4: FUTILITY}
    no_time = stopped(logs_of([best, [1.0, 0.6, 0.5], [1.0, 0.6, 0.5], [1.0, 0.6, 0.5], slow]), num_epochs=13)
    assert no_time[4] == FUTILITY, "one epoch is left"


def test_an_equal_cell_is_called_futile_as_rarely_as_promised():
    """Two cells with the same curve, out of each other's neighbourhood, 1,500 times."""
    cells = grid(l2=(0.0, 1.0, 10.0)).cells()[::2]
    generator = np.random.default_rng(0)
    futile = 0
    for _ in range(1_500):
        logs = [log_of(cell, {e: 0.5 + 0.3 * generator.normal(size=60) for e in (4, 8, 12)}) for cell in cells]
        futile += find_stopped(logs, [0, 1], Check(**FIRST)).get(1) == FUTILITY
    assert futile / 1_500 < FUTILITY_ALPHA


def test_the_truly_best_of_many_goes_on():
    """Each of 39 others, all worse by two standard errors of their difference, has its chance to be lucky."""
    cells = grid(l2=tuple(float(k) for k in range(40))).cells()
    killed = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        worse = 2 * 0.3 * np.sqrt(2 / NUM_ROWS)
        logs = [
            log_of(cell, {e: worse * (k != 20) + 0.3 * generator.normal(size=NUM_ROWS) for e in (4, 8, 12)})
            for k, cell in enumerate(cells)
        ]
        killed += 20 in find_stopped(logs, list(range(40)), Check(**FIRST))
    assert killed == 0
