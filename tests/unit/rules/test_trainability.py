"""Invariants of the score; its numbers are the benchmark's."""

import itertools
import math

import pytest

from justfit.records import NonFinite
from justfit.rules import trainability
from tests.unit.rules.signals import NAN, along, evidence, with_trunk


def of_gain(factor, depth=12):
    return trainability(evidence(depth, each=along(gradient_norm=factor)))


def of_rank(last, depth=12):
    return trainability(evidence(depth, each=lambda i: {"point": {"effective_rank": 12.0 if i < depth else last}}))


def test_a_network_that_keeps_everything_scores_one():
    result = trainability(evidence())
    assert (result.score, result.rank_part, result.gradient_part, result.limited_by) == (1.0, 1.0, 1.0, "")
    assert result.probability > 0.9


@pytest.mark.parametrize(
    ("factor", "rank"), list(itertools.product([1e-9, 0.3, 1.0, 1.5, 1e9], [0.0, 1.0, 6.0, 12.0, 40.0]))
)
def test_all_parts_lie_between_zero_and_one(factor, rank):
    def change(i):
        return {"point": {"gradient_norm": factor**i, "effective_rank": rank if i else 12.0}}

    result = trainability(evidence(each=change))
    parts = (result.score, result.probability, result.rank_part, result.gradient_part)
    assert all(0 <= part <= 1 for part in parts)
    assert bool(result.limited_by) == (result.score < result.threshold)


def test_more_rank_is_never_worse():
    scores = [of_rank(rank).score for rank in (0.0, 1.0, 3.0, 9.0, 12.0, 30.0)]
    assert scores == sorted(scores)
    assert scores[0] == 0 < scores[1] < scores[-1] == 1


def test_a_gradient_that_changes_more_is_never_better_and_both_directions_count_the_same():
    factors = (1.0, 1.1, 1.5, 3.0, 1e3)
    scores = [of_gain(factor).score for factor in factors]
    assert scores == sorted(scores, reverse=True)
    assert scores == pytest.approx([of_gain(1 / factor).score for factor in factors])


def test_the_probability_grows_with_the_score_and_is_one_half_at_the_threshold():
    results = sorted((of_rank(rank / 4) for rank in range(48)), key=lambda result: result.score)
    assert [r.probability for r in results] == sorted(r.probability for r in results)
    at_threshold = of_rank(12.0 * results[0].threshold)
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
    assert trainability(narrow).rank_part == 1


def test_what_limits_is_said():
    assert of_gain(1e3).limited_by.startswith("∂L/∂activation changes")
    assert of_rank(1.0).limited_by == "effective rank 1 at `head` of 12 at `layer0`"


def test_nan_does_not_train():
    broken = NonFinite(stage="loss", operation="log", layer="head", kind="inf", num_values=1)
    result = trainability(evidence(nonfinite=broken))
    assert (result.score, result.probability, result.limited_by) == (0.0, 0.0, "NaN or infinity in `log`")
