"""Invariants of the score; its numbers are the benchmark's."""

import dataclasses
import itertools
import math

import pytest

from justfit.records import NonFinite
from justfit.rules import trainability
from justfit.rules._trainability import CHAOS_DECADES, ENERGY, NORMALISED_DECADES
from tests.unit.rules.signals import NAN, along, evidence, with_layers, with_trunk

HEALTHY = trainability(evidence())


def of_gain(factor, depth=12, **others):
    """The gradient falls by a factor a step in order of execution: it grows that much on its way back."""
    return trainability(evidence(depth, each=along(gradient_norm=1 / factor, **others)))


def of_rank(last, depth=12, name="effective_rank"):
    return trainability(evidence(depth, each=lambda i: {"point": {name: 12.0 if i < depth else last}}))


def of_energy(share, **fields):
    return trainability(evidence(each=lambda i: {"point": {"sample_energy": share} if i >= 11 else {}}, **fields))


def test_a_network_that_keeps_everything_scores_about_one():
    assert (HEALTHY.gradient_part, HEALTHY.limited_by) == (1.0, "")
    assert HEALTHY.score == HEALTHY.rank_part == pytest.approx(0.6 / (0.6 + ENERGY))  # the share that differs is 0.6
    assert HEALTHY.probability > 0.9


@pytest.mark.parametrize(
    ("factor", "rank"), list(itertools.product([1e-9, 0.3, 1.0, 1.5, 1e9], [0.0, 1.0, 6.0, 12.0, 40.0]))
)
def test_all_parts_lie_between_zero_and_one(factor, rank):
    def change(i):
        return {"point": {"gradient_norm": factor**i, "rms": factor**-i, "effective_rank": rank if i else 12.0}}

    result = trainability(evidence(each=change))
    parts = (result.score, result.probability, result.rank_part, result.gradient_part)
    assert all(0 <= part <= 1 for part in parts)
    assert result.score == result.rank_part * result.gradient_part
    assert bool(result.limited_by) == (result.score < result.threshold)


@pytest.mark.parametrize("name", ["effective_rank", "nuclear_rank"])
def test_more_rank_is_never_worse(name):
    scores = [of_rank(rank, name=name).score for rank in (0.0, 1.0, 3.0, 9.0, 12.0, 30.0)]
    assert scores == sorted(scores)
    assert scores[0] == 0 < scores[1] < scores[-1] == HEALTHY.score


def test_small_directions_count_where_they_were_measured():
    """Few directions hold most of the energy, many a little: the nuclear rank sees both."""
    ends = {0: {"nuclear_rank": 40.0}, 12: {"nuclear_rank": 40.0, "effective_rank": 1.0}}
    assert trainability(evidence(each=lambda i: {"point": ends.get(i, {})})).score == HEALTHY.score
    one_end = {12: ends[12]}  # two measures are not compared with each other
    assert trainability(evidence(each=lambda i: {"point": one_end.get(i, {})})).score == of_rank(1.0).score


def test_more_energy_of_the_differences_is_never_worse():
    scores = [of_energy(share).score for share in (0.0, 1e-12, 1e-4, 1e-2, 0.5, 1.0)]
    assert scores == sorted(scores)
    assert scores[0] == 0
    assert scores[-1] == pytest.approx(1 / 1.03)


def test_differences_of_the_size_of_roundings_are_none():
    half = of_energy(1e-5, unit_roundoff=2.0**-8)  # bfloat16
    assert half.score < 0.02 * of_energy(1e-5, unit_roundoff=2.0**-52).score


@pytest.mark.parametrize(
    "factors",
    [
        [{}, {"factor": 0.9}, {"factor": 0.5}, {"factor": 0.1}, {"factor": 1e-9}],
        [{}, {"factor": 1.1}, {"factor": 1.3}, {"factor": 2.0}, {"factor": 1e9}],
        [{}, {"factor": 1.1, "rms": 1.1}, {"factor": 1.5, "rms": 1.5}, {"factor": 3.0, "rms": 3.0}],
    ],
    ids=["vanishing", "chaos", "common growth"],
)
def test_a_gradient_that_changes_more_is_never_better(factors):
    scores = [of_gain(**{"factor": 1.0, **fields}).score for fields in factors]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


