"""All signal rules together, and what must not alarm."""

import dataclasses
import math

import pytest

from justfit.records import LossFault, NonFinite, UnusedParameter
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
    SymmetricUnits,
    UnscaledInput,
    UnusedParameters,
    VanishingGradient,
    VanishingSignal,
    WeightsTooLarge,
    WeightsTooSmall,
    judge_signals,
)
from tests.unit.rules.signals import (
    WIDTH,
    along,
    attention,
    evidence,
    layer,
    network_input,
    point,
    with_layers,
    with_loss,
    with_trunk,
)


def severities(outcome):
    return [finding.severity for finding in outcome]


def test_a_healthy_network_has_no_findings():
    findings, unjudged = judge_signals(evidence())
    assert findings == ()
    assert [one.code for one in unjudged] == ["JF305"]


def test_worst_first_then_in_order_of_execution():
    patient = evidence(
        at={
            1: {"dead_fraction": 0.6},
            4: {"dead_fraction": 0.9},
            7: {"identical_fraction": 1.0},
            2: {"weight_rms": 1e-3},
            6: {"saturated_fraction": 0.9, "activation": "tanh"},
        }
    )
    found = [(finding.severity, finding.where) for finding in judge_signals(patient)[0]]
    warnings = [("warning", f"layer{index}") for index in (2, 4, 6)]
    assert found == [("error", "layer7"), *warnings, ("info", "layer1")]


def test_an_attention_stands_after_its_own_layers():
    layers = tuple(layer(name) for name in ("embed", "block.attn.qkv", "block.attn.out", "block.mlp"))
    sick = [attention("block.attn", logit_std=30.0, entropy_fraction=0.02)]
    dead = tuple(dataclasses.replace(one, dead_fraction=0.9) if one.name != "embed" else one for one in layers)
    patient = evidence(layers=dead, attention=tuple(sick))
    names = [f.where for f in judge_signals(patient)[0]]
    assert names == ["block.attn.qkv", "block.attn.out", "block.attn", "block.mlp"]


def test_at_most_three_findings_a_rule_and_the_rest_is_counted():
    patient = evidence(8, at={index: {"dead_fraction": 0.85 + index / 100} for index in range(8)})
    assert [finding.where for finding in DeadUnits().check(patient)] == [f"layer{i}" for i in reversed(range(8))]
    findings, _ = judge_signals(patient)
    assert [finding.where for finding in findings] == ["layer5", "layer6", "layer7"]
    assert findings[-1].evidence.endswith("; and 5 more layers")
    assert "more" not in findings[0].evidence


def test_what_is_not_wanted_takes_nobodys_place():
    patient = evidence(8, at={index: {"dead_fraction": 0.85 + index / 100} for index in range(8)})
    findings, _ = judge_signals(patient, lambda code, where: where != "layer6")
    assert [finding.where for finding in findings] == ["layer4", "layer5", "layer7"]
    assert findings[-1].evidence.endswith("; and 4 more layers")
    few, _ = judge_signals(patient, lambda code, where: where in ("layer0", "layer1"))
    assert [finding.where for finding in few] == ["layer0", "layer1"]
    assert "more" not in few[-1].evidence
    nothing, unjudged = judge_signals(patient, lambda code, where: code != "JF304")
    assert nothing == ()
    assert unjudged == judge_signals(patient)[1]


# --- gradient ------------------------------------------------------------------------------------------------------


def test_one_odd_point_at_an_end_does_not_decide():
    odd = evidence(12, each=lambda i: {"point": {"gradient_norm": 1e-5 if i == 0 else 0.1}})
    assert VanishingGradient().check(odd) == ()


def test_the_largest_step_names_the_layer():
    cliff = evidence(12, each=lambda i: {"point": {"gradient_norm": 1e-9 if i <= 5 else 0.1}})
    (finding,) = VanishingGradient().check(cliff)
    assert (finding.where, finding.source) == ("layer5", "net.py:6")
    assert "the largest single step, 1e-08x, is at `layer5`" in finding.evidence


