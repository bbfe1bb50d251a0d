import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from justfit.errors import StoredModelError
from justfit.records import Curve, Finding, FitResult, PathPoint, SweepRecord, from_dict, from_json, to_dict, to_json
from tests.unit.records.samples import FINDING, RESULT, SWEEP

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ANY_FLOAT = st.floats()


@given(st.builds(Finding, value=FINITE, threshold=FINITE))
def test_round_trip_gives_the_same_finding(finding):
    assert from_json(Finding, to_json(finding)) == finding


LOSSES = dict.fromkeys(
    ("train_loss", "train_loss_se", "validation_loss", "validation_loss_se"), st.lists(FINITE).map(tuple)
)


@given(st.builds(Curve, l2=FINITE, dropout=FINITE, **LOSSES))
def test_round_trip_keeps_tuples(curve):
    assert from_json(Curve, to_json(curve)) == curve


@given(st.builds(PathPoint, l2=ANY_FLOAT, weight_sum_squares=ANY_FLOAT, active_fraction=ANY_FLOAT))
def test_only_non_finite_numbers_change_and_become_null(point):
    data = to_dict(point)
    back = from_json(PathPoint, to_json(point))
    for name in data:
        before, after = getattr(point, name), getattr(back, name)
        assert (data[name] is None) == (not math.isfinite(before))
        assert after == before if math.isfinite(before) else math.isnan(after)


def test_round_trip_of_a_whole_result():
    text = to_json(RESULT)
    assert to_json(from_json(FitResult, text)) == text
    assert from_json(FitResult, text).dataset == RESULT.dataset
    assert from_json(FitResult, text).test == RESULT.test
    assert "NaN" not in text
    assert "λ" in text


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(PLAIN)
def test_text_is_json_of_the_same_value(value):
    assert json.loads(to_json(value)) == value


@given(PLAIN)
def test_without_lists_of_numbers_it_is_the_json_of_the_standard_library(value):
    def worded(part):
        if isinstance(part, list):
            return [*map(worded, part), "end"] if part else part
        return {key: worded(inner) for key, inner in part.items()} if isinstance(part, dict) else part

    assert to_json(worded(value)) == json.dumps(worded(value), indent=2, ensure_ascii=False)


def test_a_list_of_numbers_stands_on_one_line():
    assert to_json({"rows": [[0.5, None, 2], [True, 1e-9]], "words": ["a"]}) == (
        '{\n  "rows": [\n    [0.5, null, 2],\n    [true, 1e-09]\n  ],\n  "words": [\n    "a"\n  ]\n}'
    )


def test_a_sweep_stored_before_its_networks_were_opened_is_read():
    data = to_dict(SWEEP)
    del data["explored"]
    assert from_dict(SweepRecord, data).explored is None
    assert from_dict(SweepRecord, data).path == SWEEP.path


def test_a_diverged_cell_is_null():
    data = to_dict(SWEEP)
    assert data["validation_loss"][0] == [0.32, 0.25, None]
    assert math.isnan(from_dict(SweepRecord, data).validation_loss[0][2])


def test_whole_numbers_are_read_as_floats():
    value = from_dict(Finding, {**to_dict(FINDING), "value": 2}).value
    assert value == 2.0
    assert type(value) is float


def test_a_default_may_be_left_out():
    data = to_dict(RESULT)
    del data["schema_version"]
    assert from_dict(FitResult, data).schema_version == RESULT.schema_version


def test_new_fields_come_back_and_may_be_missing_in_older_files():
    assert from_json(FitResult, to_json(RESULT)).command == ("justfit", "fit", "digits", "--quick")
    assert from_json(FitResult, to_json(RESULT)).interruption == "the time budget ended after epoch 3 of 60"
    assert from_json(FitResult, to_json(RESULT)).test.constant_score == 0.11
    data = to_dict(RESULT)
    del data["command"], data["interruption"], data["test"]["constant_score"]
    older = from_dict(FitResult, data)
    assert (older.command, older.interruption) == ((), "")
    assert math.isnan(older.test.constant_score)


def changed(**changes):
    return {**to_dict(FINDING), **changes}


def without(name):
    data = to_dict(FINDING)
    del data[name]
    return data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (without("cure"), "`Finding` must have the form .* Found missing or unknown fields cure"),
        (changed(colour="red"), "Found missing or unknown fields colour"),
        (changed(name=3), "`Finding.name` must have the form .* Found a value of type int"),
        (changed(value="0.3"), "`Finding.value` must .* Found a value of type str"),
        (changed(value=True), "`Finding.value` must .* Found a value of type bool"),
        (changed(severity="fatal"), "`Finding.severity` must .* Found a value of type str"),
        (changed(name=None), "`Finding.name` must .* Found a value of type NoneType"),
        ([], "`Finding` must .* Found a value of type list"),
    ],
)
def test_a_wrong_field_is_named(data, message):
    with pytest.raises(StoredModelError, match=message + r".* Write the record again"):
        from_dict(Finding, data)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("sweep", "l2"), [0.0, "x"], r"`FitResult.sweep.l2\[1\]` must .* Found a value of type str"),
        (("sweep", "best"), [1, 2, 3], r"`FitResult.sweep.best` must .* Found a value of type list"),
        (("sweep", "best"), [1, 2.0], r"`FitResult.sweep.best\[1\]` must .* Found a value of type float"),
        (("sweep", "helps"), 1, "`FitResult.sweep.helps` must .* Found a value of type int"),
        (("sweep", "num_folds"), True, "`FitResult.sweep.num_folds` must .* Found a value of type bool"),
        (("verdict", "probabilities"), [], "`FitResult.verdict.probabilities` must .* Found a value of type list"),
        (("versions", "torch"), 2, "`FitResult.versions.torch` must .* Found a value of type int"),
    ],
)
def test_a_wrong_value_is_found_at_any_depth(path, value, message):
    data = to_dict(RESULT)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(StoredModelError, match=message):
        from_dict(FitResult, data)


@pytest.mark.parametrize("text", ["", "{", "[1, 2"])
def test_text_that_is_not_json_is_refused(text):
    with pytest.raises(StoredModelError, match=r"A stored Finding must be JSON\. Found .* Write it again with"):
        from_json(Finding, text)


def test_json_is_strict():
    assert json.loads(to_json({"a": [math.nan, math.inf, -math.inf, 1.0]})) == {"a": [None, None, None, 1.0]}
