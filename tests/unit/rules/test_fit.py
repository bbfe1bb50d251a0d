"""The verdict: right on planted patients, calibrated on the border, honest when it cannot be said."""

import math

import numpy as np
import pytest

from justfit.errors import ArgumentError
from justfit.records import from_json, to_json
from justfit.rules import FitEvidence, Overfitting, Underfitting, judge_fit, without_verdict
from tests.unit.rules.patients import HEALTHY, NO_SIGNAL, OVERFITTING, UNDERFITTING, evidence, scaled

PATIENTS = {"just_right": HEALTHY, "overfitting": OVERFITTING, "underfitting": UNDERFITTING}


@pytest.mark.parametrize(("state", "patient"), PATIENTS.items())
@pytest.mark.parametrize("seed", range(3))
def test_planted_states_are_told(state, patient, seed):
    verdict = judge_fit(evidence(**patient, seed=seed))
    assert verdict.state == state
    assert verdict.probability == verdict.probabilities[state] >= 0.8
    assert sum(verdict.probabilities.values()) == pytest.approx(1.0)
    codes = {finding.code for finding in verdict.findings}
    assert ("JF101" in codes, "JF102" in codes) == (state == "overfitting", state == "underfitting")


@pytest.mark.parametrize(("state", "patient"), PATIENTS.items())
def test_numbers_of_a_verdict(state, patient):
    given = evidence(**patient, reference=0.35, reference_name="boosting")
    verdict = judge_fit(given)
    assert verdict.train_loss == given.train_losses.mean()
    assert verdict.validation_loss == given.validation_losses.mean()
    assert verdict.generalization_gap == verdict.validation_loss - verdict.train_loss
    assert verdict.reference_loss == given.reference_losses.mean()
    assert verdict.avoidable_bias == verdict.train_loss - verdict.reference_loss
    assert verdict.excess_loss == pytest.approx((given.validation_losses - given.best_losses).mean())
    assert verdict.constant_loss == given.constant_losses.mean()
    assert (verdict.reference_name, verdict.unit) == ("boosting", "nats")
    assert verdict.generalization_gap_se == given.error("gap")
    assert from_json(type(verdict), to_json(verdict)) == verdict


def test_without_a_twin_there_is_no_verdict():
    """Nothing could exceed anything, and a network at ten times the constant's loss would be called just right."""
    with pytest.raises(
        ArgumentError,
        match=r"^A fit verdict needs `best_losses`, those of the best regularized twin\. Found None\. Sweep l2 and "
        r"dropout first; without a twin no excess can be seen, and all would look just right\.$",
    ):
        judge_fit(evidence(train=0.0, validation=10.0, best=None))


@pytest.mark.parametrize("factor", [1e-6, 1_000.0, 1e12])
@pytest.mark.parametrize("patient", [*PATIENTS.values(), {"train": 0.1, "validation": 0.315, "best": 0.3}])
def test_the_unit_of_the_loss_does_not_matter(patient, factor):
    given = evidence(**patient, num_examples=60)
    verdict, other = judge_fit(given), judge_fit(scaled(given, factor))
    assert other.state == verdict.state
    assert other.probabilities == pytest.approx(verdict.probabilities, abs=1e-3)
    assert other.generalization_gap == pytest.approx(factor * verdict.generalization_gap)
    assert other.excess_loss_se == pytest.approx(factor * verdict.excess_loss_se)


def border(rule, num_simulations=100):
    """Probabilities of a rule whose true number lies exactly on its threshold."""
    true = rule.margin * 0.7  # best 0.3, constant 1.0
    patient = {"train": 0.1, "validation": 0.3 + true} if rule.code == "JF101" else {"train": 0.3 + true}
    patients = (evidence(**patient, best=0.3, num_examples=40, seed=seed) for seed in range(num_simulations))
    return np.array([rule.probabilities(patient).mean() for patient in patients])


@pytest.mark.parametrize("rule", [Overfitting(), Underfitting()])
def test_on_the_border_the_probability_is_one_half_on_average_and_the_finding_rare(rule):
    """With an unbiased estimate and a right standard error the probability is uniform on [0, 1] there."""
    probabilities = border(rule)
    assert probabilities.mean() == pytest.approx(0.5, abs=4 * (1 / 12 / 100) ** 0.5)
    assert np.mean(probabilities >= 0.8) == pytest.approx(0.2, abs=4 * (0.16 / 100) ** 0.5)
    assert probabilities.std() == pytest.approx(12**-0.5, abs=0.05)


def test_the_probability_grows_with_the_excess():
    def probability(excess):
        patients = (
            evidence(train=0.1, validation=0.3 + excess, best=0.3, num_examples=100, seed=seed) for seed in range(6)
        )
        return np.mean([Overfitting().probabilities(patient).mean() for patient in patients])

    probabilities = [probability(excess) for excess in (0.0, 0.01, 0.02, 0.04, 0.09)]
    assert probabilities == sorted(probabilities)
    assert probabilities[0] < 0.4
    assert probabilities[-1] > 0.95


def test_few_examples_leave_it_undecided_and_many_decide():
    patient = {"train": 0.1, "validation": 0.33, "best": 0.3}
    few = [judge_fit(evidence(**patient, num_examples=12, seed=seed)).state for seed in range(40)]
    many = [judge_fit(evidence(**patient, num_examples=1_500, seed=seed)).state for seed in range(3)]
    assert few.count("undecided") > 10
    assert set(many) == {"overfitting"}
    assert few.count("underfitting") == 0


def test_undecided_says_so_with_its_numbers():
    patients = (evidence(train=0.1, validation=0.315, best=0.3, num_examples=12, seed=seed) for seed in range(40))
    verdict = next(v for v in map(judge_fit, patients) if v.state == "undecided")
    assert verdict.probability == max(verdict.probabilities.values()) < 0.8
    assert verdict.reasons[0].startswith("No state reaches probability 0.8: overfitting 0.")
    assert len(verdict.reasons) == 4


