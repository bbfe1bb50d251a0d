"""New rows: matched by name, refused by name, decoded to what the target held."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from justfit.errors import ColumnError, OutputError, StoredModelError, TableFormatError, TableNotFoundError
from justfit.estimators import fit_table, predict_table
from tests.unit.estimators.conftest import make_table


@pytest.fixture
def new_rows():
    return make_table(50, seed=9)


def test_classes_and_their_probabilities(folder_of, new_rows):
    prediction = predict_table(folder_of, new_rows)
    frame = prediction.frame
    assert frame.columns == ["diagnosis", "probability of sick", "probability of well"]
    assert frame["diagnosis"].dtype == pl.String
    chances = frame.drop("diagnosis").to_numpy()
    assert np.allclose(chances.sum(axis=1), 1, atol=1e-12)
    assert frame["diagnosis"].to_list() == [("sick", "well")[code] for code in chances.argmax(axis=1)]
    truth = make_table(50, seed=9)["diagnosis"]
    assert (frame["diagnosis"] == truth).mean() > 0.7
    assert prediction.notes == ("Columns that the network never saw are ignored: `diagnosis`.",)
    assert predict_table(folder_of, new_rows.drop("diagnosis")).notes == ()


def test_regression_in_the_target_s_unit(fitted_number, new_rows):
    frame = predict_table(fitted_number.files["model.json"].parent, new_rows).frame
    assert frame.columns == ["stay"]
    truth = make_table(50, seed=9)["stay"].to_numpy()
    assert np.corrcoef(frame["stay"].to_numpy(), truth)[0, 1] > 0.6
    assert abs(frame["stay"].mean() - truth.mean()) < truth.std()


@pytest.mark.parametrize("values", [[3, 7], [True, False], ["yes", "no"], [2.0, 5.0]], ids=str)
def test_classes_come_back_in_their_own_type(values, patients, tmp_path):
    table = patients.with_columns(diagnosis=pl.Series([values[label == "sick"] for label in patients["diagnosis"]]))
    fit_table(table, target="diagnosis", task="classification", out=tmp_path / "out")
    frame = predict_table(tmp_path / "out", table).frame
    assert frame["diagnosis"].dtype == table["diagnosis"].dtype
    assert (frame["diagnosis"] == table["diagnosis"]).mean() > 0.7


def test_one_row_and_every_order_of_columns(folder_of, new_rows):
    whole = predict_table(folder_of, new_rows).frame
    single = predict_table(folder_of, new_rows[[7]]).frame
    assert single["diagnosis"].to_list() == whole["diagnosis"][7:8].to_list()
    assert single["probability of sick"][0] == pytest.approx(whole["probability of sick"][7], abs=1e-12)
    turned = predict_table(folder_of, new_rows.select(new_rows.columns[::-1])).frame
    assert turned.equals(whole)


def test_further_columns_are_passed_over_and_said(folder_of, new_rows):
    prediction = predict_table(folder_of, new_rows.with_columns(mood=pl.lit("good")))
    assert prediction.frame.equals(predict_table(folder_of, new_rows).frame)
    assert any("`mood`" in note and "ignored" in note for note in prediction.notes)
    without = predict_table(folder_of, new_rows.drop("diagnosis")).frame
    assert without.equals(prediction.frame)  # the target among the columns plays no part


def test_dropped_columns_need_not_come_back(folder_of, new_rows):
    few = new_rows.drop("patient", "hospital")
    assert predict_table(folder_of, few).frame.height == 50


def test_unseen_categories_are_said(folder_of, new_rows):
    strange = new_rows.drop("diagnosis").with_columns(town=pl.lit("Atlantis"))
    prediction = predict_table(folder_of, strange)
    assert np.isfinite(prediction.frame["probability of sick"].to_numpy()).all()
    (note,) = prediction.notes
    assert "`town` has categories that were not fitted, in 50 rows: `Atlantis`" in note


def test_missing_values_are_no_trouble(folder_of, new_rows):
    empty = new_rows.with_columns(age=pl.lit(None, pl.Float64), town=pl.lit(None, pl.String), stay=pl.lit(5.0))
    chances = predict_table(folder_of, empty).frame["probability of sick"]
    assert chances.is_finite().all()
    assert chances.max() - chances.min() < 1e-12  # equal rows, equal chances


def test_refuses_missing_columns_by_name(folder_of, new_rows):
    with pytest.raises(ColumnError, match=r"no column `age`"):
        predict_table(folder_of, new_rows.drop("age"))


def test_refuses_words_where_numbers_are_needed(folder_of, new_rows):
    with pytest.raises(ColumnError, match=r"`age`"):
        predict_table(folder_of, new_rows.with_columns(age=pl.lit("old")))


def test_refuses_a_table_without_rows(folder_of, new_rows, tmp_path):
    with pytest.raises(TableFormatError, match=r"must have at least one row"):
        predict_table(folder_of, new_rows.head(0))
    new_rows.head(0).write_csv(tmp_path / "empty.csv")
    with pytest.raises(TableFormatError, match=r"must have at least one row"):
        predict_table(folder_of, tmp_path / "empty.csv")


def test_refuses_a_table_that_is_not_there(folder_of):
    with pytest.raises(TableNotFoundError, match=r"Found no file `none.csv`"):
        predict_table(folder_of, "none.csv")


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "csv.gz"])
def test_writes_what_the_ending_says(ending, folder_of, patients, tmp_path):
    from justfit.tables import read_table

    prediction = predict_table(folder_of, patients, out=tmp_path / f"p.{ending}")
    back = read_table(tmp_path / f"p.{ending}").frame
    assert back.columns == prediction.frame.columns
    assert back["diagnosis"].to_list() == prediction.frame["diagnosis"].to_list()
    assert np.array_equal(back["probability of sick"], prediction.frame["probability of sick"])


def test_refuses_endings_it_cannot_write(folder_of, patients, tmp_path):
    with pytest.raises(OutputError, match=r"`p.xlsx`"):
        predict_table(folder_of, patients, out=tmp_path / "p.xlsx")
    assert not list(tmp_path.iterdir())


# --- directories that are not one fit ------------------------------------------------------------------------------


@pytest.fixture
def copy(folder_of, tmp_path):
    return Path(shutil.copytree(folder_of, tmp_path / "copy"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.json", r"without `model.json`"),
        ("model.safetensors", r"without `model.safetensors`"),
        ("preprocessing.json", r"preprocessing.json and preprocessing.skops that `justfit fit` wrote"),
        ("preprocessing.skops", r"preprocessing.json and preprocessing.skops that `justfit fit` wrote"),
        ("target.json", r"holds `target.json`. Found `.*copy`: FileNotFoundError"),
    ],
)
def test_refuses_a_directory_that_lacks_a_file(name, message, copy, patients):
    (copy / name).unlink()
    with pytest.raises(StoredModelError, match=message):
        predict_table(copy, patients)


def test_refuses_a_model_of_another_fit(copy, fitted_number, patients):
    for name in ("model.json", "model.safetensors"):
        shutil.copy(fitted_number.files[name], copy / name)
    with pytest.raises(StoredModelError, match=r"must come from one fit. Found a model of \(features, task, classes\)"):
        predict_table(copy, patients)


def test_refuses_a_target_of_another_fit(copy, fitted_number, patients):
    shutil.copy(fitted_number.files["target.json"], copy / "target.json")
    with pytest.raises(StoredModelError, match=r"must come from one fit"):
        predict_table(copy, patients)


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "{}", "[" * 100_000, '{"task": "classification"}'], ids=lambda t: t[:9]
)
def test_refuses_a_damaged_target(text, copy, patients):
    (copy / "target.json").write_text(text)
    with pytest.raises(StoredModelError, match=r"target|Target"):
        predict_table(copy, patients)


def test_refuses_an_unknown_estimator(copy, patients):
    description = json.loads((copy / "model.json").read_text("utf-8"))
    (copy / "model.json").write_text(json.dumps({**description, "estimator": "Oracle"}), "utf-8")
    with pytest.raises(StoredModelError, match=r"one of JustFitClassifier, JustFitRegressor. Found 'Oracle'"):
        predict_table(copy, patients)
