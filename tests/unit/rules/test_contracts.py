"""Every rule: the sick found, the healthy clear, missing evidence not applicable, and a page that explains it."""

import dataclasses
import inspect
import re

import numpy as np
import pytest

from justfit import rules
from justfit.records import Finding
from justfit.rules import Capacity, Clear, Divergence, NoSignal, NotApplicable, Overfitting, Rule, Underfitting
from tests.unit.rules.patients import HEALTHY, NO_SIGNAL, OVERFITTING, UNDERFITTING, evidence

RULES = [rule for rule in vars(rules).values() if inspect.isclass(rule) and issubclass(rule, Rule) and rule is not Rule]
HEADINGS = ["How it is detected:", "Why it matters:", "When it is wrong:", "What helps:", "References:"]

SICK = {
    Overfitting: evidence(**OVERFITTING),
    Underfitting: evidence(**UNDERFITTING),
    Capacity: evidence(**HEALTHY, num_parameters=401),
    Divergence: evidence(**HEALTHY, num_variants=40, num_diverged=1),
    NoSignal: evidence(**NO_SIGNAL),
}
WELL = {
    Overfitting: evidence(**HEALTHY),
    Underfitting: evidence(**HEALTHY),
    Capacity: evidence(**HEALTHY, num_parameters=400),
    Divergence: evidence(**HEALTHY, num_variants=40),
    NoSignal: evidence(**HEALTHY),
}
BLIND = {
    Overfitting: (evidence(**{**OVERFITTING, "best": None}), "no regularized twin was trained"),
    Underfitting: (
        evidence(**{**UNDERFITTING, "best": None}),
        "there is no reference to hold the training loss against",
    ),
    NoSignal: (
        evidence(**{**NO_SIGNAL, "best": None}),
        "no network was evaluated on the same rows as the constant prediction",
    ),
}
# The fields that hold a rule's threshold, and values of them at which it finds nothing.
THRESHOLDS = {
    Overfitting: {"remaining_share": 1e6, "least_share": 1e6, "margin": 1e6},
    Underfitting: {"margin": 1e6},
    Capacity: {"threshold": 1e6},
    Divergence: {"threshold": 1e6},
    NoSignal: {"errors": -1e6},  # it speaks where the gain is below its threshold
}


