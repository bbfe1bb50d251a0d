"""The encoder: features against hand calculation, columns dropped with a reason, new rows met as they come."""

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from justfit.errors import ArgumentError, ColumnError
from justfit.tables import Encoder, drop_unlabelled, infer_target, read_table, split_rows

NUM_ROWS = 60
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(5.0, 2.0, NUM_ROWS).tolist()
WORDS = ["red", "green", "blue"] * (NUM_ROWS // 3)
BASE = pl.DataFrame({"x": NUMBERS, "colour": WORDS})


def fitted(**columns):
    return Encoder().fit(pl.DataFrame({"x": NUMBERS, **columns}))


def test_features_are_what_the_formulas_say():
    frame = pl.DataFrame({"x": [1.0, None, 3.0, 8.0] * 5, "c": ["a", "b", None, "a"] * 5, "y": [0, 1] * 10})
    encoder = Encoder().fit(frame, exclude="y")
    assert encoder.columns == ("x", "c")
    assert encoder.feature_names == ("x", "x is missing", "c = (missing)", "c = a", "c = b")
    features = encoder.transform(frame)
    filled = np.array([1.0, 3.0, 3.0, 8.0] * 5)
    expected = np.stack(
        [
            (filled - filled.mean()) / filled.std(),
            [0, 1, 0, 0] * 5,
            [0, 0, 1, 0] * 5,
            [1, 0, 0, 1] * 5,
            [0, 1, 0, 0] * 5,
        ],
        axis=1,
    )
    np.testing.assert_allclose(features, expected, rtol=1e-6)
    assert features.dtype == np.float32
    assert features.flags.c_contiguous
    assert encoder.notes == ("Missing numbers are filled with the median and marked, in `x`.",)


def test_scales_bring_features_back_to_the_table():
    days = [date(2020, 1, 1) + timedelta(days=7 * k) for k in range(NUM_ROWS)]
    frame = pl.DataFrame({"c": WORDS, "when": days, "x": NUMBERS, "y": [value**2 for value in NUMBERS]})
    encoder = Encoder().fit(frame)
    scales = encoder.number_scales()
    assert list(scales) == ["x", "y"], "dates and words have no unit of their own"
    features = encoder.transform(frame)
    for name, (shift, scale) in scales.items():
        feature = features[:, encoder.feature_names.index(name)]
        np.testing.assert_allclose(feature * scale + shift, frame[name].to_numpy(), rtol=1e-5)


def test_words_alone_have_no_scales():
    assert Encoder().fit(pl.DataFrame({"c": WORDS})).number_scales() == {}


def test_only_fitted_rows_decide_the_scale():
    encoder = Encoder().fit(BASE)
    before = encoder.transform(BASE[:1])
    encoder.transform(BASE.with_columns(pl.col("x") * 100))
    assert (encoder.transform(BASE[:1]) == before).all()
    assert (Encoder().fit(BASE[:30]).transform(BASE[:1]) != before).any()  # the control: other rows, other scale


def test_rare_and_unseen_categories_share_a_feature():
    words = ["a"] * 30 + ["b"] * 26 + ["r1", "r2", "r3", "r4"]
    encoder = fitted(c=words)
    assert encoder.feature_names == ("x", "c = a", "c = b", "c = (rare)")
    new = pl.DataFrame({"x": [5.0] * 4, "c": ["a", "r1", "never seen", None]})
    assert encoder.transform(new)[:, 1:].tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]]
    assert encoder.check(new) == ("`c` has categories that were not fitted, in 2 rows: `(missing)`, `never seen`.",)


def test_unseen_categories_without_rare_ones_have_no_feature():
    encoder = Encoder().fit(BASE)
    assert encoder.transform(pl.DataFrame({"x": [1.0], "colour": ["pink"]}))[0, 1:].tolist() == [0, 0, 0]


def test_many_categories_stay_few_features():
    words = [f"w{i % 50:02d}" for i in range(1000)]
    encoder = Encoder().fit(pl.DataFrame({"c": words}))
    assert len(encoder.feature_names) == 30
    assert encoder.feature_names[-1] == "c = (rare)"


