"""Rules that read the layers' series, in the corners that the contract does not reach."""

import dataclasses
import math

import pytest

from justfit.records import FirstFailure
from justfit.rules import (
    DeadInTraining,
    ExplodingInTraining,
    NonFiniteInTraining,
    NotApplicable,
    ParametersUnchanged,
    SaturatedInTraining,
    UpdatesTooLarge,
    UpdatesTooSmall,
    VanishingInTraining,
    judge_watch,
)
from justfit.rules._motion import clipped_to, motions, shrinking, summed
from tests.unit.rules.runs import NAN, STEPS, bins, losses, optimizer, run, with_layers

NUM = len(STEPS)


def flat(_):
    return 2.3


def severities(outcome):
    return [finding.severity for finding in outcome]


@pytest.mark.parametrize(("first", "last", "expected"), [(0.01, 0.01, 4.0), (1.0, 1 / 400, 1 + math.log(400))])
def test_movement_is_summed_between_samples(first, last, expected):
    """What stays as it is, and what decays as 1/t."""
    assert summed((1, 400), (first, last), 400) == pytest.approx(expected, abs=0.6)


def test_movement_of_zero_and_beyond_the_last_sample():
    assert summed((1, 101), (0.0, 0.0), 400) == 0
    assert summed((1, 3), (0.0, 0.2), 3) == pytest.approx(0.3)
    assert summed((1,), (0.01,), 200) == pytest.approx(2.0)


def test_only_layers_that_are_trained_move():
    patient = run(at={0: {"num_trainable": 0}, 1: {"optimizer": -1}, 2: {"update_norm": NAN}})
    assert [one.layer.name for one in motions(patient)] == ["layer3", "layer4", "layer5", "head"]


def test_a_weight_of_zero_has_no_ratio():
    one = motions(run(at={0: {"weight_norm": [0.0] + [0.1] * (NUM - 1)}}))[0]
    assert math.isnan(one.gradients[0])
    assert one.updates[0] == 1.0
    assert math.isfinite(one.gradient)


def test_clipping_and_shrinking():
    assert clipped_to(motions(run(each=lambda _: {"clipped_gradient_norm": 0.003}))) == pytest.approx(0.01)
    assert clipped_to(motions(run(each=lambda _: {"clipped_gradient_norm": NAN}))) == 1.0
    assert not shrinking(run())
    assert shrinking(run(each=lambda _: {"weight_norm": [8.0 * 0.5**i for i in range(NUM)]}))


def vanishing(i):
    return {key: 0.3 * math.exp(1.5 * (i - 6)) for key in ("gradient_norm", "update_norm")}


def test_vanishing_counts_the_layers_that_are_behind():
    (finding,) = VanishingInTraining().check(run(level=flat, each=vanishing))
    assert finding.value == pytest.approx(9.0)
    assert "3 of 7 layers are behind" in finding.evidence or "2 of 7 layers are behind" in finding.evidence
    assert finding.source == "net.py:6"


def test_an_optimizer_that_makes_up_for_the_gradient_is_healthy():
    """Adam moves every layer by as much, however small its gradient."""
    assert VanishingInTraining().check(run(each=lambda i: {"gradient_norm": vanishing(i)["gradient_norm"]})) == ()


def test_a_first_layer_that_was_moved_far_has_not_vanished():
    patient = run(each=lambda i: {**vanishing(i), "update_norm": 0.02 if i == 0 else 4.0})
    assert VanishingInTraining().check(patient) == ()


def test_a_gradient_of_exactly_zero_is_an_error():
    nothing = {"gradient_norm": 0.0, "update_norm": 0.0, "clipped_gradient_norm": 0.0}
    patient = run(level=flat, at={0: nothing, 1: nothing})
    (finding,) = VanishingInTraining().check(patient)
    assert (finding.severity, finding.value) == ("error", math.inf)
    assert "2 of 7 layers get none" in finding.evidence
    assert [one.code for one in judge_watch(patient)[0]].count("JF415") == 2


@pytest.mark.parametrize("tail", [[300.0, 0.3], [0.3, 300.0], [300.0, 0.3, 0.3]])
def test_single_spikes_of_the_gradient_are_none(tail):
    series = [0.3] * (NUM - len(tail)) + tail
    assert ExplodingInTraining().check(run(level=flat, at={2: {"gradient_norm": series}})) == ()


def test_growth_of_a_gradient_while_the_loss_falls_is_information():
    """A network that leaves a saddle."""
    patient = run(at={2: {"gradient_norm": [0.001] * 6 + [0.3] * 6}})
    assert severities(ExplodingInTraining().check(patient)) == ["info"]