@pytest.mark.parametrize(
    ("state", "first"),
    [
        ("overfitting", "Loss on unseen rows is 0."),
        ("underfitting", "Its loss on its own training rows is 0."),
        ("just_right", "The best regularized twin is "),
    ],
)
def test_reasons_put_what_decides_first(state, first):
    verdict = judge_fit(evidence(**PATIENTS[state], num_examples=1_000))
    assert verdict.reasons[0].startswith(first)
    assert all(" ± " in reason and "nats" in reason for reason in verdict.reasons)


@pytest.mark.parametrize("patient", PATIENTS.values())
def test_training_cut_short_decides_nothing(patient):
    verdict = judge_fit(evidence(**patient, trained_fraction=0.25))
    assert verdict.state == "undecided"
    assert verdict.probability >= 0.8, "what the losses say so far is still told"
    assert verdict.reasons[0] == "Training was cut short after 25% of its epochs, so nothing is decided."
    assert len(verdict.reasons) == 4
    assert judge_fit(evidence(**patient, trained_fraction=1.0)).state != "undecided", "negative control"


def test_no_signal_is_a_finding_of_the_verdict():
    assert "JF104" in {finding.code for finding in judge_fit(evidence(**NO_SIGNAL)).findings}
    assert "JF104" not in {finding.code for finding in judge_fit(evidence(**OVERFITTING)).findings}


OWN_NUMBERS = ("train_loss", "validation_loss", "generalization_gap", "avoidable_bias", "excess_loss")


@pytest.mark.parametrize("patient", [OVERFITTING, UNDERFITTING, NO_SIGNAL])
def test_a_network_that_diverged_gets_no_verdict(patient):
    before = judge_fit(evidence(**patient, num_variants=40, num_diverged=2, num_parameters=9_000))
    assert {"JF101", "JF102"} & {finding.code for finding in before.findings}
    after = without_verdict(before)
    assert (after.state, after.probability) == ("undecided", 1 / 3)
    assert after.probabilities == {"overfitting": 1 / 3, "underfitting": 1 / 3, "just_right": 1 / 3}
    for name in OWN_NUMBERS:
        assert math.isnan(getattr(after, name))
        assert math.isnan(getattr(after, f"{name}_se"))
    assert (after.constant_loss, after.reference_loss) == (before.constant_loss, before.reference_loss)
    kept = [finding for finding in before.findings if finding.code not in ("JF101", "JF102")]
    assert list(after.findings) == kept
    assert {"JF103", "JF401"} <= {finding.code for finding in kept}
    assert after.reasons == ("Without regularization training ends in NaN or infinity, so there is nothing to judge.",)
    assert to_json(from_json(type(after), to_json(after))) == to_json(after)


def test_both_diseases_the_larger_loss_decides():
    over = judge_fit(evidence(train=0.5, validation=0.9, best=0.4, reference=0.3))
    under = judge_fit(evidence(train=0.7, validation=0.9, best=0.8, reference=0.3))
    assert (
        {finding.code for finding in over.findings}
        == {finding.code for finding in under.findings}
        == {"JF101", "JF102"}
    )
    assert (over.state, under.state) == ("overfitting", "underfitting")


@pytest.mark.parametrize("gap", [0.0, 0.02, 0.05, 0.1])
def test_a_network_far_behind_on_its_own_rows_underfits_whatever_little_gap_it_has(gap):
    """Excess = bias + gap where the best twin is the reference, so the excess alone would always win."""
    assert judge_fit(evidence(train=0.8, validation=0.8 + gap, best=0.4)).state == "underfitting"


def constant_network(value, count=50):
    return np.full(count, float(value))


def verdict_of(train, validation, best, constant, **fields):
    arrays = {"train_losses": train, "validation_losses": validation, "best_losses": best, "constant_losses": constant}
    return judge_fit(FitEvidence(**arrays, num_parameters=10, num_examples=50, unit="nats", **fields))


def test_a_perfect_network_is_just_right():
    zeros = constant_network(0.0)
    verdict = verdict_of(zeros, zeros, zeros, constant_network(0.69))
    assert (verdict.state, verdict.probability) == ("just_right", 1.0)
    assert verdict.generalization_gap_se == verdict.excess_loss_se == 0.0


def test_nothing_to_learn_and_nothing_lost_is_just_right():
    zeros = constant_network(0.0)
    assert verdict_of(zeros, zeros, zeros, zeros).state == "just_right"


def test_a_constant_network_beside_a_twin_that_learns_underfits():
    constant = np.random.default_rng(0).normal(0.69, 0.1, 200)
    best = constant - 0.4
    assert verdict_of(constant, constant, best, constant).state == "underfitting"


def test_a_constant_network_where_nothing_can_be_learned_is_not_called_sick():
    constant = np.random.default_rng(0).normal(0.69, 0.1, 200)
    verdict = verdict_of(constant, constant, constant, constant)
    assert verdict.state in ("just_right", "undecided")
    assert verdict.probabilities["overfitting"] == 0.0


def test_noise_learned_by_heart_is_overfitting_though_nothing_is_learnable():
    given = evidence(train=0.01, validation=2.5, best=1.05, constant=1.0)
    assert given.learnable == 0.0
    verdict = judge_fit(given)
    assert verdict.state == "overfitting"
    assert all(math.isfinite(value) for value in verdict.probabilities.values())


def test_two_examples_are_enough_to_run():
    two = np.array([0.1, 0.5])
    assert verdict_of(two, two + 0.3, two, two + 1).state in ("overfitting", "undecided", "just_right")
