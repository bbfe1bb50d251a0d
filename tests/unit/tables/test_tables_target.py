"""The target: the task is inferred with a reason, values survive the way to codes and back."""

import json
import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from justfit.errors import ArgumentError, ColumnError, StoredModelError, TargetError
from justfit.tables import Target, drop_unlabelled, infer_target, read_table, split_rows


@pytest.mark.parametrize(
    ("values", "task", "reason"),
    [
        (["a", "b"] * 5, "classification", "`y` holds text"),
        ([True, False] * 5, "classification", "`y` holds booleans"),
        ([0.5, 1.5, 1.0, 2.0], "regression", "`y` holds numbers with fractions"),
        ([0, 1, 1, 0], "classification", "2 different whole numbers in 4 rows"),
        ([1.0, 2.0, 1.0, 2.0], "classification", "2 different whole numbers in 4 rows"),
        ([0, 1, 2] * 10, "classification", "at most 20 and 10 rows or more for each"),
        ([0, 1, 2] * 9, "regression", "3 different whole numbers in 27 rows, fewer than 10 rows for each"),
        (list(range(20)) * 10, "classification", "20 different whole numbers in 200 rows, at most 20"),
        (list(range(21)) * 100, "regression", "21 different whole numbers in 2100 rows, more than the 20"),
    ],
)
def test_task_and_its_reason(values, task, reason):
    target = infer_target(pl.Series("y", values))
    assert target.task == task
    assert reason in target.task_reason


def test_asked_task_overrules():
    values = pl.Series("y", list(range(3)) * 20)
    assert infer_target(values, task="regression").task == "regression"
    assert infer_target(pl.Series("y", [0.5, 1.5] * 3), task="classification").classes == ("0.5", "1.5")
    assert infer_target(values, task="regression").task_reason == "you asked for it"


@pytest.mark.parametrize(
    ("series", "classes"),
    [
        (pl.Series("y", [10, 9, 10, 9]), ("9", "10")),
        (pl.Series("y", [10, 9, 10, 9], dtype=pl.UInt8), ("9", "10")),
        (pl.Series("y", [-1.0, 1.0, 1.0, -1.0]), ("-1", "1")),
        (pl.Series("y", [0.25, 0.5] * 2), ("0.25", "0.5")),
        (pl.Series("y", ["b", "ä", "b", "ä", ""] * 2), ("", "b", "ä")),
        (pl.Series("y", [True, False] * 2), ("false", "true")),
        (pl.Series("y", ["u", "t"] * 2, dtype=pl.Categorical), ("t", "u")),
        (pl.Series("y", ["u", "t"] * 2, dtype=pl.Enum(["u", "t"])), ("t", "u")),
    ],
)
def test_classes_there_and_back(series, classes):
    target = infer_target(series, task="classification")
    codes = target.encode(series)
    assert target.classes == classes
    assert codes.dtype == np.int64
    back = target.decode(codes)
    expected = series if series.dtype.is_numeric() or series.dtype == pl.Boolean else series.cast(pl.String)
    assert back.equals(expected, check_dtypes=True, check_names=True)
    again = Target.from_dict(json.loads(json.dumps(target.to_dict(), allow_nan=False)))
    assert again == target
    assert again.decode(codes).equals(back, check_dtypes=True)


@given(st.lists(st.one_of(st.integers(-(2**62), 2**62)), min_size=2, max_size=6, unique=True), st.integers(0, 9))
def test_any_whole_numbers_survive(values, seed):
    rows = np.random.default_rng(seed).permutation(np.repeat(np.array(values), 3))
    series = pl.Series("y", rows)
    target = infer_target(series, task="classification")
    assert target.decode(target.encode(series)).equals(series)
    assert list(target.classes) == [str(value) for value in sorted(values)]


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=50).filter(lambda v: np.std(v) > 1e-3))
def test_regression_is_standardised_and_comes_back(values):
    series = pl.Series("y", values)
    target = infer_target(series, task="regression")
    encoded = target.encode(series)
    assert encoded.dtype == np.float64
    assert abs(encoded.mean()) < 1e-6
    assert math.isclose(encoded.std(), 1.0, rel_tol=1e-6)
    np.testing.assert_allclose(target.decode(encoded).to_numpy(), values, rtol=1e-9, atol=1e-7)