@pytest.mark.parametrize(("factor", "severity"), [(1.6, []), (2.0, ["warning"]), (3.0, ["error"])])
def test_gradient_by_depth_scales(factor, severity):
    vanishing, growing = along(gradient_norm=factor), along(gradient_norm=1 / factor, rms=factor)
    for rule, own, other in ((VanishingGradient, vanishing, growing), (ExplodingGradient, growing, vanishing)):
        assert severities(rule().check(evidence(12, each=own))) == severity
        assert rule().check(evidence(12, each=other)) == ()


def test_a_gradient_that_grows_alone_is_chaos_and_counts_earlier():
    """1.25 a step over 21 steps are 4.7 e-foldings."""
    alone, together = along(gradient_norm=1 / 1.25), along(gradient_norm=1 / 1.25, rms=1.25)
    assert severities(ExplodingGradient().check(evidence(23, each=alone))) == ["warning"]
    assert ExplodingGradient().check(evidence(23, each=together)) == ()
    assert ExplodingGradient().check(evidence(23, each=along(gradient_norm=1 / 1.2))) == ()
    partly = with_trunk(evidence(23, each=alone), normalised=True)
    assert ExplodingGradient().check(partly) == (), "the scale is free"


def test_few_steps_are_no_chaos():
    """1.3 a step over 19 steps are 5.0 e-foldings, over 20 they are 5.2."""
    alone = along(gradient_norm=1 / 1.3)
    assert ExplodingGradient().check(evidence(21, each=alone)) == ()
    assert severities(ExplodingGradient().check(evidence(22, each=alone))) == ["warning"]


def test_two_steps_compound_nothing():
    steep = along(gradient_norm=1e-6)
    expected = NotApplicable("the trunk has fewer than 3 steps, so nothing compounds")
    assert ExplodingGradient().check(evidence(2, each=steep)) == expected
    assert severities(ExplodingGradient().check(evidence(3, each=steep))) == ["error"]


def test_shallow_networks_with_pytorchs_default_are_clear():
    """Gain 0.41 a ReLU layer, both ways; weights 0.41 times the right size."""
    for depth in (2, 4, 6):
        patient = with_layers(
            evidence(depth, each=along(gradient_norm=2.45, centred_rms=0.41)),
            weight_rms=(1 / 192) ** 0.5,
            has_default_values=True,
        )
        assert [f for f in judge_signals(patient)[0] if f.severity != "info"] == []


def test_a_gradient_of_zero_names_the_layer_that_stops_it():
    stopped = evidence(12, each=lambda i: {"point": {"gradient_norm": 0.1 * (i > 5)}})
    (finding,) = VanishingGradient().check(stopped)
    assert (finding.where, finding.severity) == ("layer5", "error")
    assert finding.evidence == "∂L/∂activation is exactly 0 before `layer5` and 0.1 after it"


def no_gradient(patient, *, at_output=0.1):
    trunk = [dataclasses.replace(p, gradient_norm=at_output if p.kind == "output" else 0.0) for p in patient.trunk]
    return dataclasses.replace(patient, trunk=tuple(trunk))


@pytest.mark.parametrize(("at", "fields"), [(-1, {}), (-1, {"weight_gradient_rms": math.nan}), (3, {})])
def test_a_weight_that_starts_at_zero_and_learns_is_no_vanishing_gradient(at, fields):
    patient = no_gradient(evidence())
    layers = list(patient.layers)
    layers[at] = dataclasses.replace(layers[at], weight_rms=0.0, **fields)
    zero = dataclasses.replace(patient, layers=tuple(layers))
    expected = NotApplicable(f"`{layers[at].name}` starts at zero, so no gradient passes it in the first step")
    assert VanishingGradient().check(zero) == expected
    (finding,) = VanishingGradient().check(patient)
    assert (finding.where, finding.severity) == ("head", "error"), "negative control"
    (finding,) = VanishingGradient().check(with_layers(zero, weight_rms=0.0))
    assert finding.severity == "error", "the whole network is zero"


