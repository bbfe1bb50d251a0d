"""Rules that read the losses: what they must find in many forms, and what must not alarm."""

import dataclasses
import math
import random

import pytest

from justfit.rules import (
    DivergingLoss,
    LearningRateTooHigh,
    LearningRateTooLow,
    LossNotDecreasing,
    NotApplicable,
    OscillatingLoss,
    SlowProgress,
    UpdatesTooSmall,
    judge_watch,
)
from justfit.rules._loss_curve import curve_of, loss_curve
from justfit.rules._loss_progress import progress, swings, warming_up
from tests.unit.rules.runs import NAN, STEPS, bins, losses, optimizer, run

LOSS_RULES = (LossNotDecreasing, SlowProgress, OscillatingLoss, DivergingLoss, LearningRateTooHigh, LearningRateTooLow)


def alarms(patient):
    return [finding.code for finding in judge_watch(patient)[0] if finding.severity != "info"]


def late_fall(share):
    """Nothing happens for two thirds of the run, then the loss falls."""
    return 2.3 / (1 + math.exp(40 * (share - 0.65))) + 0.05


HEALTHY = {
    "exponential": lambda s: 0.2 + 2.1 * math.exp(-8 * s),
    "power law": lambda s: 10.8 * (1 + 50 * s) ** -0.3,
    "done early": lambda s: 0.3 + 2 * math.exp(-60 * s),
    "high floor": lambda s: 1.5 + 0.8 * math.exp(-10 * s),
    "late fall": late_fall,
    "warm-up": lambda s: 2.3 - 2 * min(1, s / 0.2) ** 2 * (1 - math.exp(-5 * s)),
    "step schedule": lambda s: 0.2 + (1.5 if s < 0.5 else 0.6) * math.exp(-3 * s),
    "below zero": lambda s: 2 - 5 * (1 - math.exp(-6 * s)),
    "from zero to minus one": lambda s: -0.02 - 0.95 * (1 - math.exp(-8 * s)),
    "warm restarts": lambda s: 0.2 + 1.8 * math.exp(-6 * s) + 0.2 * math.exp(-20 * (3 * s % 1)) * (s > 0.33),
    "small rise at the end": lambda s: 0.4 + 1.9 * math.exp(-10 * s) + 0.2 * s * s,
    "converges to zero": lambda s: 2.3 * math.exp(-12 * s),
}


@pytest.mark.parametrize("noise", [0.005, 0.05, 0.15])
@pytest.mark.parametrize("length", [1, 4])
@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_curves_raise_no_alarm(name, length, noise):
    assert alarms(run(level=HEALTHY[name], noise=noise, length=length)) == []


@pytest.mark.parametrize("num_steps", [40, 100, 160, 240, 320])
@pytest.mark.parametrize("name", [name for name in HEALTHY if name != "late fall"])
def test_healthy_curves_raise_no_alarm_on_the_way(name, num_steps):
    values = losses(HEALTHY[name], noise=0.02)[:num_steps]
    count = sum(step <= num_steps for step in STEPS)
    sampled = optimizer(steps=STEPS[:count], learning_rate=(0.1,) * count, num_steps=num_steps)
    assert alarms(run(values=values, optimizers=(sampled,))) == []


@pytest.mark.parametrize("seed", range(5))
def test_losses_near_zero_have_long_tails(seed):
    """A converged network whose batches sometimes hold a hard example."""
    draw = random.Random(seed)  # noqa: S311
    values = [0.005 * math.exp(draw.gauss(0, 1.2)) for _ in range(400)]
    assert alarms(run(values=values)) == []


@pytest.mark.parametrize("seed", range(8))
def test_noisy_first_losses_raise_no_alarm(seed):
    """A regression in small batches: one batch's loss is half of the next."""
    draw = random.Random(seed)  # noqa: S311
    values = [(0.2 + math.exp(-t / 40)) * draw.gammavariate(4, 0.25) for t in range(400)]
    assert alarms(run(values=values)) == []


def test_slow_progress_after_a_first_loss_of_weights_that_began_too_large():
    values = losses(lambda s: 2.3 - 0.4 * s, noise=0.02)
    patient = run(values=[300.0, 120.0, 40.0, 9.0, *values[4:]])
    assert "JF410" in alarms(patient)