def test_scale_is_that_of_the_training_rows():
    series = pl.Series("y", [0.5, 1.5, 2.5, 100.5])
    target = infer_target(series).fit_scale(series[:3])
    assert (target.mean, target.scale) == (1.5, pytest.approx(math.sqrt(2 / 3)))
    assert infer_target(series).mean != target.mean  # the control: all rows give another scale
    labels = infer_target(pl.Series("y", ["a", "b"] * 3))
    assert labels.fit_scale(pl.Series("y", ["a"])) is labels


def test_a_class_that_training_rows_lack_is_known():
    target = infer_target(pl.Series("y", ["a", "a", "b", "b", "c", "c"]))
    assert target.encode(pl.Series("y", ["c"])).tolist() == [2]


@pytest.mark.parametrize(
    ("values", "task", "message"),
    [
        (
            pl.Series("y", [None, None], dtype=pl.Int64),
            "auto",
            r"`y` must have values\. Found 2 rows, all missing\. Name another",
        ),
        (pl.Series("y", [math.nan, None]), "auto", r"Found 2 rows, all missing"),
        (["a"] * 4, "auto", r"two classes or more\. Found only `a`\. Name another column"),
        ([3] * 4, "classification", r"two classes or more\. Found only `3`"),
        ([3] * 4, "regression", r"`y` must vary\. Found only the value 3\. There is nothing to learn"),
        ([2.5] * 4, "auto", r"`y` must vary\. Found only the value 2\.5"),
        ([0.1 + 0.2, 0.3] * 4, "auto", r"`y` must vary"),
        (
            ["a", "b", "a", "b", "a", "c"],
            "auto",
            r"one to test on\. Found a single row of `c` in `y`\. Leave these rows out",
        ),
        (
            [f"id{i}" for i in range(9)],
            "auto",
            r"two rows or more on average\. Found 9 classes in 9 rows of `y`\. It looks like an ident",
        ),
        (list(range(9)), "classification", r"It looks like a quantity: take `--task regression`"),
        ([*(f"{i}.5" for i in range(9)), "n.a."], "auto", r"Most of them are numbers: clean `n\.a\.`"),
        ([f"{i}.5" for i in range(9)], "auto", r"All of them are numbers: take `--task regression`"),
        (
            ["a", "b"] * 3,
            "regression",
            r"needs a target of numbers, and `y` holds something else\. Found `y=a`\. Take `--task class",
        ),
        ([True, False] * 3, "regression", r"needs a target of numbers"),
        (
            [1.0, math.inf, 2.0, -math.inf],
            "auto",
            r"`y` must be finite\. Found 2 infinite values\. Leave those rows out",
        ),
        ([1.0, math.inf, 2.0], "regression", r"`y` must be finite\. Found 1 infinite values"),
        (
            [1e308, -1e308, 1e308],
            "regression",
            r"a variance that a 64-bit float can hold\. Found values up to 1e\+308\. Divide it",
        ),
        (
            [date(2024, 1, 1)] * 3,
            "auto",
            r"must hold numbers, text or booleans\. Found values of type Date\. Turn it into",
        ),
        ([[1], [2]], "auto", r"must hold numbers, text or booleans\. Found values of type List"),
    ],
)
def test_targets_that_cannot_be_learned(values, task, message):
    series = values if isinstance(values, pl.Series) else pl.Series("y", values)
    with pytest.raises(TargetError, match=message):
        infer_target(series, task=task)


def test_unknown_tasks():
    with pytest.raises(
        ArgumentError, match=r"must be auto, classification or regression\. Found `task='ranking'`\. auto"
    ):
        infer_target(pl.Series("y", [1, 2] * 3), task="ranking")


def test_text_of_numbers_can_be_regressed():
    target = infer_target(pl.Series("y", ["1.5", "2.5", " 4"]), task="regression")
    assert target.mean == pytest.approx(8 / 3)


@pytest.mark.parametrize(
    ("fitted", "new", "message"),
    [
        (["a", "b"] * 2, ["a", "zz"], r"the classes that are known, `a`, `b`\. Found `zz`\. Leave these rows out"),
        ([True, False] * 2, ["x"], r"the classes that are known, `false`, `true`\. Found `x`"),
        ([1, 2] * 2, [3.5], r"known, `1`, `2`\. Found `3\.5`"),
        ([1, 2] * 2, [1, None], r"must have a value of `y`\. Found 1 missing values\. Leave those rows out"),
        ([1.5, 2.5], [1.0, None], r"must have a value of `y`\. Found 1 missing values"),
        ([1.5, 2.5], ["x"], r"needs a target of numbers"),
    ],
)
def test_new_values_that_do_not_fit(fitted, new, message):
    target = infer_target(pl.Series("y", fitted))
    with pytest.raises(TargetError, match=message):
        target.encode(pl.Series("y", new))