def test_a_hidden_weight_of_zero_that_does_not_learn_stops_the_gradient():
    patient = no_gradient(evidence())
    layers = list(patient.layers)
    layers[3] = dataclasses.replace(layers[3], weight_rms=0.0, weight_gradient_rms=0.0)
    (finding,) = VanishingGradient().check(dataclasses.replace(patient, layers=tuple(layers)))
    assert finding.severity == "error"


def test_a_loss_without_a_gradient_is_not_the_networks_fault():
    expected = NotApplicable("the loss has no gradient at the network's output")
    assert VanishingGradient().check(no_gradient(evidence(), at_output=0.0)) == expected


def test_where_all_is_normalised_the_scale_is_free():
    """A stream that grows, each block normalising it: gradient times size stays."""
    free = with_trunk(evidence(12, each=along(rms=2.0, gradient_norm=0.5)), normalised=True)
    assert ExplodingGradient().check(free) == ()
    assert len(ExplodingGradient().check(with_trunk(free, normalised=False))) == 1, "negative control"
    sick = with_trunk(evidence(12, each=along(gradient_norm=0.3)), normalised=True)
    assert len(ExplodingGradient().check(sick)) == 1


# --- signal --------------------------------------------------------------------------------------------------------


def test_residual_sums_that_grow_like_a_root_are_clear():
    patient = evidence(
        100, each=lambda i: {"point": {"kind": "sum", "rms": (1 + i) ** 0.5, "centred_rms": (1 + i) ** 0.5}}
    )
    assert ExplodingSignal().check(patient) == ()


def test_only_normalised_points_say_nothing_of_scale():
    patient = with_trunk(evidence(12, each=along(rms=9.0, centred_rms=9.0)), normalised=True)
    reason = "fewer than three points of the trunk keep their scale: the rest is normalised"
    assert ExplodingSignal().check(patient) == VanishingSignal().check(patient) == NotApplicable(reason)


def test_biases_do_not_hide_a_vanishing_signal():
    patient = evidence(12, each=along(centred_rms=0.2))
    assert severities(VanishingSignal().check(patient)) == ["error"]
    assert ExplodingSignal().check(patient) == ()


def test_the_layer_after_which_nothing_is_left():
    lost = evidence(12, each=lambda i: {"point": {"centred_rms": 0.8 if i <= 4 else 1e-9}})
    (finding,) = VanishingSignal().check(lost)
    assert (finding.where, finding.severity) == ("layer4", "error")
    same = NotApplicable("the examples of the batch are identical")
    assert VanishingSignal().check(with_trunk(evidence(), centred_rms=0.0)) == same


def test_an_unscaled_input_is_no_vanishing_signal():
    """tanh after raw values of 1,000."""
    patient = evidence(
        3, each=lambda i: {"point": {"rms": 1e3 if i == 0 else 1.0, "centred_rms": 1e3 if i == 0 else 0.9}}
    )
    assert VanishingSignal().check(patient) == ()


# --- rank ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "case"),
    [
        ({"effective_rank": 1.0, "cosine": 0.1}, "a trained binary classifier"),
        ({"effective_rank": 2.0, "cosine": 0.0, "width": 2}, "a bottleneck of width 2"),
        ({"effective_rank": 5.5, "cosine": 0.99}, "a class token before training"),
    ],
)
def test_low_rank_alone_or_high_cosine_alone_is_clear(last, case):
    assert RankCollapse().check(evidence(12, each=lambda i: {"point": last if i > 6 else {}})) == (), case