def test_one_spike_is_no_alarm():
    values = losses()
    values[200] = 80.0
    assert alarms(run(values=values)) == []


@pytest.mark.parametrize("length", [1, 8, 64])
def test_a_long_run_that_is_done_within_its_first_bin_is_healthy(length):
    values = losses(lambda s: 0.5 + 1.8 * math.exp(-2000 * s), num_steps=64 * 200, noise=0.01)
    sampled = optimizer(num_steps=len(values))
    assert alarms(run(values=values, length=length, optimizers=(sampled,))) == []


@pytest.mark.parametrize("level", [2.3, 0.01, 400.0])
@pytest.mark.parametrize("length", [1, 8])
def test_a_flat_loss_is_found_whatever_its_size_and_the_bins(level, length):
    patient = run(level=lambda _: level, noise=0.02 * level, length=length)
    (finding,) = LossNotDecreasing().check(patient)
    assert abs(finding.value) < 0.05
    assert finding.severity == "warning"
    assert "in 400 steps" in finding.evidence


def test_a_flat_loss_that_differs_much_between_batches_is_information():
    """Some examples are done far better than others: the network was trained before."""
    patient = run(values=[1.0, *([0.1, 1.9] * 200)[:399]])
    assert [finding.severity for finding in LossNotDecreasing().check(patient)] == ["info"]


@pytest.mark.parametrize("seed", range(5))
def test_a_loss_that_falls_to_nothing_at_once_is_not_flat(seed):
    """Its first losses differ so much that no fall would be beyond their errors; it has fallen nonetheless."""
    draw = random.Random(seed)  # noqa: S311 - noise, not secrets
    values = [0.7 * max(math.exp(-k / 6), 1e-4) * draw.lognormvariate(0, 1.5) for k in range(400)]
    patient = run(values=values)
    assert progress(curve_of(patient.losses)).fall > 0.99
    assert LossNotDecreasing().check(patient) == ()
    assert LossNotDecreasing(clear=9.0).check(patient) != (), "without the bound it would be called flat"


def test_a_flat_loss_of_weights_that_hardly_moved_is_information():
    """A trained network that is tuned a little further; or updates that are too small, which other rules find."""
    patient = run(level=lambda _: 2.3, each=lambda _: {"update_norm": 0.004})
    assert [finding.severity for finding in LossNotDecreasing().check(patient)] == ["info"]
    assert alarms(patient) == []


def test_a_flat_loss_under_weights_that_shrink_names_the_weight_decay():
    shrinking = [8.0 * 0.5**index for index in range(len(STEPS))]
    (finding,) = LossNotDecreasing().check(run(level=lambda _: 2.3, each=lambda _: {"weight_norm": shrinking}))
    assert finding.cure == "The weights shrink to nothing: lower the weight decay."


def test_a_rate_that_still_warms_up_is_not_judged():
    rising = optimizer(learning_rate=tuple(0.001 * step for step in STEPS))
    patient = run(level=lambda _: 2.3, optimizers=(rising,))
    assert warming_up(patient)
    for rule in (LossNotDecreasing, SlowProgress, LearningRateTooLow):
        assert rule().check(patient) == NotApplicable("the learning rate still warms up")


@pytest.mark.parametrize(
    ("steps", "rates", "last", "warm"),
    [
        ((1, 2), (0.002, 0.004), NAN, True),
        ((1, 2), (0.002, 0.004), 0.8, True),  # as steep as before, to the last step
        ((1, 2), (0.002, 0.004), 0.1, False),  # it rose further, then stopped rising
        ((1, 2, 40, 90), (0.002, 0.004, 0.08, 0.1), NAN, False),
        ((1, 20, 40, 90), (0.002, 0.04, 0.08, 0.18), 0.8, True),
        ((1, 20, 40, 90), (0.002, 0.04, 0.08, 0.1), 0.01, False),
        ((1,), (0.1,), 0.1, False),
    ],
)
def test_a_warm_up_that_ended_between_samples(steps, rates, last, warm):
    trace = optimizer(steps=steps, learning_rate=rates, last_learning_rate=last)
    assert warming_up(run(optimizers=(trace,))) is warm