@pytest.mark.parametrize("factor", [1.2, 1.5, 2.0])
def test_chaos_is_worst_vanishing_next_and_growth_with_the_signal_is_mended_by_clipping(factor):
    chaos, vanishing, common = of_gain(factor), of_gain(1 / factor), of_gain(factor, rms=factor)
    assert chaos.score < vanishing.score < 1
    assert chaos.score < common.score < 1 or factor < 1.5


def test_chaos_does_less_harm_where_normalisations_free_the_scale_of_most_weights():
    plain = evidence(each=along(gradient_norm=1 / 1.5))
    decades = 12 * math.log10(1.5)
    assert trainability(plain).gradient_part == pytest.approx(math.exp(-((decades / CHAOS_DECADES) ** 2)))
    for free in (with_trunk(plain, normalised=True), with_layers(plain, normalised=True)):
        assert trainability(free).gradient_part == pytest.approx(math.exp(-decades / NORMALISED_DECADES))
    few = evidence(each=lambda i: {**along(gradient_norm=1 / 1.5)(i), "layer": {"normalised": i < 6}})
    assert trainability(few).gradient_part == trainability(plain).gradient_part, "half of the layers are not most"
    vanishing = evidence(each=along(gradient_norm=1.5))
    assert trainability(with_trunk(vanishing, normalised=True)).gradient_part == trainability(vanishing).gradient_part


def test_a_signal_that_grows_alone_is_not_the_gradients_matter():
    assert of_gain(1.0, rms=3.0).gradient_part == 1
    assert of_gain(0.5, rms=3.0).gradient_part == of_gain(0.5).gradient_part


def test_the_probability_grows_with_the_score_and_is_one_half_at_the_threshold():
    results = sorted((of_rank(rank / 4) for rank in range(48)), key=lambda result: result.score)
    assert [r.probability for r in results] == sorted(r.probability for r in results)
    at_threshold = of_rank(12.0 * results[0].threshold / HEALTHY.score)
    assert at_threshold.probability == pytest.approx(0.5)


@pytest.mark.parametrize("field", ["effective_rank", "gradient_norm"])
def test_what_was_not_measured_gives_no_score(field):
    result = trainability(with_trunk(evidence(), **{field: NAN}))
    assert math.isnan(result.score)
    assert math.isnan(result.probability)
    assert result.limited_by == ""


def test_no_gradient_at_the_end_is_no_evidence_and_none_at_the_start_is_the_worst():
    assert math.isnan(trainability(with_trunk(evidence(), gradient_norm=0.0)).score)
    first = trainability(evidence(each=lambda i: {"point": {"gradient_norm": 0.1 * (i > 5)}}))
    assert first.score == 0
    assert "∂L/∂activation changes 0x from `head` back to `layer0`" in first.limited_by


def test_a_narrow_last_layer_is_asked_for_no_more_than_its_width():
    narrow = evidence(each=lambda i: {"point": {"width": 2, "effective_rank": 2.0} if i == 12 else {}})
    assert trainability(narrow).rank_part == HEALTHY.rank_part


def test_the_output_is_not_looked_at():
    patient = evidence()
    *inner, output = patient.trunk
    narrow = dataclasses.replace(output, effective_rank=1.0, gradient_norm=1e9, sample_energy=0.0)
    assert trainability(dataclasses.replace(patient, trunk=(*inner, narrow))) == HEALTHY


def test_what_limits_is_said():
    assert of_gain(1e3).limited_by.startswith("∂L/∂activation changes")
    assert of_rank(1.0).limited_by == (
        "examples differ in 1 directions at `head` of 12 at `layer0`, and in 0.6 of the activations' energy"
    )


def test_nan_does_not_train():
    broken = NonFinite(stage="loss", operation="log", layer="head", kind="inf", num_values=1)
    result = trainability(evidence(nonfinite=broken))
    assert (result.score, result.probability, result.limited_by) == (0.0, 0.0, "NaN or infinity in `log`")