def test_narrowing_down_in_the_last_layers_is_information():
    """A trained regressor with a large mean needs one direction."""
    for depth, first in ((12, 10), (4, 2)):
        patient = evidence(
            depth, each=lambda i, f=first: {"point": {"effective_rank": 1.1, "cosine": 0.99} if i > f else {}}
        )
        assert severities(RankCollapse().check(patient)) == ["info"]


@pytest.mark.parametrize(("cosine", "severity"), [(0.97, "warning"), (0.995, "error")])
def test_a_collapse_counts_where_it_lasts(cosine, severity):
    """One layer that points all one way is mended by the next; the second half of the trunk decides."""
    collapsed = {"effective_rank": 1.1, "cosine": cosine}

    def patient(layers):
        return evidence(19, each=lambda i: {"point": collapsed if i in layers else {}})

    assert severities(RankCollapse().check(patient(range(12, 20)))) == [severity]
    assert severities(RankCollapse().check(patient({*range(13, 18), 19}))) == ["info"], "6 of 10 points"
    assert RankCollapse().check(patient(range(10, 19))) == (), "the last point is well"
    shallow = evidence(6, each=lambda i: {"point": collapsed if i > 1 else {}})
    assert severities(RankCollapse().check(shallow)) == ["info"]


def test_a_tiny_batch_has_no_rank_to_lose():
    patient = evidence(12, each=lambda i: {"point": {"effective_rank": 1.0 if i else 2.5, "cosine": 0.97}})
    assert RankCollapse().check(patient) == ()


def test_a_cosine_that_was_not_measured():
    patient = with_trunk(evidence(), cosine=float("nan"))
    reason = "the cosine between examples could not be measured at `head`"
    assert RankCollapse().check(patient) == NotApplicable(reason)


# --- attention -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "number", "expected"),
    [
        ({}, 4, ["warning"]),
        ({}, 1, ["info"]),
        ({"residual": True}, 4, []),
        ({"input_cosine": 0.995}, 4, []),
        ({"output_cosine": 0.9}, 4, []),
    ],
)
def test_tokens_become_alike_without_skips(fields, number, expected):
    signals = tuple(attention(f"a{i}", **{"output_cosine": 0.999, **fields}) for i in range(number))
    assert severities(AttentionRankCollapse().check(evidence(attention=signals))) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"logit_std": 20.0, "entropy_fraction": 0.05}, ["warning"]),
        ({"logit_std": 20.0, "entropy_fraction": 0.5}, []),  # large logits that are the same for all keys but a few
        ({"logit_std": 4.0, "entropy_fraction": 0.05}, []),  # condensed on few keys, less than twice the point
        ({"logit_std": 4.0, "entropy_fraction": 0.05, "num_tokens": 3}, ["warning"]),  # which is lower for fewer keys
        ({"logit_std": 20.0, "entropy_fraction": 0.05, "num_tokens": 2}, []),
    ],
)
def test_attention_that_looks_at_one_token(fields, expected):
    signals = (attention(), attention("second", **fields))
    assert severities(AttentionEntropyCollapse().check(evidence(attention=signals))) == expected


# --- layers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"is_output": True},
        {"frozen": True},
        {"operation": "embedding"},
        {"shape": (1, WIDTH)},
        {"in_branch": True, "weight_gradient_rms": 0.0},
        {"operation": "conv_transpose2d", "shape": (WIDTH, 1, 3, 3)},
    ],
)
def test_twins_that_do_no_harm(fields):
    assert SymmetricUnits().check(evidence(at={3: {"identical_fraction": 1.0, **fields}})) == ()


def test_zero_init_is_told_in_words():
    patient = with_layers(evidence(), identical_fraction=1.0, distribution="zero", weight_rms=0.0)
    findings = SymmetricUnits().check(patient)
    assert findings[0].evidence == "100% of the units of `layer0` have a twin; its weights are all zero"


