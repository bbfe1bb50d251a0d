"""How much a quantity changes from end to end: before the output, the way it runs, and what is left out."""

import math
from dataclasses import replace

import pytest

from justfit.report._trunk import change, change_words, inside
from tests.unit.report import checkups


def trunk(*ends, **changes):
    """Points from (rms, gradient norm) pairs; the last is the network's output."""
    points = tuple(checkups.point(k, rms, gradient, **changes) for k, (rms, gradient) in enumerate(ends))
    return (*points[:-1], replace(points[-1], kind="output"))


def test_the_output_is_not_compared():
    for output in (0.0, 0.1, 1e30, math.inf, math.nan):
        points = trunk((1.0, 0.2), (2.0, 0.1), (4.0, 0.05), (output, output))
        assert change(points, "signal").ratio == 4.0
        assert change(points, "gradient").ratio == 4.0
    assert len(inside(points)) == 3


def test_of_two_places_the_output_is_one():
    points = trunk((1.0, 0.5), (2.0, 0.25))
    assert inside(points) == points
    assert change(points, "signal").ratio == change(points, "gradient").ratio == 2.0
    assert math.isnan(change(points[:1], "signal").ratio)


def test_a_gradient_that_stops_at_the_output_layer_is_lost():
    stopped = change(trunk((1.0, 0.0), (1.0, 0.0), (1.0, 0.3)), "gradient")
    assert stopped.ratio == 0.0
    assert change_words(stopped, "gradient") == "Nothing is left of the gradient on its way back to the first place"


@pytest.mark.parametrize("output", [0.0, math.nan])
def test_a_gradient_that_never_was_is_not_lost(output):
    never = change(trunk((1.0, 0.0), (1.0, 0.0), (1.0, output)), "gradient")
    assert math.isnan(never.ratio)
    assert change_words(never, "gradient") == "The gradient is 0 where it starts"


def test_a_signal_of_zeros_is_not_lost_on_the_way():
    points = trunk((0.0, 0.3), (0.0, 0.3), (0.0, 0.3))
    assert math.isnan(change(points, "signal").ratio)
    assert change_words(change(points, "signal"), "signal") == "The signal is 0 where it starts"


def test_normalised_places_are_left_out_while_two_others_are_there():
    points = trunk((1.0, 0.1), (9.0, 0.1), (3.0, 0.1), (1.0, 0.1))
    mixed = (points[0], replace(points[1], normalised=True), points[2], points[3])
    assert change(mixed, "signal").ratio == 3.0
    swapped = (points[0], points[2], replace(points[1], normalised=True), points[3])
    assert change(swapped, "signal").ratio == 3.0, "the last place is normalised"
    measured = change(trunk((1.0, 0.1), (9.0, 0.1), (1.0, 0.1), normalised=True), "signal")
    assert measured.harmless
    assert measured.ratio == 9.0