def test_updates_of_a_warm_up_say_nothing_of_those_after_it():
    fields = {"update_norm": 1e-4}
    trace = optimizer(steps=(1, 2), learning_rate=(0.002, 0.004), last_learning_rate=0.1)
    patient = run(level=lambda _: 2.3, each=lambda _: fields, optimizers=(trace,))
    reason = NotApplicable("no step was sampled since the learning rate rose")
    assert LearningRateTooLow().check(patient) == UpdatesTooSmall().check(patient) == reason
    assert [finding.severity for finding in LossNotDecreasing().check(patient)] == ["warning"]


@pytest.mark.parametrize("rates", [(0.1,) * 12, (0.0,) + (0.1,) * 11, tuple(0.1 - 0.005 * i for i in range(12))])
def test_a_rate_at_or_past_its_peak_is_judged(rates):
    assert not warming_up(run(optimizers=(optimizer(learning_rate=rates),)))


def test_a_loss_that_loses_half_of_what_it_gained_diverges():
    (finding,) = DivergingLoss().check(run(level=lambda s: 2.3 - 4 * s if s < 0.4 else 0.7 + 1.6 * (s - 0.4)))
    assert finding.severity == "warning"
    assert 240 <= finding.since <= 320
    assert 0.4 < finding.value < 1


def test_a_loss_that_explodes_is_an_error():
    (finding,) = DivergingLoss().check(run(level=lambda s: 2.3 * 10 ** (20 * max(s - 0.5, 0)), noise=0.01))
    assert finding.severity == "error"
    assert finding.since > 200


def test_a_loss_of_the_wrong_sign_runs_away():
    (finding,) = DivergingLoss().check(run(level=lambda s: -2.3 - 300 * s**2, noise=0.05))
    assert finding.severity == "error"
    assert finding.cure.startswith("Look at the sign of the loss")
    assert finding.value > 10


def test_a_jump_from_which_the_run_recovers_is_information():
    patient = run(level=lambda s: (0.2 + 2.1 * math.exp(-8 * s)) * (1 + 4 * math.exp(-60 * s) * (s > 0.01)))
    assert [finding.severity for finding in LearningRateTooHigh().check(patient)] == ["info"]


def test_short_steps_are_the_clippings_fault_where_it_cuts():
    short = {"update_norm": 1e-3, "gradient_norm": 0.1, "clipped_gradient_norm": 1e-3}
    assert LearningRateTooLow().check(run(level=lambda s: 2.3 - 0.05 * s, each=lambda _: short)) == ()


def test_the_levels_of_a_curve():
    curve = curve_of(bins([3.0] * 5 + [2.0] * 15 + [1.0] * 20))
    assert (curve.start, curve.end, curve.num_losses, curve.last_step) == (3.0, 1.0, 40, 40)
    assert curve.level(0.2, 0.4) == 2.0
    assert [level for _, level in curve.smoothed(4)] == [2.5, 2.0, 1.0, 1.0]
    seen = progress(curve)
    assert (seen.fall, seen.lost, seen.best_step) == (pytest.approx(2 / 3), 0.0, 21)


def test_noise_is_measured_around_a_trend():
    values = losses(lambda s: 5 - 4 * s, noise=0.1, num_steps=2000)
    for length in (1, 10):
        curve = curve_of(bins(values, length))
        assert curve.noise == pytest.approx(0.1, rel=0.25)
        assert swings(curve, 0.5, 1.0) == pytest.approx(0.1, rel=0.25)
        assert curve.error(0.8, 1.0) == pytest.approx(1.25 * 0.1 / 20, rel=0.35)


def test_losses_that_are_not_finite_are_left_out():
    values = losses()
    values[3], values[7] = NAN, math.inf
    curve = curve_of(bins(values))
    assert curve.num_losses == 398
    assert math.isfinite(curve.start + curve.end + curve.noise)


@pytest.mark.parametrize(
    ("patient", "reason"),
    [
        (run(values=[]), "no loss was seen"),
        (run(values=[1.0] * 39), "only 39 losses were seen, 40 are needed"),
        (run(level=lambda _: 0.0), "the loss moves around zero, so its size does not tell how well the network does"),
        (
            dataclasses.replace(run(), optimizers=(optimizer(),) * 2),
            "several optimizers share the run, so one's loss may rise because another does its work",
        ),
    ],
)
def test_what_tells_nothing_is_said(patient, reason):
    assert loss_curve(patient) == reason
    assert all(rule().check(patient) == NotApplicable(reason) for rule in LOSS_RULES)
