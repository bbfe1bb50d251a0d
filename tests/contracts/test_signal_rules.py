"""Every signal rule: the sick found, the healthy clear, missing evidence not applicable, its page complete."""

import dataclasses
import inspect
import re

import pytest

from justfit import rules
from justfit.records import Finding, LossFault, NonFinite, UnusedParameter
from justfit.rules import (
    AttentionEntropyCollapse,
    AttentionRankCollapse,
    DeadUnits,
    ExplodingGradient,
    ExplodingSignal,
    InitializationNotApplied,
    InitialLoss,
    LossMismatch,
    NonFiniteValues,
    NotApplicable,
    RankCollapse,
    SaturatedUnits,
    SignalRule,
    SymmetricUnits,
    UnscaledInput,
    UnusedParameters,
    VanishingGradient,
    VanishingSignal,
    WeightsTooLarge,
    WeightsTooSmall,
    describe,
    judge_signals,
)
from tests.unit.rules.signals import (
    NAN,
    along,
    attention,
    evidence,
    network_input,
    with_layers,
    with_loss,
    with_trunk,
)

RULES = [
    rule
    for rule in vars(rules).values()
    if inspect.isclass(rule) and issubclass(rule, SignalRule) and rule is not SignalRule
]
HEALTHY = evidence()
COLLAPSED = evidence(
    40, each=lambda i: {"point": {"cosine": 1 - 0.5 / (i + 1) ** 2, "effective_rank": 1 + 11 / (i + 1)}}
)
DEFAULT = {"has_default_values": True, "distribution": "uniform", "weight_rms": 1 / (3 * 64) ** 0.5}

# rule: evidence, where, severity
SICK = {
    VanishingGradient: (evidence(20, each=along(gradient_norm=2.0)), "layer0", "error"),
    ExplodingGradient: (evidence(20, each=along(gradient_norm=0.5)), "layer0", "error"),
    VanishingSignal: (evidence(12, each=along(centred_rms=0.4)), "layer1", "warning"),
    ExplodingSignal: (evidence(12, each=along(rms=3.0)), "layer1", "error"),
    RankCollapse: (COLLAPSED, "layer11", "error"),
    NonFiniteValues: (
        evidence(nonfinite=NonFinite(stage="forward", operation="log", layer="layer3", kind="nan", num_values=2)),
        "layer3",
        "error",
    ),
    AttentionRankCollapse: (
        evidence(attention=tuple(attention(f"attention{i}", output_cosine=0.999) for i in range(4))),
        "attention0",
        "warning",
    ),
    AttentionEntropyCollapse: (
        evidence(attention=(attention(), attention("second", logit_std=20.0, entropy_fraction=0.05))),
        "second",
        "warning",
    ),
    SymmetricUnits: (evidence(at={2: {"identical_fraction": 1.0}}), "layer2", "error"),
    WeightsTooSmall: (evidence(at={4: {"weight_rms": 0.001}}), "layer4", "warning"),
    WeightsTooLarge: (evidence(at={4: {"weight_rms": 9.0}}), "layer4", "warning"),
    DeadUnits: (evidence(at={5: {"dead_fraction": 0.9}}), "layer5", "warning"),
    SaturatedUnits: (
        evidence(at={5: {"saturated_fraction": 0.8, "activation": "tanh"}, 6: {"saturated_fraction": 0.1}}),
        "layer5",
        "warning",
    ),
    InitializationNotApplied: (evidence(at={6: DEFAULT}), "layer6", "warning"),
    UnscaledInput: (
        evidence(inputs=(network_input(rms=147.0, mean=130.0, std=68.0),), at={0: {"input_rms": 147.0}}),
        "input 0",
        "warning",
    ),
    LossMismatch: (
        with_loss(HEALTHY, faults=(LossFault(kind="softmax_before_cross_entropy", detail="softmax at net.py:9"),)),
        "head",
        "error",
    ),
    UnusedParameters: (
        evidence(unused=(UnusedParameter(name="spare.0.weight"), UnusedParameter(name="spare.0.bias"))),
        "spare",
        "warning",
    ),
    InitialLoss: (with_loss(HEALTHY, value=31.0, output_rms=40.0), "head", "error"),
}
BLIND = {
    VanishingGradient: (with_trunk(HEALTHY, gradient_norm=NAN), "fewer than two points of the trunk have a gradient"),
    ExplodingGradient: (
        with_trunk(HEALTHY, gradient_norm=NAN),
        "fewer than two points of the trunk have a gradient that is not zero",
    ),
    VanishingSignal: (
        with_trunk(HEALTHY, centred_rms=NAN),
        "differences between examples were measured at fewer than two points of the trunk",
    ),
    ExplodingSignal: (
        with_trunk(HEALTHY, rms=NAN),
        "fewer than three points of the trunk keep their scale: the rest is normalised",
    ),
    RankCollapse: (
        with_trunk(HEALTHY, effective_rank=NAN),
        "the effective rank was measured at fewer than two points of the trunk",
    ),
    AttentionRankCollapse: (
        evidence(attention=(attention(output_cosine=NAN),)),
        "no attention over enough tokens was measured",
    ),
    AttentionEntropyCollapse: (
        evidence(attention=(attention(logit_std=NAN),)),
        "no attention over enough tokens was measured",
    ),
    SymmetricUnits: (
        with_layers(HEALTHY, identical_fraction=NAN),
        "no trainable hidden layer with more than one unit was measured",
    ),
    WeightsTooSmall: (
        with_layers(HEALTHY, right_weight_rms=NAN),
        "the right size is known of no weight whose size matters",
    ),
    WeightsTooLarge: (
        with_layers(HEALTHY, right_weight_rms=NAN),
        "the right size is known of no weight whose size matters",
    ),
    DeadUnits: (with_layers(HEALTHY, dead_fraction=NAN), "no activation with a flat region was measured"),
    SaturatedUnits: (HEALTHY, "no activation that saturates was measured"),
    InitializationNotApplied: (
        with_layers(HEALTHY, weight_rms=NAN),
        "too few weights of one operation to compare with each other",
    ),
    UnscaledInput: (
        evidence(inputs=(network_input(rms=NAN),)),
        "no floating-point input that a weight reads was measured",
    ),
    LossMismatch: (with_loss(HEALTHY, name="random projection"), "no loss was given"),
    UnusedParameters: (evidence(layers=()), "no layer was measured"),
    InitialLoss: (
        with_loss(HEALTHY, value=NAN),
        "the loss, or what an uninformed prediction would cost, is not known",
    ),
}
WELL = dict.fromkeys(SICK, HEALTHY) | {
    SaturatedUnits: evidence(at={3: {"saturated_fraction": 0.2, "activation": "tanh"}})
}
# Values of a rule's thresholds at which it finds nothing.
LENIENT = {
    VanishingGradient: {"threshold": 1e6},
    ExplodingGradient: {"threshold": 1e6, "chaos": 1e6},
    VanishingSignal: {"threshold": 1e6},
    ExplodingSignal: {"threshold": 1e6},
    RankCollapse: {"rank": 0.0},
    NonFiniteValues: {"threshold": 1e6},
    AttentionRankCollapse: {"cosine": 1.0},
    AttentionEntropyCollapse: {"entropy": 0.0},
    SymmetricUnits: {"threshold": 1.0},
    WeightsTooSmall: {"alone": 1e6},
    WeightsTooLarge: {"alone": 1e6},
    DeadUnits: {"excess": 1.0, "noticed": 1.0},
    SaturatedUnits: {"threshold": 1.0},
    InitializationNotApplied: {"share": 1.0},
    UnscaledInput: {"largest": 1e6},
    LossMismatch: {"threshold": 1e6},
    UnusedParameters: {"threshold": 1e6},
    InitialLoss: {"margin": 1e6},
}