@pytest.mark.parametrize("rule", [WeightsTooSmall, WeightsTooLarge])
@pytest.mark.parametrize("where", [{"normalised": True}, {"in_branch": True}, {"is_output": True}])
def test_sizes_that_do_not_matter(rule, where):
    right = layer().right_weight_rms
    for factor in (1e-3, 1e3):
        assert rule().check(evidence(at={3: {"weight_rms": factor * right, **where}})) == ()


def test_a_small_deviation_counts_where_the_trunk_suffers():
    right = layer().right_weight_rms
    for rule, factor, each in (
        (WeightsTooSmall, 0.05, along(centred_rms=0.05, rms=0.05)),
        (WeightsTooSmall, 0.7, along(gradient_norm=1 / 0.5)),
        (WeightsTooLarge, 3.0, along(rms=3.0)),
        (WeightsTooLarge, 1.5, along(gradient_norm=0.5)),
    ):
        sick = with_layers(evidence(each=each), weight_rms=factor * right)
        findings = rule().check(sick)
        assert severities(findings) == ["warning"] * 12
        assert "for relu with fan_in 64" in findings[0].evidence
        assert f"with std {right:.3g}" in findings[0].cure
        assert rule().check(with_layers(evidence(), weight_rms=factor * right)) == (), "the trunk does not suffer"


@pytest.mark.parametrize(
    ("factor", "loss", "expected"),
    [(8.0, 30.0, ["warning"]), (8.0, 8.0, []), (4.0, 30.0, []), (40.0, 2.4, ["warning"]), (8.0, float("nan"), [])],
)
def test_too_large_weights_that_the_first_loss_suffers_from(factor, loss, expected):
    large = evidence(at={3: {"weight_rms": factor * layer().right_weight_rms}})
    assert severities(WeightsTooLarge().check(with_loss(large, value=loss))) == expected


def test_an_unscaled_input_is_not_blamed_on_the_first_layer():
    raw = (network_input(rms=147.0),)
    sick = {0: {"weight_rms": 100.0}}
    assert WeightsTooLarge().check(evidence(at=sick, inputs=raw)) == ()
    assert len(WeightsTooLarge().check(evidence(at=sick))) == 1, "negative control"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"dead_fraction": 1.0}, ["error"]),
        ({"dead_fraction": 1.0, "in_branch": True}, ["warning"]),
        ({"dead_fraction": 0.85}, ["warning"]),
        ({"dead_fraction": 0.6}, ["info"]),
        ({"dead_fraction": 0.3}, []),
        ({"dead_fraction": 0.6, "chance_dead_fraction": 0.5, "cosine": 0.94}, []),
        ({"dead_fraction": 1.0, "cosine": 0.999}, []),
        ({"dead_fraction": 1.0, "chance_dead_fraction": 0.4, "shape": (4, 4), "cosine": float("nan")}, []),
    ],
)
def test_dead_units_beyond_chance(fields, expected):
    assert severities(DeadUnits().check(evidence(at={3: fields}))) == expected


def test_saturated_heads_are_fine_and_gates_are_information():
    sick = {"saturated_fraction": 0.9, "activation": "sigmoid"}
    assert SaturatedUnits().check(evidence(at={3: {**sick, "is_output": True}})) == ()
    assert severities(SaturatedUnits().check(evidence(at={3: {**sick, "in_branch": True}}))) == ["info"]


DEFAULT = {"has_default_values": True, "distribution": "uniform", "weight_rms": (1 / 192) ** 0.5}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ({5: DEFAULT}, ["warning"]),
        ({5: {**DEFAULT, "shape": (2, WIDTH)}}, ["info"]),
        ({5: {"distribution": "constant"}}, ["info"]),
        ({5: {"weight_rms": 0.01}}, []),
        ({5: {**DEFAULT, "operation": "embedding"}}, []),
        ({0: DEFAULT}, []),
        (dict.fromkeys(range(0, 12, 2), DEFAULT), []),
        (dict.fromkeys(range(11), DEFAULT), ["info"]),
    ],
)
def test_an_initialization_that_missed_a_layer(at, expected):
    assert severities(InitializationNotApplied().check(evidence(at=at))) == expected