def test_whole_floats_are_the_same_classes_as_integers():
    assert infer_target(pl.Series("y", [1, 2] * 2)).encode(pl.Series("y", [2.0, 1.0])).tolist() == [1, 0]


@pytest.mark.parametrize("change", [{"dtype": "read_csv"}, {"scale": "x"}, {"extra": 1}, {"task": "ranking"}])
def test_stored_targets_of_another_make(change):
    fields = infer_target(pl.Series("y", ["a", "b"] * 2)).to_dict()
    with pytest.raises(StoredModelError, match=r"must (have the form|name a type)"):
        Target.from_dict({**fields, **change})


def test_rows_without_a_target_are_left_out_and_said():
    frame = pl.DataFrame({"x": [1, 2, 3], "y": [1.5, math.nan, None]})
    labelled, notes = drop_unlabelled(frame, "y")
    assert labelled.rows() == [(1, 1.5)]
    assert notes == ("2 of 3 rows have no `y` and were left out.",)
    assert drop_unlabelled(labelled, "y") == (labelled, ())
    with pytest.raises(TargetError, match="Found 2 rows, all missing"):
        drop_unlabelled(frame[1:], "y")
    with pytest.raises(ColumnError, match=r"Found no column `label`\. Its columns are `x`, `y`\."):
        drop_unlabelled(frame, "label")
    with pytest.raises(ColumnError, match=r"Did you mean `income_status`\?"):
        drop_unlabelled(pl.DataFrame({"income_status": [1]}), "income")


# --- the split -----------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(2, 40), min_size=2, max_size=8), st.floats(0.05, 0.6), st.integers(0, 99))
def test_every_class_is_on_both_sides(sizes, test_fraction, seed):
    codes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    train, test = split_rows(codes, task="classification", test_fraction=test_fraction, seed=seed)
    assert (np.diff(train) > 0).all()
    assert (np.diff(test) > 0).all()
    assert sorted([*train, *test]) == list(range(len(codes)))
    for code, size in enumerate(sizes):
        num_test = int((codes[test] == code).sum())
        assert 1 <= num_test <= size - 1
        assert num_test == 1 or num_test == size - 1 or abs(num_test - test_fraction * size) <= 0.5


def test_split_is_a_draw_by_the_seed():
    codes = np.zeros(100)
    first, again, other = (split_rows(codes, task="regression", test_fraction=0.2, seed=s)[1] for s in (0, 0, 1))
    assert len(first) == 20
    assert (first == again).all()
    assert (first != other).any()


def test_scikit_learn_would_lose_a_rare_class():
    """Why the split is our own."""
    from sklearn.model_selection import train_test_split

    codes = np.repeat([0, 1], [98, 2])
    lost = [train_test_split(codes, test_size=0.2, random_state=s, stratify=codes)[1].max() == 0 for s in range(5)]
    assert all(lost)
    assert codes[split_rows(codes, task="classification", test_fraction=0.2, seed=0)[1]].max() == 1


def test_split_refusals():
    with pytest.raises(ArgumentError, match=r"must lie in \(0, 1\)\. Found `test_fraction=1\.5`\. It is the share"):
        split_rows(np.zeros(9), task="regression", test_fraction=1.5, seed=0)
    with pytest.raises(TargetError, match=r"two rows or more, of every class.*Found 1\. Add rows"):
        split_rows(np.array([0, 0, 1]), task="classification", test_fraction=0.2, seed=0)
    with pytest.raises(TargetError, match=r"Found 0\. Add rows"):
        split_rows(np.array([]), task="regression", test_fraction=0.2, seed=0)


def test_tasks_of_real_tables(shared_data):
    expected = {
        "adult.csv.gz": ("income_status", "classification"),
        "california_housing.csv.gz": ("median_house_value", "regression"),
        "cnae_9.csv.gz": (None, "classification"),
        "credit_g.tsv.gz": ("target", "classification"),
        "splice.tsv.gz": ("target", "classification"),
        "vehicle.tsv.gz": ("target", "classification"),
    }
    for name, (column, task) in expected.items():
        frame = read_table(shared_data / name).frame
        assert infer_target(frame[column or frame.columns[-1]]).task == task