def test_a_growing_gradient_names_its_first_step():
    (finding,) = ExplodingInTraining().check(run(level=flat, at={2: {"gradient_norm": [0.3] * 8 + [300.0] * 4}}))
    assert finding.since == STEPS[8]
    assert finding.value == pytest.approx(math.log(1000))


def test_activations_that_grow_from_layer_to_layer():
    growing = run(each=lambda i: {"activation_rms": 5.0**i if i < 6 else NAN})
    (finding,) = ExplodingInTraining().check(growing)
    assert (finding.where, finding.unit) == ("layer5", "e-foldings a layer")
    assert finding.value == pytest.approx(math.log(5))
    assert ExplodingInTraining().check(with_layers(growing, normalised=True)) == ()
    assert ExplodingInTraining().check(run(each=lambda i: {"activation_rms": 2.0**i if i < 6 else NAN})) == ()


@pytest.mark.parametrize(
    ("rule", "name"), [(DeadInTraining, "dead_fraction"), (SaturatedInTraining, "saturated_fraction")]
)
def test_shares_are_those_of_the_later_samples(rule, name):
    assert rule().check(run(at={2: {name: [0.99] * 6 + [0.2] * 6}})) == ()
    assert rule().check(run(at={2: {name: [0.2] * 11 + [0.99]}})) == ()
    (finding,) = rule().check(run(at={2: {name: [0.2] * 4 + [0.99] * 8}}))
    assert (finding.where, finding.since) == ("layer2", STEPS[4])


def test_a_layer_that_is_dead_altogether_is_an_error():
    assert severities(DeadInTraining().check(run(at={2: {"dead_fraction": 1.0}}))) == ["error"]


def test_an_output_may_saturate():
    patient = with_layers(run(at={5: {"saturated_fraction": 0.99}}), is_output=True)
    assert isinstance(SaturatedInTraining().check(patient), NotApplicable)


def test_updates_lost_to_rounding():
    tiny = {"each": lambda _: {"update_norm": 4e-7}}
    assert severities(UpdatesTooSmall().check(run(level=flat, **tiny))) == ["warning"]
    assert severities(UpdatesTooSmall().check(run(**tiny))) == ["info"]
    fine = dataclasses.replace(run(each=lambda _: {"update_norm": 4e-3}), unit_roundoff=1.2e-7)
    assert UpdatesTooSmall().check(fine) == ()


def test_updates_too_small_names_the_clipping():
    tiny = {"update_norm": 8e-6, "gradient_norm": 0.02, "clipped_gradient_norm": 2e-5}
    (finding,) = UpdatesTooSmall().check(run(level=flat, each=lambda _: tiny))
    assert finding.cure == "Raise the norm that gradients are clipped to: clipping leaves 0.001 of them."


def test_updates_too_small_without_a_loss_are_information():
    patient = dataclasses.replace(run(each=lambda _: {"update_norm": 8e-6}), losses=bins([]))
    assert severities(UpdatesTooSmall().check(patient)) == ["info"]


def test_updates_are_not_judged_after_a_few_steps():
    few = run(
        values=losses(flat, num_steps=60), optimizers=(optimizer(num_steps=60),), each=lambda _: {"update_norm": 0}
    )
    assert UpdatesTooSmall().check(few) == NotApplicable("only 60 steps were taken, 100 are needed")


def test_large_updates_of_the_first_steps_do_not_count():
    fields = {"update_norm": 6.0}
    sampled = optimizer(steps=STEPS[:3], learning_rate=(0.1,) * 3)
    patient = run(each=lambda _: fields, optimizers=(sampled,))
    assert UpdatesTooLarge().check(patient) == NotApplicable("no step but the first ones was sampled")
    assert UpdatesTooLarge().check(run(each=lambda _: {"update_norm": [6.0] * 5 + [0.05] * 7})) == ()


def test_one_restless_layer_is_none():
    assert UpdatesTooLarge().check(run(at={1: {"update_norm": 6.0}})) == ()


def test_more_than_three_layers_are_counted():
    findings = [one for one in judge_watch(run(each=lambda _: {"update_norm": 6.0}))[0] if one.code == "JF408"]
    assert len(findings) == 3
    assert findings[-1].evidence.endswith("and 4 more layers")


def test_findings_can_be_left_out():
    patient = run(at={1: {"dead_fraction": 1.0}, 3: {"dead_fraction": 1.0}})
    findings, _ = judge_watch(patient, lambda code, where: where != "layer1")
    assert [one.where for one in findings if one.code == "JF405"] == ["layer3"]


@pytest.mark.parametrize(("gradient", "severity"), [((0.4,), "warning"), ((), "info")])
def test_a_layer_that_no_optimizer_holds(gradient, severity):
    patient = run(at={1: {"optimizer": -1, "update_norm": (), "gradient_norm": gradient, "weight_norm": ()}})
    (finding,) = ParametersUnchanged().check(patient)
    assert (finding.where, finding.severity) == ("layer1", severity)