def test_one_std_for_all_shapes_is_a_family_too():
    """N(0, 0.02) whatever the fan_in, as in GPT."""
    sizes = {i: {"weight_rms": 0.02, "fan_in": 64.0 * 4 ** (i % 2)} for i in range(12)}
    assert InitializationNotApplied().check(evidence(at=sizes)) == ()
    assert severities(InitializationNotApplied().check(evidence(at={**sizes, 4: DEFAULT}))) == ["warning"]


# --- input and loss ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"rms": 50.0}, ["warning"]),
        ({"rms": 5.0, "mean": 4.99, "std": 0.3}, ["warning"]),
        ({"rms": 5.0, "mean": 4.99, "std": 0.0}, ["warning"]),
        ({"rms": 5.0, "feature_std_ratio": 2e3}, ["warning"]),
        ({"rms": 0.3, "feature_std_ratio": 2e3}, ["info"]),
        ({"rms": 1e-3}, ["info"]),
        ({"rms": 1e-5}, ["warning"]),
        ({"rms": 50.0, "normalised": True}, []),
        ({"rms": 0.3, "mean": 0.29, "std": 0.01}, []),
    ],
)
def test_inputs(fields, expected):
    patient = evidence(inputs=(network_input(**fields),), at={0: {"input_rms": fields["rms"]}})
    assert severities(UnscaledInput().check(patient)) == expected


def test_an_input_that_the_network_scales_itself_is_clear():
    """Times of a diffusion model go through a sinusoid; images are divided by 255."""
    assert UnscaledInput().check(evidence(inputs=(network_input(rms=500.0),), at={0: {"input_rms": 0.7}})) == ()


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        ("softmax_before_cross_entropy", "error"),
        ("log_softmax_before_cross_entropy", "info"),
        ("sigmoid_before_bce_with_logits", "error"),
        ("no_sigmoid_before_bce", "error"),
        ("no_log_softmax_before_nll", "error"),
        ("broadcast_in_regression_loss", "error"),
        ("targets_outside_output_range", "warning"),
        ("one_output_for_cross_entropy", "error"),
    ],
)
def test_wrong_pairings(kind, severity):
    patient = with_loss(evidence(), faults=(LossFault(kind=kind, detail="as seen"),))
    (finding,) = LossMismatch().check(patient)
    assert finding.severity == severity
    assert finding.evidence.endswith("(as seen)")


@pytest.mark.parametrize("stage", ["input", "parameter", "forward", "loss", "backward"])
def test_every_stage_has_its_cure(stage):
    broken = NonFinite(stage=stage, operation="div", layer="", kind="inf", num_values=3, largest_input=2.0)
    (finding,) = NonFiniteValues().check(evidence(nonfinite=broken))
    assert finding.where == "div"
    assert finding.evidence == f"infinity in 3 values of `div` ({stage}), largest input 2"