@pytest.mark.parametrize(
    ("values", "dates"),
    [
        ([date(2024, 1, 1) + timedelta(days=i) for i in range(NUM_ROWS)], True),
        ([datetime(2024, 1, 1) + timedelta(days=i) for i in range(NUM_ROWS)], True),
        ([timedelta(days=i) for i in range(NUM_ROWS)], False),
        ([time(0, i) for i in range(NUM_ROWS)], False),
    ],
)
def test_dates_are_numbers(values, dates):
    encoder = fitted(d=values)
    frame = pl.DataFrame({"x": NUMBERS, "d": values})
    steps = np.arange(NUM_ROWS)
    np.testing.assert_allclose(encoder.transform(frame)[:, 1], (steps - steps.mean()) / steps.std(), atol=1e-5)
    if dates:  # text in ISO form means the same
        text = frame.with_columns(pl.col("d").cast(pl.String))
        np.testing.assert_allclose(encoder.transform(text), encoder.transform(frame), atol=1e-6)
    with pytest.raises(
        ColumnError, match=r"`d` must hold dates, as in the rows that were fitted\. Found `soon`\. Corr"
    ):
        encoder.transform(pl.DataFrame({"x": [1.0], "d": ["soon"]}))
    with pytest.raises(ColumnError, match=r"`d` must hold dates.*Found values of type Int64"):
        encoder.transform(pl.DataFrame({"x": [1.0], "d": [3]}))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([7] * NUM_ROWS, "it is constant"),
        (["same"] * NUM_ROWS, "it is constant"),
        ([None] * NUM_ROWS, "it has no values"),
        ([float("nan")] * NUM_ROWS, "it has no values"),
        (pl.Series([None] * NUM_ROWS, dtype=pl.String), "it has no values"),
        (
            [f"user-{i}" for i in range(NUM_ROWS)],
            "it has 60 different values in 60 rows, as an identifier or free text has",
        ),
        ([f"w{i % 15}" for i in range(NUM_ROWS)], "none of its 15 values occurs in 5 rows or more"),
        ([[i] for i in range(NUM_ROWS)], "its values are of type List(Int64)"),
        ([2**60 + i % 2 for i in range(NUM_ROWS)], "its values differ only in digits that a 64-bit float cannot hold"),
        (
            [1e15 + i for i in range(NUM_ROWS)],
            "its values differ only after the tenth digit; subtract what they share to keep it",
        ),
    ],
)
def test_columns_that_teach_nothing_are_dropped_with_a_reason(values, reason):
    encoder = fitted(bad=values)
    assert encoder.feature_names == ("x",)
    assert encoder.dropped == (("bad", reason),)
    assert encoder.transform(pl.DataFrame({"x": [1.0]})).shape == (1, 1)  # and not asked for again


@pytest.mark.parametrize("name", ["id", "PassengerId", "row nr", "Unnamed: 0", "user_id", "Index"])
def test_row_numbers_are_dropped_by_name_and_content(name):
    rows = np.sort(RNG.permutation(100)[:80])
    encoder = Encoder().fit(pl.DataFrame({"x": RNG.normal(size=80), name: rows}))
    assert encoder.dropped == ((name, "it counts the rows"),)
    shuffled = pl.DataFrame({"x": RNG.normal(size=80), name: RNG.permutation(rows)})
    assert Encoder().fit(shuffled).dropped == ()


@pytest.mark.parametrize("name", ["time", "year", "width", "x", "grid", "idle"])
def test_counting_columns_of_other_names_stay(name):
    assert Encoder().fit(pl.DataFrame({name: range(80)})).dropped == ()