def test_all_rules_are_listed_here():
    assert set(RULES) == set(SICK) == set(WELL) == set(THRESHOLDS)
    assert len({rule.code for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_the_sick_are_found(rule):
    finding = rule().check(SICK[rule])
    assert isinstance(finding, Finding)
    assert (finding.code, finding.name, finding.severity) == (rule.code, rule.name, rule.severity)
    assert finding.value < finding.threshold if rule is NoSignal else finding.value > finding.threshold
    assert all((finding.why, finding.when_wrong, finding.cure, finding.where, finding.unit))


@pytest.mark.parametrize("rule", RULES)
def test_the_healthy_are_clear(rule):
    assert rule().check(WELL[rule]) == Clear()


@pytest.mark.parametrize("rule", BLIND)
def test_missing_evidence_is_not_health(rule):
    patient, reason = BLIND[rule]
    assert rule().check(patient) == NotApplicable(reason)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_explains_itself_under_the_fixed_headings(rule):
    lines = [line.strip() for line in inspect.getdoc(rule).splitlines()]
    assert [line for line in lines if line in HEADINGS] == HEADINGS
    sections = re.split("|".join(map(re.escape, HEADINGS)), inspect.getdoc(rule))
    assert all(len(section.strip()) > 5 for section in sections)
    assert lines[0].endswith(".")
    assert re.fullmatch(r"JF\d{3}", rule.code)


@pytest.mark.parametrize("rule", RULES)
def test_a_threshold_is_a_field_of_the_rule_and_nowhere_else(rule):
    """The page names the field, so that the number is written once."""
    fields = {field.name for field in dataclasses.fields(rule)} - {"probability"}
    assert fields == set(THRESHOLDS[rule])
    for name in fields:
        assert f"`{name}`" in inspect.getdoc(rule)
        assert str(getattr(rule(), name)) not in inspect.getdoc(rule)


@pytest.mark.parametrize("rule", RULES)
def test_a_stricter_threshold_finds_less(rule):
    assert rule(**THRESHOLDS[rule]).check(SICK[rule]) == Clear()


@pytest.mark.parametrize(
    ("best", "constant", "share"),
    [
        (0.3, 1.0, "margin"),  # 0.02 · 0.7 < 0.1 · 0.3
        (0.05, 1.05, "remaining_share"),  # 0.002 · 1 < 0.1 · 0.05 < 0.02 · 1
        (0.005, 1.005, "least_share"),  # 0.1 · 0.005 < 0.002 · 1
    ],
)
def test_the_excess_that_counts_is_a_share_of_what_remains_between_two_shares_of_what_is_learnable(
    best, constant, share
):
    flat = {name: np.full(50, best) for name in ("train_losses", "validation_losses", "best_losses")}
    patient = dataclasses.replace(evidence(num_examples=50), **flat, constant_losses=np.full(50, constant))
    expected = {"margin": 0.02 * 0.7, "remaining_share": 0.1 * best, "least_share": 0.002 * 1.0}
    assert Overfitting().threshold(patient) == pytest.approx(expected[share])
    doubled = Overfitting(**{share: 2 * getattr(Overfitting(), share)})
    assert doubled.threshold(patient) == pytest.approx(2 * expected[share]), "this share decides"


def test_a_small_excess_counts_where_little_loss_remains():
    """Best 0.02 of a constant's 2.3: twice the loss is an excess, though below 2 % of what is learnable."""
    patient = evidence(train=0.001, validation=0.04, best=0.02, constant=2.3, num_examples=4_000)
    assert Overfitting().check(patient) != Clear()
    only_margin = Overfitting(remaining_share=1e6)
    assert only_margin.check(patient) == Clear(), "negative control: 2 % of what is learnable alone is too coarse"


@pytest.mark.parametrize(("seed_variance_ratio", "found"), [(0.0, False), (1.0, True)])
def test_no_signal_counts_the_seeds(seed_variance_ratio, found):
    patient = evidence(best=0.9, constant=1.0, seed_variance_ratio=seed_variance_ratio)
    outcome = NoSignal().check(patient)
    assert isinstance(outcome, Finding) == found
    if found:
        gain = patient.constant_losses - patient.best_losses
        assert outcome.value == pytest.approx(gain.mean())
        assert outcome.threshold == pytest.approx(1.645 * gain.std(ddof=1) * (1 / 400 + 1) ** 0.5)


def test_no_signal_is_rarely_found_where_there_is_one_and_mostly_where_there_is_none():
    def share(best):
        patients = (evidence(best=best, constant=1.0, num_examples=100, seed=seed) for seed in range(200))
        return sum(isinstance(NoSignal().check(patient), Finding) for patient in patients) / 200

    assert share(1.0) == pytest.approx(0.95, abs=4 * (0.05 * 0.95 / 200) ** 0.5)
    assert share(0.9) < 0.02


def test_no_signal_needs_the_same_rows():
    patient = dataclasses.replace(evidence(), constant_losses=np.ones(399))
    assert isinstance(NoSignal().check(patient), NotApplicable)


def test_underfitting_is_held_against_the_reference_where_there_is_one():
    patient = evidence(train=0.4, validation=0.4, best=0.4, reference=0.1, reference_name="an oracle")
    finding = Underfitting().check(patient)
    assert finding.value == pytest.approx(0.3, abs=0.05)
    assert "an oracle" in finding.why
    assert Underfitting().check(evidence(train=0.4, validation=0.4, best=0.4)) == Clear(), "negative control"


def test_a_gap_that_no_regularization_closes_is_not_called_overfitting():
    assert Overfitting().check(evidence(train=0.01, validation=0.7, best=0.7)) == Clear()


def test_a_better_twin_without_a_gap_is_not_called_overfitting():
    assert Overfitting().check(evidence(train=0.72, validation=0.7, best=0.4)) == Clear()
