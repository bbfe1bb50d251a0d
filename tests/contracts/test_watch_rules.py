"""Every watch rule: the sick found, the healthy clear, missing evidence not applicable, its page complete."""

import dataclasses
import inspect
import math
import re

import pytest

from justfit import rules
from justfit.records import Finding, FirstFailure
from justfit.rules import (
    DeadInTraining,
    DivergingLoss,
    ExplodingInTraining,
    LearningRateTooHigh,
    LearningRateTooLow,
    LossNotDecreasing,
    NonFiniteInTraining,
    NotApplicable,
    OscillatingLoss,
    ParametersUnchanged,
    SaturatedInTraining,
    SlowProgress,
    UpdatesTooLarge,
    UpdatesTooSmall,
    VanishingInTraining,
    WatchRule,
    describe,
    judge_watch,
)
from tests.unit.rules.runs import NAN, STEPS, bins, losses, run, scaled, with_layers, without_samples

RULES = [
    rule
    for rule in vars(rules).values()
    if inspect.isclass(rule) and issubclass(rule, WatchRule) and rule is not WatchRule
]
HEALTHY = run()
FLAT = 2.3
# Gradients and updates of layer i, in a network where they shrink on the way back.
SHRINKING = {"each": lambda i: {key: 0.3 * math.exp(1.5 * (i - 6)) for key in ("gradient_norm", "update_norm")}}
SMALL = {"update_norm": 8e-6, "gradient_norm": 0.02}
LATE = [0.3] * 8 + [300.0] * 4


def thrown_up(share):
    """A loss that jumps after the first steps and comes back to where it began."""
    return 2.3 + (6.0 * math.exp(-40 * share) if share > 0.01 else 0.0)


