"""Stored JSON is recognised as the record that it is, and what is none is refused with words that help."""

import json
import math

import pytest

from justfit.errors import StoredModelError
from justfit.records import FitVerdict, from_any_json, to_dict, to_json
from tests.unit.report.every import ATTACKS, EVERY


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])  # as PowerShell writes what it redirects
def test_every_record_comes_back_as_what_it_was(kind, encoding):
    record = EVERY[kind]()
    (back,) = from_any_json(to_json(record).encode(encoding))
    assert type(back) is type(record)
    assert to_json(back) == to_json(record)


@pytest.mark.parametrize("kind", ATTACKS)
def test_hostile_words_change_nothing(kind):
    text = to_json(ATTACKS[kind]())
    assert to_json(from_any_json(text)[0]) == text


def test_several_runs_come_back_as_several():
    records = [EVERY["judgement"](), EVERY["judgement"]()]
    assert [to_json(record) for record in from_any_json(to_json(records))] == [to_json(record) for record in records]


@pytest.mark.parametrize("kind", EVERY)
def test_a_field_of_another_version_is_named(kind):
    data = to_dict(EVERY[kind]()) | {"new_in_2031": 1}
    with pytest.raises(StoredModelError, match=rf"`{type(EVERY[kind]()).__name__}` must have .* fields new_in_2031\."):
        from_any_json(json.dumps(data))


@pytest.mark.parametrize("kind", EVERY)
def test_a_record_without_what_came_later_is_still_one(kind):
    record = EVERY[kind]()
    later = {"version", "unjudged", "explored"} | ({"history"} if isinstance(record, FitVerdict) else set())
    data = {name: value for name, value in to_dict(record).items() if name not in later}
    assert type(from_any_json(json.dumps(data))[0]) is type(record)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"A stored record must be JSON\. Found Expecting value"),
        (b"\xff\xfe\x00", r"A stored record must be JSON\. Found "),
        ("[" * 100_000, r"A stored record must be JSON\. Found brackets that are nested too deep\."),
        ("1" * 5_000, r"A stored record must be JSON\. Found Exceeds the limit"),
        ("[]", r"A stored record must be one of justfit's\. Found list in its place\. Give what `justfit fit`"),
        ("3", r"must be one of justfit's\. Found int in its place\."),
        ("{}", r"must be one of justfit's\. Found dict in its place\."),
        ('{"loss": [1], "epoch": [1]}', r"must be one of justfit's\. Found the fields epoch, loss\."),
        ('[{"loss": 1}]', r"must be one of justfit's\. Found the fields loss\."),
    ],
)
def test_what_is_no_record_is_refused(content, message):
    with pytest.raises(StoredModelError, match=message):
        from_any_json(content)


def test_a_number_that_no_float_holds_is_refused():
    data = to_dict(EVERY["judgement"]())
    data["verdict"]["train_loss"] = 10**400
    with pytest.raises(StoredModelError, match=r"The numbers of a stored Judgement must be such as a float can hold\."):
        from_any_json(json.dumps(data))


def test_a_value_of_the_wrong_type_is_named():
    data = to_dict(EVERY["checkup"]())
    data["findings"][1]["where"] = math.pi
    with pytest.raises(StoredModelError, match=r"`Checkup\.findings\[1\]\.where` must have the form"):
        from_any_json(json.dumps(data))