def test_a_constant_with_gaps_leaves_its_mark():
    encoder = fitted(c=[1.0, None] * (NUM_ROWS // 2))
    assert encoder.feature_names == ("x", "c is missing")
    assert encoder.transform(pl.DataFrame({"x": [1.0, 2.0], "c": [None, 1.0]}))[:, 1].tolist() == [1, 0]


def test_marks_are_not_standardised():
    values = [*NUMBERS[:-1], None]
    assert fitted(z=values).transform(pl.DataFrame({"x": NUMBERS, "z": values}))[:, 2].max() == 1.0


def test_missing_values_where_training_had_none_are_filled():
    encoder = Encoder().fit(BASE)
    filled = encoder.transform(pl.DataFrame({"x": [None], "colour": ["red"]}))[0, 0]
    expected = (np.median(NUMBERS) - np.mean(NUMBERS)) / np.std(NUMBERS)
    assert filled == pytest.approx(expected, abs=1e-6)
    assert np.isfinite(encoder.transform(pl.DataFrame({"x": [None], "colour": [None]}))).all()


def test_numbers_in_text():
    values = [f"{number:.4f}" for number in NUMBERS[:-3]] + ["unknown", "unknown", " 7 "]
    encoder = fitted(t=values)
    assert encoder.feature_names == ("x", "t", "t is missing")
    assert encoder.notes[0] == "`t` holds numbers; entries such as `unknown` count as missing."
    new = pl.DataFrame({"x": [5.0] * 3, "t": ["3.5", "odd", None]})
    assert encoder.transform(new)[:, 2].tolist() == [0, 1, 1]
    assert encoder.transform(pl.DataFrame({"x": [5.0], "t": [3.5]}))[0, 1] == encoder.transform(new)[0, 1]


def test_codes_in_text_stay_categories():
    assert fitted(c=["1", "2", "3"] * (NUM_ROWS // 3)).feature_names[1:] == ("c = 1", "c = 2", "c = 3")


def test_mostly_words_stay_categories():
    words = (["a", "b", "c", "d"] * 10) + [str(i) for i in range(20)]
    assert fitted(c=words).feature_names[1:] == ("c = a", "c = b", "c = c", "c = d", "c = (rare)")


@pytest.mark.parametrize(
    "new",
    [
        pl.Series("b", [True, False, None]),
        pl.Series("b", ["True", "false", None]),
        pl.Series("b", [1, 0, None]),
        pl.Series("b", [1.0, 0.0, None]),
    ],
    ids=lambda series: str(series.dtype),
)
def test_booleans_in_any_writing(new):
    encoder = fitted(b=[True, False, None] * (NUM_ROWS // 3))
    assert encoder.feature_names[1:] == ("b = (missing)", "b = false", "b = true")
    frame = pl.DataFrame({"x": [1.0] * 3}).with_columns(new)
    assert encoder.transform(frame)[:, 1:].tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("new", [[1, 2, None], [1.0, 2.0, None], ["1", "2", None]])
def test_digit_categories_in_any_writing(new):
    encoder = fitted(c=["1", "2", "z"] * (NUM_ROWS // 3))
    frame = pl.DataFrame({"x": [1.0] * 3, "c": new})
    assert encoder.transform(frame)[:, 1:].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Int128, pl.Float32, pl.Decimal(10, 2), pl.Boolean, pl.String])
def test_number_types_do_not_matter(dtype):
    encoder = fitted(n=[0, 1, 2] * (NUM_ROWS // 3))
    rows = pl.DataFrame({"x": [1.0, 1.0], "n": [0, 1]})
    other = rows.with_columns(pl.col("n").cast(dtype))
    np.testing.assert_array_equal(encoder.transform(other), encoder.transform(rows))


def test_categorical_types_are_words():
    frame = BASE.with_columns(pl.col("colour").cast(pl.Categorical))
    np.testing.assert_array_equal(Encoder().fit(frame).transform(frame), Encoder().fit(BASE).transform(BASE))


def test_large_samples_and_chunks_change_nothing_else(monkeypatch):
    frame = pl.DataFrame({"x": RNG.normal(3.0, 2.0, 500), "c": ["a", "b"] * 250})
    whole = Encoder().fit(frame).transform(frame)
    monkeypatch.setattr("justfit.tables._encoder.CHUNK_ROWS", 7)
    np.testing.assert_array_equal(Encoder().fit(frame).transform(frame), whole)
    monkeypatch.setattr("justfit.tables._encoder.SAMPLE_ROWS", 400)
    sampled = Encoder().fit(frame).transform(frame)
    assert (sampled != whole).any()
    # Both use the same rows but for 100 of 500, so means differ by well under 5 standard errors of either.
    np.testing.assert_allclose(sampled, whole, atol=5 / np.sqrt(400) * np.abs(whole).max())
    np.testing.assert_array_equal(Encoder().fit(frame).transform(frame), sampled)


def test_gaps_outside_the_sample_are_marked(monkeypatch):
    monkeypatch.setattr("justfit.tables._encoder.SAMPLE_ROWS", 20)
    chosen = set(np.random.default_rng(0).choice(NUM_ROWS, 20, replace=False).tolist())
    gap = next(row for row in range(NUM_ROWS) if row not in chosen)
    values = [None if row == gap else number for row, number in enumerate(NUMBERS)]
    assert Encoder().fit(pl.DataFrame({"x": values})).feature_names == ("x", "x is missing")


def test_check_names_what_is_passed_over():
    encoder = fitted(c=["k"] * NUM_ROWS)
    new = pl.DataFrame({"x": [1.0], "c": ["k"], "extra": [1], "more": [2]})
    assert encoder.check(new) == ("Columns that the network never saw are ignored: `extra`, `more`.",)
    assert encoder.check(new.select("x", "c")) == ()


# --- what is refused -----------------------------------------------------------------------------------------------


def test_missing_columns_are_all_named():
    encoder = Encoder().fit(BASE)
    for call in (encoder.transform, encoder.check):
        with pytest.raises(
            ColumnError, match=r"that the network was fitted on\. Found no column `x`, `colour`\. Add the"
        ):
            call(pl.DataFrame({"z": [1]}))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "abc",
            r"`x` must hold numbers, as in the rows that were fitted\. Found `abc`\. Correct `abc`, or leave the cell",
        ),
        ("inf", r"Found infinite values in `x` in 1 rows\. Replace them by a number"),
        (date(2024, 1, 1), r"`x` must hold numbers.*Found values of type Date"),
        ([1], r"`x` must hold numbers.*Found values of type List"),
        (float("inf"), r"must be finite\. Found infinite values in `x` in 1 rows"),
        (1e300, r"to be standardised in 32 bits\. Found 1 values of `x` that are far too large\. Correct these"),
    ],
)
def test_values_of_another_kind(value, message):
    encoder = Encoder().fit(BASE)
    with pytest.raises(ColumnError, match=message):
        encoder.transform(pl.DataFrame({"x": [value], "colour": ["red"]}))


def test_nested_values_are_no_category():
    with pytest.raises(ColumnError, match=r"`colour` must hold text.*Found values of type List"):
        Encoder().fit(BASE).transform(pl.DataFrame({"x": [1.0], "colour": [["red"]]}))


@pytest.mark.parametrize("infinity", [float("inf"), float("-inf")])
def test_infinite_training_values_are_counted_by_column(infinity):
    values = [*NUMBERS[:-2], infinity, infinity]
    with pytest.raises(ColumnError, match=r"Found infinite values in `z` in 2 rows, `w` in 1 rows\. Replace"):
        fitted(z=values, w=[*NUMBERS[:-1], infinity])
    assert fitted(z=[*NUMBERS[:-2], None, None]).dropped == ()


def test_infinities_in_text():
    with pytest.raises(ColumnError, match="Found infinite values in `t` in 1 rows"):
        fitted(t=[*(str(number) for number in NUMBERS[:-1]), "inf"])


def test_numbers_too_large_for_a_variance():
    with pytest.raises(
        ColumnError, match=r"variance that a 64-bit float can hold\. Found values up to 1e\+300 in `z`\. Div"
    ):
        fitted(z=[1e300, -1e300] * (NUM_ROWS // 2))


def test_integers_beyond_32_bits_are_fine():
    values = [10**30 * (i % 7) for i in range(NUM_ROWS)]
    column = pl.Series("z", values, dtype=pl.Int128)
    features = fitted(z=column).transform(pl.DataFrame({"x": NUMBERS, "z": column}))
    codes = np.arange(NUM_ROWS) % 7
    np.testing.assert_allclose(features[:, 1], (codes - codes.mean()) / codes.std(), rtol=1e-5)


def test_no_column_left():
    frame = pl.DataFrame({"a": [1] * 9, "y": [0, 1, 2] * 3})
    with pytest.raises(
        ColumnError, match=r"tell the rows apart\. Found none that is usable: `a` \(it is constant\)\. Add"
    ):
        Encoder().fit(frame, exclude="y")
    with pytest.raises(ColumnError, match=r"Found no column beside the target"):
        Encoder().fit(frame.select("y"), exclude="y")
    with pytest.raises(ColumnError, match=r"needs training rows\. Found a frame without rows"):
        Encoder().fit(frame.clear(), exclude="y")


def test_a_target_that_is_not_there_is_no_licence_to_learn_from_it():
    with pytest.raises(ColumnError, match=r"Found no column `colours`\. Did you mean `colour`\?"):
        Encoder().fit(BASE, exclude="colours")


@pytest.mark.parametrize("call", ["transform", "check", "save"])
def test_encoders_that_are_not_fitted(call):
    with pytest.raises(
        ArgumentError, match=r"must be fitted before.*Found an encoder that has seen no rows\. Call `fit`"
    ):
        getattr(Encoder(), call)(BASE)


@pytest.mark.parametrize("name", ["adult.csv.gz", "california_housing.csv.gz", "cnae_9.csv.gz", "credit_g.tsv.gz"])
def test_real_tables_become_finite_numbers(shared_data, name):
    frame = read_table(shared_data / name).frame
    column = frame.columns[-1]
    frame, _ = drop_unlabelled(frame, column)
    target = infer_target(frame[column])
    train, test = split_rows(target.encode(frame[column]), task=target.task, test_fraction=0.2, seed=0)
    encoder = Encoder().fit(frame[train], exclude=column)
    features = encoder.transform(frame[train])
    assert features.shape == (len(train), len(encoder.feature_names))
    assert np.isfinite(encoder.transform(frame[test])).all()
    standardised = [i for i, feature in enumerate(encoder.feature_names) if feature in encoder.columns]
    assert np.abs(features[:, standardised].mean(axis=0)).max() < 1e-3
    np.testing.assert_allclose(features[:, standardised].std(axis=0), 1.0, atol=1e-3)
