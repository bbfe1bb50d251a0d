"""Waves, pieces, stops, the clock and Ctrl-C, on curves instead of networks."""

import numpy as np
import pytest

from justfit.sweep._deciding import decide_among
from justfit.sweep._kill import FUTILITY, NOT_FINITE, OVERFITTING, PLATEAU
from justfit.sweep._refill import refill
from justfit.sweep._schedule import Clock
from tests.unit.sweep.curves import CurveExecutor, grid, make_schedule

LATE = 30


def bowl(l2_values, lowest, *, depth=0.1):
    """Loss falls with the epochs, towards one λ."""

    def curve(setting, epoch):
        place = np.interp(np.log10(setting.l2 + 1e-9), np.log10(np.array(l2_values) + 1e-9), range(len(l2_values)))
        return 0.5 + depth * abs(float(place) - lowest) + 1.0 / epoch

    return curve


def test_every_variant_goes_from_stop_to_stop_with_its_own_state():
    executor = CurveExecutor(lambda setting, epoch: 1.0 / epoch)
    schedule = make_schedule(executor, grid(l2=(0.0, 1.0)), num_epochs=12)
    assert schedule.run_grid()
    for log in schedule.logs:
        assert log.epochs() == list(schedule.rungs.measured)
        assert log.losses(12).shape == (1, 40)
    steps = [
        (start, end) for variant, start, end in executor.trained if variant.setting.l2 == 1.0 and variant.fold == 1
    ]
    assert steps == list(zip((0, *schedule.rungs.stops), schedule.rungs.stops, strict=False))
    assert schedule.done == schedule.plan.full_cost == 2 * 2 * 12


def test_who_stops_is_not_trained_on_and_the_others_are_what_they_are_alone():
    """Survivors with and without the cells that stop: the same to the bit."""

    def curve(setting, epoch):
        if setting.l2 == 0.1:
            return float("nan") if epoch > 1 else 1.0
        if setting.l2 == 100.0:
            return 2.0
        if setting.l2 == 1.0:
            return 0.3 + 0.05 * epoch
        return 0.4 + 1.0 / epoch + (0.5 if setting.l2 == 10.0 else 0.0)

    everybody = CurveExecutor(curve)
    axes = grid(l2=(0.0, 0.1, 1.0))
    schedule = make_schedule(everybody, axes, num_epochs=LATE)
    assert schedule.run_grid()
    assert [log.stopped_reason for log in schedule.logs] == ["", NOT_FINITE, OVERFITTING]
    last = {log.cell.setting.l2: log.epochs()[-1] for log in schedule.logs}
    assert last == {0.0: 30, 0.1: 5, 1.0: 11}
    furthest = max(end for variant, _, end in everybody.trained if variant.setting.l2 == 0.1)
    assert furthest == 5
    alone = make_schedule(CurveExecutor(curve), grid(l2=(0.0,)), num_epochs=LATE)
    assert alone.run_grid()
    assert np.array_equal(alone.logs[0].losses(LATE), schedule.logs[0].losses(LATE))


def test_all_four_reasons_in_one_sweep():
    l2 = (0.0, 1.0, 2.0)

    def curve(setting, epoch):
        by_dropout = {0.0: 0.5 + 1 / epoch, 0.2: 2.0, 0.5: 1.5 + 0.1 / epoch}[setting.dropout]
        return by_dropout if setting.learning_rate == 0.1 else float("nan")

    schedule = make_schedule(
        CurveExecutor(curve),
        grid(l2=l2, dropout=(0.0, 0.2, 0.5), learning_rate=(0.1, 9.0)),
        num_epochs=LATE,
        constant=2.0,
    )
    assert schedule.run_grid()
    reasons = {(log.cell.setting.dropout, log.cell.setting.learning_rate): log.stopped_reason for log in schedule.logs}
    assert reasons[0.0, 0.1] == ""
    assert reasons[0.2, 0.1] == PLATEAU
    assert reasons[0.5, 0.1] == FUTILITY
    assert {reasons[p, 9.0] for p in (0.0, 0.2, 0.5)} == {NOT_FINITE}


