"""Every history rule: the sick found, the healthy clear, missing evidence not applicable, its page complete."""

import inspect
import math

import numpy as np
import pytest

from justfit import rules
from justfit.records import Finding
from justfit.rules import (
    RULES,
    Clear,
    HistoryEvidence,
    HistoryRule,
    NotApplicable,
    OverfittingFromEpoch,
    StillImproving,
    TrainingEndsNonFinite,
    TrainLossInTrainMode,
    UnderfittingHistory,
)
from tests.unit.rules.histories import FALLING, PLATEAU, RISING, TRAIN, history, noisy

EVERY = [
    rule
    for rule in vars(rules).values()
    if inspect.isclass(rule) and issubclass(rule, HistoryRule) and rule is not HistoryRule
]
REFERENCE = {"reference_loss": 0.17, "reference_name": "a forest", "constant_loss": 2.3}


def evidence(train, validation, *, train_mode=None, direction="minimize", **more):
    return HistoryEvidence(history=history(train, validation, train_mode=train_mode, direction=direction), **more)


# rule: history, words of its evidence, since
SICK = {
    OverfittingFromEpoch: (evidence(TRAIN, RISING), "the validation loss stays above that of epoch", True),
    TrainLossInTrainMode: (evidence(PLATEAU + 0.2, PLATEAU), "below the train loss, and was below it in 100%", False),
    UnderfittingHistory: (
        evidence(TRAIN + 0.5, PLATEAU + 0.5, **REFERENCE),
        "of what there is to learn short of that of a forest, 0.17",
        False,
    ),
    StillImproving: (evidence(FALLING, FALLING + 0.1), "the last fifth of the epochs brought", False),
    TrainingEndsNonFinite: (
        evidence([*TRAIN, math.nan, math.nan], [*PLATEAU, math.nan, math.nan]),
        "from epoch 101 on no loss is finite, to the last, 102",
        True,
    ),
}
HEALTHY = evidence(TRAIN, PLATEAU, **REFERENCE)
BLIND = {
    OverfittingFromEpoch: (evidence(TRAIN, None), "0 epochs have a validation loss, and a trend needs four"),
    TrainLossInTrainMode: (evidence(TRAIN, None), "one of the two losses is missing"),
    UnderfittingHistory: (evidence(TRAIN, PLATEAU), "no reference was given"),
    StillImproving: (
        evidence(TRAIN[:3], PLATEAU[:3]),
        "3 epochs have a validation loss, and a trend needs four",
    ),
    TrainingEndsNonFinite: (evidence([math.nan] * 5, None), "every loss is missing"),
}


def test_each_rule_is_here_and_in_the_catalogue():
    assert (
        set(SICK) == set(BLIND) == set(EVERY) == {RULES[code] for code in ("JF105", "JF106", "JF107", "JF108", "JF109")}
    )


@pytest.mark.parametrize("rule", EVERY)
def test_the_sick_is_found(rule):
    sick, words, has_since = SICK[rule]
    found = rule().check(sick)
    assert isinstance(found, Finding)
    assert (found.code, found.severity, found.where) == (rule.code, rule.severity, "network")
    assert words in found.evidence
    assert found.value > found.threshold
    assert (found.since is not None) == has_since
    assert found.since_unit == "epoch"


@pytest.mark.parametrize("rule", EVERY)
def test_the_healthy_is_clear(rule):
    assert isinstance(rule().check(HEALTHY), Clear)


@pytest.mark.parametrize("rule", EVERY)
@pytest.mark.parametrize("seed", range(10))
def test_the_healthy_is_clear_in_noise(rule, seed):
    healthy = evidence(noisy(TRAIN, 0.03, seed), noisy(PLATEAU + 0.1, 0.05, 99 - seed), **REFERENCE)
    assert isinstance(rule().check(healthy), Clear)


@pytest.mark.parametrize("rule", EVERY)
def test_missing_evidence_is_not_health(rule):
    blind, reason = BLIND[rule]
    assert rule().check(blind) == NotApplicable(reason)


