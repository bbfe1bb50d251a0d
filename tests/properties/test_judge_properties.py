"""What holds for the verdict on any history."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from justfit.records import FIT_STATES
from justfit.rules import OnlineJudge, judge

STATES = ("overfitting", "underfitting", "just_right")


@st.composite
def histories(draw):
    """A fall, perhaps a rise after it, a gap, noise."""
    number = draw(st.integers(4, 150))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    x = np.arange(number) / number
    speed, rise, gap = draw(st.floats(0.5, 20)), draw(st.floats(0, 2)), draw(st.floats(-0.2, 1))
    noise = draw(st.sampled_from([0.0, 0.003, 0.05]))
    train = 0.1 + np.exp(-speed * x) + noise * rng.standard_normal(number)
    validation = 0.1 + np.exp(-speed * x) + gap * x + rise * np.maximum(0, x - 0.4)
    validation = validation + noise * rng.standard_normal(number)
    lowest = min(train.min(), validation.min())
    return train - min(0, lowest) + 0.05, validation - min(0, lowest) + 0.05


def same(one, other):
    assert one.state == other.state
    assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)
    assert (one.best_epoch, one.overfitting_since) == (other.best_epoch, other.overfitting_since)
    assert [finding.code for finding in one.findings] == [finding.code for finding in other.findings]


@settings(max_examples=60, deadline=None)
@given(histories(), st.floats(1e-6, 1e6), st.booleans())
def test_the_scale_of_a_loss_does_not_matter(history, scale, with_reference):
    train, validation = history
    more = {"reference_loss": 0.2, "constant_loss": 1.2} if with_reference else {}
    scaled = {name: scale * value for name, value in more.items()}
    one, other = judge(train, validation, **more), judge(scale * train, scale * validation, **scaled)
    same(one, other)
    assert other.further_epochs_cost == pytest.approx(scale * one.further_epochs_cost, rel=1e-5, abs=1e-8 * scale)


@settings(max_examples=40, deadline=None)
@given(histories(), st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_scale_and_origin_of_a_score_do_not_matter(history, scale, shift):
    train, validation = history
    one = judge(-train, -validation, direction="maximize")
    same(one, judge(shift - scale * train, shift - scale * validation, direction="maximize"))


@settings(max_examples=40, deadline=None)
@given(histories(), st.floats(-100, -10))
def test_a_loss_without_a_zero_is_a_score_turned_over(history, shift):
    train, validation = (series + shift for series in history)
    same(judge(train, validation), judge(-train, -validation, direction="maximize"))


def test_the_origin_of_a_loss_with_a_zero_matters():
    """The negative control: a rise of 0.02 is much above 0.01 and little above 1."""
    x = np.arange(60)
    train = np.exp(-x / 4.0)
    validation = train + 0.01 + 0.0005 * np.maximum(0, x - 20)
    low, high = (judge(train + level, validation + level).probabilities["overfitting"] for level in (0.0, 2.0))
    assert low > high + 0.2


numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 3), st.just(math.nan), st.floats(-1, 0)
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=40), st.sampled_from(["minimize", "maximize"]))
def test_no_numbers_break_it(pairs, direction):
    train, validation = zip(*pairs, strict=True)
    verdict = judge(train, validation, direction=direction, reference_loss=0.3)
    assert verdict.state in FIT_STATES
    assert sum(verdict.probabilities.values()) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in verdict.probabilities.values())
    assert verdict.reasons
    if verdict.state != "undecided":
        assert verdict.probability >= 0.8
    if verdict.best_epoch is not None:
        assert math.isfinite(validation[verdict.best_epoch - 1])
        assert not verdict.further_epochs_cost < 0
    advisor = OnlineJudge(direction=direction)
    for one in pairs:
        advice = advisor.update(*one)
        assert 0 <= advice.probability <= 1


@settings(max_examples=40, deadline=None)
@given(histories(), st.integers(0, 2**32 - 1))
def test_missing_values_change_no_clear_verdict(history, seed):
    train, validation = history
    whole = judge(train, validation)
    keep = np.random.default_rng(seed).random(len(train)) > 0.15
    keep[[0, -1]] = True
    holes = judge(np.where(keep, train, np.nan), np.where(keep, validation, np.nan))
    states = {whole.state, holes.state}
    if len(train) >= 40:
        assert states != {"overfitting", "just_right"}
        assert states != {"overfitting", "underfitting"}


@settings(max_examples=40, deadline=None)
@given(histories(), st.floats(0.05, 2))
def test_more_harm_is_not_less_likely_overfitting(history, more):
    train, validation = history
    x = np.arange(len(train)) / len(train)
    worse = validation + more * np.maximum(0, x - 0.5)
    one, other = (judge(train, losses).probabilities["overfitting"] for losses in (validation, worse))
    assert other > one - 0.1


def test_the_cost_is_in_the_unit_of_the_loss():
    x = np.arange(80)
    train = np.exp(-x / 8.0)
    verdict = judge(train, train + 0.3 + 0.01 * np.maximum(0, x - 40))
    assert verdict.further_epochs_cost == pytest.approx(0.39, abs=0.02)
    assert set(verdict.probabilities) == set(STATES)
