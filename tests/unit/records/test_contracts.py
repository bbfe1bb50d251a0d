import copy
import dataclasses
import math
import pickle

import pytest

import justfit.records
from justfit.errors import ArgumentError
from tests.unit.records.samples import FINDING, RESULT, SWEEP, VERDICT
from tests.unit.report import checkups


@pytest.mark.parametrize("record", [FINDING, RESULT, SWEEP, VERDICT], ids=lambda record: type(record).__name__)
def test_records_are_frozen(record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, None)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "fine"},
        {"probabilities": {"overfitting": 0.97, "underfitting": 0.01, "just_right": 0.01}},
        {"probabilities": {"overfitting": math.nan, "underfitting": 0.5, "just_right": 0.5}},
        {"probabilities": {}},
    ],
)
def test_a_verdict_needs_a_known_state_and_whole_probabilities(change):
    with pytest.raises(ArgumentError, match=r"four states and probabilities that sum to 1\. Found `state='"):
        dataclasses.replace(VERDICT, **change)


@pytest.mark.parametrize("state", justfit.records.FIT_STATES)
def test_every_state_makes_a_verdict(state):
    assert dataclasses.replace(VERDICT, state=state).state == state


@pytest.mark.parametrize("name", ["validation_loss", "validation_loss_se", "train_loss", "difference", "ridge"])
def test_every_grid_has_the_shape_of_the_sweep(name):
    with pytest.raises(ArgumentError, match=rf"`{name}` must have one row per l2 and one column per dropout, 2 × 3\."):
        dataclasses.replace(SWEEP, **{name: getattr(SWEEP, name)[:1]})
    with pytest.raises(ArgumentError, match=rf"`{name}` must have one row per l2"):
        dataclasses.replace(SWEEP, **{name: tuple(row[:2] for row in getattr(SWEEP, name))})


def test_the_chosen_cell_is_read_in_the_order_l2_dropout():
    assert (SWEEP.chosen_l2, SWEEP.chosen_dropout) == (1.5, 0.5)


def test_everything_public_exists():
    assert all(hasattr(justfit.records, name) for name in justfit.records.__all__)


def test_what_was_found_prints_as_one_line():
    found = checkups.finding("JF205", 7, "warning", evidence="83 % of the units are dead")
    assert repr(found) == "Finding(JF205 warning at 'features.7': dead units, 83 % of the units are dead)"
    assert repr(checkups.vanishing()) == (
        "Checkup('MyNet', layers=100, findings=[3 × JF201, JF205, JF306], trainability=0.03)"
    )
    assert repr(checkups.healthy()) == "Checkup('MyNet', layers=52, findings=[], trainability=0.97)"
    assert repr(VERDICT).startswith(f"FitVerdict('{VERDICT.state}', probability=0.")


@pytest.mark.parametrize("made", checkups.ALL)
def test_the_short_form_of_what_was_found_is_printable_and_short(made):
    whole = checkups.ALL[made]()
    for found in whole.findings:
        assert repr(found).isprintable()
        assert len(repr(found)) < 2 * len(repr(found.where)) + 400
    assert repr(whole).isprintable()
    assert len(repr(whole)) < len(repr(whole.evidence.module)) + 500


def test_the_short_form_leaves_equality_copies_and_pickles_alone():
    found = checkups.finding()
    other = dataclasses.replace(found, why="another reason")
    assert repr(other) == repr(found)
    assert other != found
    assert pickle.loads(pickle.dumps(found)) == copy.deepcopy(found) == found  # noqa: S301 - made one line above


def test_a_plane_needs_one_target_for_each_example():
    with pytest.raises(
        ArgumentError,
        match=r"^`x`, `y` and `target` of a plane must have the same length\. Found 2, 2 and 1\. Give one of each",
    ):
        justfit.records.Plane(
            x_name="a",
            y_name="b",
            x_low=0.0,
            x_high=1.0,
            y_low=0.0,
            y_high=1.0,
            x=(0.0, 1.0),
            y=(0.0, 1.0),
            target=(0.0,),
            classes=(),
        )