@pytest.mark.parametrize("rule", EVERY)
def test_scores_are_judged_as_losses_turned_over(rule):
    sick = SICK[rule][0]
    turned = evidence(
        -np.array(sick.history.train_loss), -np.array(sick.history.validation_loss), direction="maximize",
        reference_loss=-sick.reference_loss, constant_loss=-sick.constant_loss,
    )  # fmt: skip
    assert isinstance(rule().check(turned), Finding)


def test_underfitting_is_not_read_from_a_train_loss_in_train_mode():
    high = evidence(PLATEAU + 0.5, PLATEAU, **REFERENCE)
    reason = "the train loss was taken in training mode and lies above the validation loss"
    assert UnderfittingHistory().check(high) == NotApplicable(reason)
    told = evidence(PLATEAU + 0.5, PLATEAU, train_mode=False, **REFERENCE)
    assert isinstance(UnderfittingHistory().check(told), Finding)
    lone = evidence(None, PLATEAU, **REFERENCE)
    assert UnderfittingHistory().check(lone) == NotApplicable("there is no train loss")


def test_a_train_loss_that_rises_with_the_validation_loss_is_no_overfitting():
    lost = np.concatenate([TRAIN[:60], np.linspace(TRAIN[59], 0.6, 40)])
    both = evidence(lost, lost + 0.1)
    assert isinstance(OverfittingFromEpoch().check(both), Clear)
    one = evidence(np.minimum.accumulate(lost), lost + 0.1)
    assert isinstance(OverfittingFromEpoch().check(one), Finding)


def test_without_a_constant_predictor_what_was_learned_is_the_unit():
    assert math.isclose(evidence(TRAIN, PLATEAU, reference_loss=0.1).learnable, 5 * 0.155, rel_tol=0.05)
    assert HEALTHY.learnable == pytest.approx(2.3 - PLATEAU.min(), abs=0.01)


@pytest.mark.parametrize("end", [[math.inf], [-math.inf], [math.nan], [math.nan, math.inf]])
def test_an_end_without_a_finite_loss_is_an_error(end):
    found = TrainingEndsNonFinite().check(evidence([*TRAIN, *end], [*PLATEAU, *end]))
    assert isinstance(found, Finding)
    assert (found.code, found.severity, found.since) == ("JF109", "error", 101)
    ended = evidence([*FALLING, *end], [*(FALLING + 0.1), *end])
    assert StillImproving().check(ended) == NotApplicable("training ends in NaN or infinity")
    wholly = evidence([math.inf] * 3, [math.nan] * 3)
    assert isinstance(TrainingEndsNonFinite().check(wholly), Finding)


def test_a_sparse_validation_column_is_no_end():
    sparse = PLATEAU.copy()
    sparse[7:] = math.nan
    assert isinstance(TrainingEndsNonFinite().check(evidence(TRAIN, sparse)), Clear)


def test_where_nothing_was_learned_there_is_no_unit():
    still = evidence(1.117 - 1e-6 * np.arange(12), 1.137 - 1e-7 * np.arange(12))
    flat = evidence(noisy(np.full(8, 0.5), 0.1), noisy(np.full(8, 0.5), 0.1, 1))
    for history_of_nothing in (still, flat):
        reason = "nothing was learned, so there is no unit to measure it in"
        assert StillImproving().check(history_of_nothing) == NotApplicable(reason)
        assert TrainLossInTrainMode().check(history_of_nothing) == NotApplicable(reason)
        reason = "nothing was learned that could be lost again"
        assert OverfittingFromEpoch().check(history_of_nothing) == NotApplicable(reason)
    tuned = evidence(noisy(np.full(50, 0.1), 0.001), noisy(0.3 + np.arange(50) / 50, 0.001, 1))
    assert isinstance(OverfittingFromEpoch().check(tuned), Finding)  # the negative control: a trained one that overfits


def test_words_are_of_scores_where_they_are_scores():
    found = OverfittingFromEpoch().check(evidence(1 - TRAIN / 4, 1 - RISING / 4, direction="maximize"))
    assert "the validation score stays below that of epoch" in found.evidence
    found = TrainLossInTrainMode().check(evidence(-PLATEAU - 0.2, -PLATEAU, direction="maximize"))
    assert "above the train score, and was above it in 100%" in found.evidence