@pytest.mark.parametrize(
    ("names", "routed", "expected"),
    [
        (["spare.weight", "spare.bias"], False, [("spare", "warning")]),
        (["block.a.fc.weight", "block.a.out.weight"], False, [("block.a", "warning")]),
        (["block.mixer.norm.weight"], False, [("block.mixer.norm", "warning")]),
        (["experts.1.weight"], True, [("experts.1", "info")]),
        (["mask_token"], False, [("mask_token", "info")]),
        (["b.weight", "a.weight"], False, [("b", "warning"), ("a", "warning")]),
        (["detached.weight"], False, [("detached", "warning")]),
    ],
)
def test_unused_parameters_are_named_by_their_module(names, routed, expected):
    used = ("block.mixer.fc", "experts.0", "detached")
    unused = tuple(UnusedParameter(name=name, routed=routed) for name in names)
    patient = evidence(layers=tuple(layer(name) for name in used), unused=unused)
    assert [(f.where, f.severity) for f in UnusedParameters().check(patient)] == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"value": 2.5}, []),
        ({"value": 4.4}, []),
        ({"value": 5.0}, ["warning"]),
        ({"value": 13.0}, ["error"]),
        ({"value": 1e-3}, []),
        ({"value": 1.6, "expected": 0.69, "num_classes": 2}, []),
        ({"value": 1.8, "expected": 0.69, "num_classes": 2}, ["warning"]),
        ({"name": "mse_loss", "value": 5.0, "expected": 1.0, "num_classes": 0}, []),
        ({"name": "mse_loss", "value": 4e4, "expected": 1.0, "num_classes": 0}, ["warning"]),
        ({"name": "mse_loss", "value": 5e6, "expected": 1e6, "num_classes": 0}, []),
        ({"name": "mse_loss", "value": 1.0, "expected": 0.0, "num_classes": 0}, []),
    ],
)
def test_first_losses(fields, expected):
    assert severities(InitialLoss().check(with_loss(evidence(), **fields))) == expected


def test_a_step_belongs_to_the_layer_between():
    """A residual sum is named after the layer that makes it, an input after the layer that reads it."""
    names = [("a", "input"), ("b", "sum"), ("c", "sum"), ("d", "input")]
    for cliff, where in ((1, "b"), (2, "c"), (3, "d")):
        points = [point(n, kind=kind, gradient_norm=1.0 if i >= cliff else 1e-8) for i, (n, kind) in enumerate(names)]
        (finding,) = VanishingGradient().check(evidence(trunk=tuple(points)))
        assert finding.where == where


def test_a_trunk_of_two_steps_is_not_judged_to_explode():
    steep = evidence(2, each=along(gradient_norm=1e-4))
    assert ExplodingGradient().check(steep) == NotApplicable("the trunk has fewer than 3 steps, so nothing compounds")


def test_a_hidden_weight_that_starts_at_zero_and_learns_is_no_vanishing_gradient():
    patient = evidence(12, each=lambda i: {"point": {"gradient_norm": 0.1 * (i > 5)}})
    layers = list(patient.layers)
    layers[5] = dataclasses.replace(layers[5], weight_rms=0.0, weight_gradient_rms=0.1)
    expected = NotApplicable("`layer5` starts at zero, so no gradient passes it in the first step")
    assert VanishingGradient().check(dataclasses.replace(patient, layers=tuple(layers))) == expected
    layers[5] = dataclasses.replace(layers[5], weight_gradient_rms=0.0)
    stuck = VanishingGradient().check(dataclasses.replace(patient, layers=tuple(layers)))
    assert severities(stuck) == ["error"], "negative control: it never learns"


def test_copies_are_a_warning_and_twins_an_error():
    assert severities(SymmetricUnits().check(with_layers(evidence(), copied_fraction=0.9)))[0] == "warning"
    assert severities(SymmetricUnits().check(with_layers(evidence(), identical_fraction=0.9)))[0] == "error"
    assert SymmetricUnits().check(with_layers(evidence(), copied_fraction=0.4)) == ()


def test_saturated_steps_of_an_unrolled_network_are_no_branch():
    inside = with_layers(evidence(), saturated_fraction=0.9, in_branch=True)
    assert set(severities(SaturatedUnits().check(inside))) == {"info"}
    assert "warning" in severities(SaturatedUnits().check(with_layers(inside, num_calls=12)))


def test_a_bias_that_cancels_is_information():
    cancels = dataclasses.replace(evidence(), unused=(UnusedParameter(name="layer1.bias"),))
    assert severities(UnusedParameters().check(cancels)) == ["info"]
    whole = (UnusedParameter(name="layer1.weight"), UnusedParameter(name="layer1.bias"))
    assert severities(UnusedParameters().check(dataclasses.replace(cancels, unused=whole))) == ["warning"]