# rule: evidence, where, severity
SICK = {
    NonFiniteInTraining: (
        run(
            first_failure=FirstFailure(cause="nan", stage="forward", step=120, epoch=2, layer="layer3", operation="log")
        ),
        "layer3",
        "error",
    ),
    VanishingInTraining: (run(level=lambda _: FLAT, **SHRINKING), "layer0", "warning"),
    ExplodingInTraining: (run(level=lambda _: FLAT, at={2: {"gradient_norm": LATE}}), "layer2", "warning"),
    DeadInTraining: (run(at={4: {"dead_fraction": [0.1] * 6 + [0.95] * 6}}), "layer4", "warning"),
    SaturatedInTraining: (run(at={4: {"saturated_fraction": 0.9, "activation": "tanh"}}), "layer4", "warning"),
    UpdatesTooSmall: (run(level=lambda _: FLAT, each=lambda _: SMALL), "network", "warning"),
    UpdatesTooLarge: (run(each=lambda i: {"update_norm": 4.0 if i < 6 else 8.0}), "head", "warning"),
    LossNotDecreasing: (run(level=lambda _: FLAT), "network", "warning"),
    SlowProgress: (run(level=lambda share: FLAT - 0.3 * share), "network", "warning"),
    OscillatingLoss: (
        run(values=losses(lambda s: FLAT - 0.1 * s, num_steps=50) + losses(lambda _: 2.2, num_steps=350, noise=0.8)),
        "network",
        "warning",
    ),
    DivergingLoss: (
        run(level=lambda share: 2.3 - 4 * share if share < 0.4 else 0.7 + 5 * (share - 0.4)),
        "network",
        "error",
    ),
    LearningRateTooHigh: (run(level=thrown_up), "network", "warning"),
    LearningRateTooLow: (
        run(level=lambda share: FLAT - 0.05 * share, each=lambda _: {"update_norm": 1e-3, "gradient_norm": 0.1}),
        "network",
        "warning",
    ),
    ParametersUnchanged: (run(at={1: {"optimizer": -1, "update_norm": NAN}}), "layer1", "warning"),
}
UNSEEN = dataclasses.replace(HEALTHY, losses=bins([]))
TWICE = dataclasses.replace(HEALTHY, optimizers=HEALTHY.optimizers * 2)
SHORT = run(values=losses(num_steps=60))
NONE_TWICE = "no layer that is trained was sampled twice"
NO_UNITS = "no layer with units that is trained was sampled twice"
SHARED = "several optimizers share the run, so one's loss may rise because another does its work"
AROUND_ZERO = "the loss moves around zero, so its size does not tell how well the network does"
BLIND = [
    (NonFiniteInTraining, dataclasses.replace(without_samples(UNSEEN), optimizers=()), "no step was seen"),
    (
        VanishingInTraining,
        without_samples(HEALTHY),
        "fewer than two layers with units that are trained were sampled twice",
    ),
    (ExplodingInTraining, without_samples(HEALTHY), "no layer's gradient was sampled 6 times"),
    (DeadInTraining, with_layers(HEALTHY, dead_fraction=()), "no activation with a flat region was measured"),
    (SaturatedInTraining, HEALTHY, "no activation that saturates was measured in a hidden layer"),
    (UpdatesTooSmall, without_samples(HEALTHY), NONE_TWICE),
    (UpdatesTooLarge, without_samples(HEALTHY), NO_UNITS),
    *((rule, UNSEEN, "no loss was seen") for rule in (LossNotDecreasing, SlowProgress, OscillatingLoss, DivergingLoss)),
    *((rule, TWICE, SHARED) for rule in (LossNotDecreasing, DivergingLoss, LearningRateTooHigh, LearningRateTooLow)),
    *((rule, run(level=lambda _: 0.0), AROUND_ZERO) for rule in (OscillatingLoss, SlowProgress)),
    (LossNotDecreasing, SHORT, "only 60 losses were seen, 100 are needed"),
    (SlowProgress, SHORT, "only 60 losses were seen, 200 are needed"),
    (DivergingLoss, run(values=losses(num_steps=20)), "only 20 losses were seen, 40 are needed"),
    (LearningRateTooHigh, without_samples(HEALTHY), NO_UNITS),
    (LearningRateTooLow, without_samples(HEALTHY), NO_UNITS),
    (ParametersUnchanged, without_samples(HEALTHY), "no step of an optimizer was sampled"),
]
WELL = dict.fromkeys(SICK, HEALTHY) | {
    SaturatedInTraining: run(at={4: {"saturated_fraction": 0.3, "activation": "tanh"}})
}
# Values of a rule's thresholds at which it finds nothing.
LENIENT = {
    NonFiniteInTraining: {"threshold": 1e6},
    VanishingInTraining: {"threshold": math.inf},
    ExplodingInTraining: {"threshold": 1e6},
    DeadInTraining: {"threshold": 1.1},
    SaturatedInTraining: {"threshold": 1.1},
    UpdatesTooSmall: {"threshold": 0.0},
    UpdatesTooLarge: {"threshold": 1.1},
    LossNotDecreasing: {"threshold": 0.0},
    SlowProgress: {"threshold": 0.0},
    OscillatingLoss: {"least": 1e6},
    DivergingLoss: {"threshold": 1e6},
    LearningRateTooHigh: {"jump": 1e6},
    LearningRateTooLow: {"threshold": 0.0},
    ParametersUnchanged: {"threshold": -1.0},
}


def test_all_rules_are_listed_here():
    assert set(RULES) == set(SICK) == set(WELL) == set(LENIENT) == {rule for rule, *_ in BLIND}
    assert sorted(rule.code for rule in RULES) == [f"JF{code}" for code in range(402, 416)]


@pytest.mark.parametrize("rule", RULES)
def test_the_sick_are_found(rule):
    patient, where, severity = SICK[rule]
    finding = rule().check(patient)[0]
    assert isinstance(finding, Finding)
    assert (finding.code, finding.name) == (rule.code, rule.name)
    assert (finding.where, finding.severity) == (where, severity)
    assert all((finding.why, finding.when_wrong, finding.cure, finding.evidence, finding.unit))
    assert (finding.code, finding.where) in [(one.code, one.where) for one in judge_watch(patient)[0]]


