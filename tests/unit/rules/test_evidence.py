"""Contracts of the evidence, and its bootstrap."""

import dataclasses

import numpy as np
import pytest

from justfit.errors import ArgumentError
from justfit.rules import FitEvidence
from tests.unit.rules.patients import OVERFITTING, evidence

NAMES = ("train_losses", "validation_losses", "constant_losses", "best_losses", "reference_losses")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("losses", [np.array([]), np.array([0.5])])
def test_one_example_has_no_standard_error(name, losses):
    with pytest.raises(
        ArgumentError,
        match=rf"^`{name}` needs at least 2 examples for a standard error\. Found {len(losses)}\. Hold out more "
        r"rows\.$",
    ):
        dataclasses.replace(evidence(reference=0.3), **{name: losses})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_losses_that_are_not_finite_are_refused(name, value):
    """NaN > threshold is False: a diverged network would be called just right."""
    patient = evidence(reference=0.3)
    losses = getattr(patient, name).copy()
    losses[3] = value
    with pytest.raises(
        ArgumentError,
        match=rf"^`{name}` must be finite: NaN compares as healthy with everything\. Found 1 of {len(losses)} not "
        r"finite\. Judge a network that diverged by JF401 alone\.$",
    ):
        dataclasses.replace(patient, **{name: losses})


def test_the_twin_must_be_paired():
    with pytest.raises(
        ArgumentError,
        match=r"^`best_losses` must be of the same rows as `validation_losses`: they are compared row by row\. Found "
        r"399 and 400 losses\. Evaluate both networks on the same rows\.$",
    ):
        dataclasses.replace(evidence(), best_losses=np.ones(399))


def test_a_table_of_losses_is_refused():
    with pytest.raises(ArgumentError, match=r"Found shape \(2, 400\)\."):
        dataclasses.replace(evidence(), train_losses=np.ones((2, 400)))


def test_learnable_is_what_the_best_known_takes_off_the_constant():
    assert evidence(best=0.2, constant=1.0).learnable == pytest.approx(0.8, abs=0.02)
    assert evidence(best=0.5, reference=0.2).learnable == pytest.approx(0.8, abs=0.05)
    assert evidence(validation=0.1, best=0.5).learnable == pytest.approx(0.9, abs=0.02)
    assert evidence(validation=2.0, best=1.5, constant=1.0).learnable == 0.0


@pytest.mark.parametrize("num_examples", [30, 3_000, 7_001])
def test_draws_have_the_mean_and_the_error_of_the_mean(num_examples):
    patient = evidence(**OVERFITTING, num_examples=num_examples)
    differences = patient.validation_losses - patient.best_losses
    excess = patient.draws["excess"]
    error = differences.std(ddof=1) / np.sqrt(num_examples)
    assert abs(excess.mean() - differences.mean()) < 4 * error / np.sqrt(len(excess))
    assert excess.std() == pytest.approx(error, rel=0.1)


def test_the_excess_is_paired_and_the_gap_is_not():
    patient = evidence(**OVERFITTING)
    apart = np.sqrt(sum(losses.var(ddof=1) / 400 for losses in (patient.validation_losses, patient.best_losses)))
    assert patient.error("excess") < 0.7 * apart
    both = np.sqrt(sum(losses.var(ddof=1) / 400 for losses in (patient.validation_losses, patient.train_losses)))
    assert patient.error("gap") == pytest.approx(both, rel=0.1)


def test_one_standard_error_of_the_excess_covers_two_thirds():
    """Simulated: the true excess is 0.3."""
    hits = []
    for seed in range(100):
        patient = evidence(**OVERFITTING, num_examples=40, seed=seed)
        excess = (patient.validation_losses - patient.best_losses).mean()
        hits.append(abs(excess - 0.3) <= patient.error("excess"))
    assert np.mean(hits) == pytest.approx(0.683, abs=3 * (0.683 * 0.317 / 100) ** 0.5)


RATIO = 3 / 400  # seeds vary three times as much as the mean over 400 examples does


def test_seed_variance_widens_the_errors_of_the_network_alone():
    plain, wide = evidence(**OVERFITTING), evidence(**OVERFITTING, seed_variance_ratio=RATIO)
    assert wide.error("gap") == pytest.approx(2 * plain.error("gap"), rel=1e-6)
    np.testing.assert_array_equal(wide.draws["excess"], plain.draws["excess"])
    for name in ("gap", "bias"):
        assert wide.draws[name].mean() == pytest.approx(plain.draws[name].mean(), abs=plain.error(name) / 10)
    losses = plain.validation_losses
    assert plain.mean_error(losses) == pytest.approx(losses.std(ddof=1) / 20)
    assert wide.mean_error(losses) == pytest.approx(losses.std(ddof=1) / 10)


def test_seed_variance_of_the_difference_widens_the_excess_alone():
    plain, wide = evidence(**OVERFITTING), evidence(**OVERFITTING, excess_seed_variance_ratio=RATIO)
    assert wide.error("excess") == pytest.approx(2 * plain.error("excess"), rel=1e-6)
    assert wide.draws["excess"].mean() == pytest.approx(plain.draws["excess"].mean(), abs=plain.error("excess") / 10)
    np.testing.assert_array_equal(wide.draws["gap"], plain.draws["gap"])
    losses = plain.validation_losses
    assert wide.mean_error(losses) == plain.mean_error(losses)


def test_a_reference_of_another_kind_is_never_widened():
    """Seeds of the network say nothing of it: bias² = training² · 4 + reference²."""
    plain, wide = (evidence(**OVERFITTING, reference=0.3, seed_variance_ratio=ratio) for ratio in (0.0, RATIO))
    train = plain.train_losses.std(ddof=1) / 20
    reference = plain.reference_losses.std(ddof=1) / len(plain.reference_losses) ** 0.5
    assert plain.error("bias") == pytest.approx((train**2 + reference**2) ** 0.5, rel=0.1)
    assert wide.error("bias") == pytest.approx((4 * train**2 + reference**2) ** 0.5, rel=0.1)


def test_draws_are_the_same_every_time():
    np.random.seed(3)  # noqa: NPY002 - the global state must not matter
    first = evidence(reference=0.2).draws
    np.random.seed(4)  # noqa: NPY002 - the same
    for name, values in evidence(reference=0.2).draws.items():
        np.testing.assert_array_equal(values, first[name])


def test_evidence_is_a_record():
    with pytest.raises(dataclasses.FrozenInstanceError):
        evidence().num_examples = 3
    assert dataclasses.is_dataclass(FitEvidence)