def test_all_rules_are_listed_here():
    assert set(RULES) == set(SICK) == set(WELL) == set(LENIENT)
    # all finite is a measurement too: what is not finite cannot be missed
    assert set(RULES) - set(BLIND) == {NonFiniteValues}


@pytest.mark.parametrize("rule", RULES)
def test_the_sick_are_found(rule):
    patient, where, severity = SICK[rule]
    (finding,) = rule().check(patient)
    assert isinstance(finding, Finding)
    assert (finding.code, finding.name) == (rule.code, rule.name)
    assert (finding.where, finding.severity) == (where, severity)
    assert all((finding.why, finding.when_wrong, finding.cure, finding.evidence, finding.unit))
    assert finding in judge_signals(patient)[0]


@pytest.mark.parametrize("rule", RULES)
def test_the_value_is_on_the_wrong_side_of_the_threshold(rule):
    (finding,) = rule().check(SICK[rule][0])
    if rule is RankCollapse:
        assert finding.value < finding.threshold
    elif rule is InitializationNotApplied:
        assert finding.value == pytest.approx(1 / 192**0.5)
        assert finding.threshold == pytest.approx((2 / 64) ** 0.5)
    else:
        assert finding.value > finding.threshold


@pytest.mark.parametrize("rule", RULES)
def test_the_healthy_are_clear(rule):
    assert rule().check(WELL[rule]) == ()


@pytest.mark.parametrize("rule", BLIND)
def test_missing_evidence_is_not_health(rule):
    patient, reason = BLIND[rule]
    assert rule().check(patient) == NotApplicable(reason)
    assert (rule.code, reason) in [(one.code, one.reason) for one in judge_signals(patient)[1]]


@pytest.mark.parametrize("rule", RULES)
def test_a_more_lenient_threshold_finds_less(rule):
    assert rule(**LENIENT[rule]).check(SICK[rule][0]) == ()


@pytest.mark.parametrize("rule", RULES)
def test_a_threshold_is_a_field_of_the_rule_and_nowhere_else(rule):
    """The page names the field; `describe` fills in the number."""
    text = inspect.getdoc(rule)
    page = " ".join(describe(rule.code).sections.values())
    for field in dataclasses.fields(rule):
        assert f"`{field.name}`" in text
        assert f"`{field.name}`" not in page
        assert not re.search(rf"(?<![\w.]){re.escape(str(field.default))}(?![\w.])", text) or field.default in (3, 8)
    assert re.fullmatch(r"JF[235]\d\d", rule.code)


@pytest.mark.parametrize("rule", RULES)
def test_units_do_not_matter(rule):
    """All activations and gradients in another unit: the same findings; inputs and losses have theirs."""
    if rule in (UnscaledInput, InitialLoss):
        return
    patient = SICK[rule][0]
    scaled = dataclasses.replace(
        patient,
        trunk=tuple(
            dataclasses.replace(p, rms=9 * p.rms, centred_rms=9 * p.centred_rms, gradient_norm=p.gradient_norm / 5)
            for p in patient.trunk
        ),
        layers=tuple(
            dataclasses.replace(one, output_rms=9 * one.output_rms, gradient_norm=one.gradient_norm / 5)
            for one in patient.layers
        ),
    )
    before, after = ([(f.where, f.severity) for f in rule().check(p)] for p in (patient, scaled))
    assert before == after