@pytest.mark.parametrize("rule", RULES)
def test_a_finding_says_since_which_step(rule):
    patient, *_ = SICK[rule]
    finding = rule().check(patient)[0]
    assert finding.since_unit == "step"
    assert 1 <= finding.since <= patient.optimizers[0].num_steps


@pytest.mark.parametrize("rule", RULES)
def test_the_value_is_on_the_wrong_side_of_the_threshold(rule):
    finding = rule().check(SICK[rule][0])[0]
    if rule in (UpdatesTooSmall, LossNotDecreasing, SlowProgress, LearningRateTooLow):
        assert finding.value < finding.threshold
    elif rule is ParametersUnchanged:
        assert finding.value == finding.threshold == 0
    else:
        assert finding.value >= finding.threshold


@pytest.mark.parametrize("rule", RULES)
def test_the_healthy_are_clear(rule):
    assert rule().check(WELL[rule]) == ()


@pytest.mark.parametrize(("rule", "patient", "reason"), BLIND)
def test_missing_evidence_is_not_health(rule, patient, reason):
    assert rule().check(patient) == NotApplicable(reason)
    assert (rule.code, reason) in [(one.code, one.reason) for one in judge_watch(patient)[1]]


@pytest.mark.parametrize("rule", RULES)
def test_a_more_lenient_threshold_finds_less(rule):
    outcome = rule(**LENIENT[rule]).check(SICK[rule][0])
    assert [finding for finding in outcome if finding.severity != "info"] == []


@pytest.mark.parametrize("rule", RULES)
def test_a_threshold_is_a_field_of_the_rule_and_nowhere_else(rule):
    """The page names the field; `describe` fills in the number."""
    text = inspect.getdoc(rule)
    page = " ".join(describe(rule.code).sections.values())
    for field in dataclasses.fields(rule):
        assert f"`{field.name}`" in text
        assert f"`{field.name}`" not in page
        number = rf"(?<![\w.]){re.escape(f'{field.default:g}')}(?![\w.])"
        assert not re.search(number, text.split("References:")[0]) or field.default in (0, 1, 2, 3, 5)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@pytest.mark.parametrize("rule", RULES)
def test_the_unit_of_the_loss_does_not_matter(rule, factor):
    """The same run in another unit of the loss: the same findings."""
    patient = SICK[rule][0]
    before, after = (
        [(f.where, f.severity, f.since) for f in rule().check(p)] for p in (patient, scaled(patient, factor))
    )
    assert before == after


@pytest.mark.parametrize("rule", RULES)
def test_the_size_of_the_weights_does_not_matter(rule):
    """Weights and updates in another unit, gradients in its inverse: the same findings."""
    patient = SICK[rule][0]
    layers = []
    for one in patient.layers:
        times = {"weight_norm": 50.0, "update_norm": 50.0, "gradient_norm": 0.02, "clipped_gradient_norm": 0.02}
        series = {name: tuple(factor * value for value in getattr(one, name)) for name, factor in times.items()}
        layers.append(dataclasses.replace(one, **series))
    before, after = (
        [(f.where, f.severity) for f in rule().check(p)]
        for p in (patient, dataclasses.replace(patient, layers=tuple(layers)))
    )
    assert before == after


@pytest.mark.parametrize("rule", RULES)
def test_a_run_that_was_only_begun_raises_no_alarm(rule):
    """One step, one sample: either the rule cannot judge, or it finds nothing."""
    begun = run(values=losses(num_steps=1), optimizers=(dataclasses.replace(HEALTHY.optimizers[0], num_steps=1),))
    begun = dataclasses.replace(
        with_layers(begun, weight_norm=(8.0,), gradient_norm=(0.3,), update_norm=(0.03,), dead_fraction=(0.1,)),
        optimizers=(dataclasses.replace(begun.optimizers[0], steps=STEPS[:1], learning_rate=(0.1,)),),
    )
    assert not [finding for finding in judge_watch(begun)[0] if finding.code == rule.code]