def test_frozen_layers_are_none():
    nothing = {"num_trainable": 0, "optimizer": -1, "gradient_norm": NAN, "update_norm": NAN}
    assert ParametersUnchanged().check(run(at={0: nothing, 1: nothing})) == ()


@pytest.mark.parametrize(
    ("gradient", "severity", "words"),
    [(0.0, "warning", "its gradient is zero"), (0.3, "warning", "lost in rounding"), (NAN, "info", "no gradient came")],
)
def test_updates_of_zero_and_why(gradient, severity, words):
    (finding,) = ParametersUnchanged().check(run(at={1: {"update_norm": 0.0, "gradient_norm": gradient}}))
    assert (finding.where, finding.severity) == ("layer1", severity)
    assert words in finding.evidence


def test_steps_with_a_learning_rate_of_zero_do_not_count():
    patient = run(at={1: {"update_norm": 0.0}}, optimizers=(optimizer(learning_rate=(0.0,) * NUM),))
    assert ParametersUnchanged().check(patient) == ()


@pytest.mark.parametrize("cause", ["nan", "inf"])
def test_the_first_failure_is_told(cause):
    values = [*losses(num_steps=200), *[NAN] * 200]
    failure = FirstFailure(
        cause=cause, stage="backward", step=201, epoch=3, operation="sqrt", batch=4, source="net.py:7"
    )
    (finding,) = NonFiniteInTraining().check(run(values=values, first_failure=failure))
    assert (finding.where, finding.since, finding.source) == ("network", 201, "net.py:7")
    assert finding.value >= 199
    assert finding.evidence == (
        f"{'NaN' if cause == 'nan' else 'infinity'} first of `sqrt` (backward) at step 201, batch 4; the weights were "
        "not yet updated with it"
    )
    assert finding.cure.startswith("Look for a root")


def test_losses_that_end_are_no_longer_finite():
    (finding,) = NonFiniteInTraining().check(run(values=[*losses(num_steps=119), *[NAN] * 121]))
    assert (finding.severity, finding.since, finding.where) == ("error", 120, "network")
    assert finding.evidence == "no loss is finite from step 120 on, after every loss before was"


@pytest.mark.parametrize("gaps", [[399], [5, 50, 399], list(range(3, 400, 7))])
def test_losses_that_are_missing_here_and_there_were_not_given(gaps):
    values = losses()
    for gap in gaps:
        values[gap] = NAN
    assert NonFiniteInTraining().check(run(values=values)) == ()


def test_zeros_that_weights_begin_with_stop_the_first_gradients_only():
    """Residual branches and heads that begin at zero, sampled at the first two steps and never again."""
    nothing = {"gradient_norm": [0.0, 0.0], "update_norm": [0.0, 0.0], "clipped_gradient_norm": [0.0, 0.0]}
    trace = optimizer(steps=(1, 2), learning_rate=(0.1, 0.1))
    healthy = run(at={0: nothing}, optimizers=(trace,))
    assert VanishingInTraining().check(healthy) == ParametersUnchanged().check(healthy) == ()
    stuck = run(at={0: nothing}, optimizers=(trace,), level=flat)
    assert severities(VanishingInTraining().check(stuck)) == ["error"]
    assert severities(ParametersUnchanged().check(stuck)) == ["warning"]


def test_a_vanishing_gradient_that_adam_makes_up_for_shows_in_the_loss():
    small = {"each": lambda i: {"gradient_norm": vanishing(i)["gradient_norm"]}}
    assert severities(VanishingInTraining().check(run(level=lambda s: 0.64 + 0.3 * math.exp(-60 * s), **small))) == [
        "warning"
    ]
    assert VanishingInTraining().check(run(**small)) == ()


def test_activations_that_grow_in_all_count_where_the_first_loss_is_blown_up():
    growing = {"each": lambda i: {"activation_rms": 2.6**i if i < 6 else NAN}}
    (finding,) = ExplodingInTraining().check(run(level=lambda s: 0.5 + 900 * math.exp(-60 * s), **growing))
    assert (finding.unit, finding.value) == ("e-foldings", pytest.approx(5 * math.log(2.6)))
    assert ExplodingInTraining().check(run(**growing)) == ()


def test_a_divergence_is_no_nan():
    assert (
        NonFiniteInTraining().check(run(first_failure=FirstFailure(cause="divergence", stage="loss", step=9, epoch=1)))
        == ()
    )


def test_an_infinite_norm_that_nobody_reported():
    patient = run(at={3: {"weight_norm": [8.0] * 9 + [math.inf] * 3}})
    (finding,) = NonFiniteInTraining().check(patient)
    assert (finding.where, finding.since) == ("layer3", STEPS[9])
