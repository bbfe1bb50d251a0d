"""The record of the lab: what it refuses."""

from dataclasses import replace

import pytest

from justfit.errors import ArgumentError
from justfit.records import LabRecord, LabSeries, from_json, to_json
from tests.unit.report.labs import CLAIM, healthy, refuted


def test_a_record_comes_back_from_json():
    text = to_json(healthy())
    back = from_json(LabRecord, text)
    assert to_json(back) == text
    assert back.refuted == ("C2",)
    assert back.schema_version == "justfit.lab/1"


@pytest.mark.parametrize("claim", [replace(refuted(CLAIM), id="C2"), CLAIM])
def test_a_mark_that_the_numbers_deny_is_refused(claim):
    other = "confirmed" if claim.mark == "refuted" else "refuted"
    message = r"A claim must be refuted exactly where a number that must hold lies outside its range\. Found C\d marked"
    with pytest.raises(ArgumentError, match=message):
        replace(claim, mark=other)


def test_a_claim_without_numbers_is_refused():
    with pytest.raises(ArgumentError, match=r"Found C1 marked 'confirmed' by 0 numbers"):
        replace(CLAIM, measurements=(), mark="confirmed")


@pytest.mark.parametrize(
    "series", [{"x": (1.0,), "y": (1.0, 2.0)}, {"x": (1.0,), "y": (1.0,), "standard_error": (1.0, 2.0)}]
)
def test_series_of_different_lengths_are_refused(series):
    with pytest.raises(ArgumentError, match=r"must have the same length\. Found 1, \d and \d in `loss`"):
        LabSeries(name="loss", **series)