def test_freed_epochs_go_to_seeds_of_the_ridge_and_then_to_finer_l2():
    l2 = (0.0, *(10.0**k for k in range(-4, 5)))

    def plain_but_for_a_ridge(setting, epoch):
        return 1.0 / epoch + (0.5 if setting.l2 in l2[4:7] and setting.dropout == 0.4 else 0.9)

    executor = CurveExecutor(plain_but_for_a_ridge, seed_scale=0.02)
    schedule = make_schedule(executor, grid(l2=l2, dropout=(0.0, 0.2, 0.4, 0.6)), num_epochs=LATE, seeds=(3,))
    assert schedule.run_grid()
    before = schedule.done
    refill(schedule)
    assert before < schedule.done <= schedule.plan.full_cost
    seeds = [len(log.seeds) for log in schedule.logs]
    decided = decide_among(schedule.logs)
    assert seeds[0] == max(seeds) > 1, "the corner has as many as the contenders"
    assert {seed for log in schedule.logs for seed in log.seeds} == set(range(3, 3 + max(seeds)))
    assert max(seeds[k] for k in decided.ridge) > 1


def test_finer_l2_lies_between_neighbours_and_has_all_seeds_of_the_best():
    l2 = (0.0, *(10.0**k for k in range(-3, 5)))
    schedule = make_schedule(CurveExecutor(bowl(l2, 4)), grid(l2=l2), num_epochs=LATE)
    assert schedule.run_grid()
    refill(schedule)
    new = schedule.logs[len(l2) :]
    assert {round(log.cell.setting.l2, 6) for log in new} == {round(10**-0.5, 6), round(10**0.5, 6)}
    assert all(len(log.seeds) == len(schedule.logs[4].seeds) for log in new)
    assert schedule.done <= schedule.plan.full_cost


def test_nothing_is_refilled_where_nothing_was_freed():
    schedule = make_schedule(CurveExecutor(bowl((0.0, 1.0), 1)), grid(l2=(0.0, 1.0)))
    assert schedule.run_grid()
    refill(schedule)
    assert schedule.done == schedule.plan.full_cost
    assert len(schedule.logs) == 2


def test_the_clock_ends_a_sweep_between_pieces_and_keeps_what_is_done():
    ticks = iter(range(10_000))
    clock = Clock(deadline=12.0, now=lambda: float(next(ticks)))
    schedule = make_schedule(CurveExecutor(lambda s, e: 1 / e), grid(), num_epochs=LATE, clock=clock, stops_often=True)
    assert not schedule.run_grid()
    assert "time budget ended after epoch" in schedule.interrupted
    assert 0 < schedule.logs[0].epochs()[-1] < LATE
    assert schedule.done == 2 * schedule.logs[0].epochs()[-1]


def test_the_first_piece_is_done_however_small_the_budget():
    clock = Clock(deadline=-1.0)
    schedule = make_schedule(CurveExecutor(lambda s, e: 1 / e), grid(), clock=clock)
    assert not schedule.run_grid()
    assert schedule.logs[0].epochs() == [1]


class Interrupted(CurveExecutor):
    """Ctrl-C in the unit of a number."""

    def __init__(self, curve, number):
        super().__init__(curve)
        self.left = number

    def map(self, training, units, on_done=None):
        for result in super().map(training, units, on_done):
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            yield result


def test_control_c_keeps_the_last_finished_stop():
    schedule = make_schedule(Interrupted(lambda s, e: 1 / e, 6), grid(l2=(0.0, 1.0)), num_epochs=LATE)
    assert not schedule.run_grid()
    assert schedule.interrupted == "interrupted"
    assert {tuple(log.epochs()) for log in schedule.logs} == {(1,)}


def test_control_c_before_anything_was_measured_is_heard():
    schedule = make_schedule(Interrupted(lambda s, e: 1 / e, 0), grid())
    with pytest.raises(KeyboardInterrupt):
        schedule.run_grid()


def test_a_refill_that_is_interrupted_leaves_no_trace():
    l2 = tuple(10.0**k for k in range(-3, 5))
    whole = make_schedule(CurveExecutor(bowl(l2, 4)), grid(l2=l2), num_epochs=LATE)
    assert whole.run_grid()
    num_units = len(whole.pieces._executor.units)
    schedule = make_schedule(Interrupted(bowl(l2, 4), num_units + 2), grid(l2=l2), num_epochs=LATE)
    assert schedule.run_grid()
    before = [sorted(log.seeds) for log in schedule.logs]
    refill(schedule)
    assert schedule.interrupted == "interrupted"
    assert [sorted(log.seeds) for log in schedule.logs] == before
