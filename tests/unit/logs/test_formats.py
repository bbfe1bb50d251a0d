"""Every format, from text as the tool writes it: which columns, which numbers, which tool."""

import gzip
import json
import sqlite3
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from justfit.errors import LogFormatError
from justfit.logs import _sqlite, read_histories, read_history, read_runs
from justfit.records import History, Judgement, LossBins, to_json
from tests.unit.logs import texts
from tests.unit.logs.records import record, verdict

NAN = float("nan")


def same(got, want):
    np.testing.assert_allclose(got, want, rtol=1e-12)
    return True


@pytest.mark.parametrize(
    ("name", "text", "epochs", "train", "validation", "columns", "kind"),
    [
        ("metrics.csv", texts.LIGHTNING, (0, 1, 2), (3.0, 1.4, 0.6), (1.7, 0.8, 0.4),
         ("train_loss_epoch", "val_loss"), "Lightning CSVLogger (csv)"),
        ("log", texts.KERAS_CSV, (0, 1, 2), (0.9, 0.7, 0.5), (1.0, 0.9, 0.8), ("loss", "val_loss"),
         "Keras history (csv)"),
        ("log.tsv", texts.KERAS_CSV.replace(",", "\t"), (0, 1, 2), (0.9, 0.7, 0.5), (1.0, 0.9, 0.8),
         ("loss", "val_loss"), "Keras history (csv)"),
        ("log.csv", "\ufeff" + texts.KERAS_CSV.replace(",", ";").replace(".", ","), (0, 1, 2), (0.9, 0.7, 0.5),
         (1.0, 0.9, 0.8), ("loss", "val_loss"), "Keras history (csv)"),
        ("history.csv", texts.FASTAI, (0, 1, 2), (0.9, 0.7, 0.5), (1.0, 0.9, 0.8), ("train_loss", "valid_loss"),
         "fastai CSVLogger (csv)"),
        ("results.csv", texts.ULTRALYTICS, (1, 2), (3.5, 2.0), (4.5, 3.5), ("train/loss", "val/loss"),
         "Ultralytics results (csv)"),
        ("results.csv", texts.ULTRALYTICS_PADDED, (0, 1), (1.5, 1.0), (2.0, 1.5), ("train/loss", "val/loss"),
         "Ultralytics results (csv)"),
        ("trainer_state.json", texts.TRAINER_STATE, (1, 2, 3), (1.1, 0.7, 0.4), (1.1, 0.9, 0.8), ("loss", "eval_loss"),
         "Hugging Face trainer state (json)"),
        ("run.csv", texts.WANDB_CSV, (0, 1), (0.9, 0.7), (1.0, 0.9), ("train/loss", "val/loss"), "W&B history (csv)"),
        ("m.csv", texts.MLFLOW_CSV, (0, 1), (0.9, 0.7), (1.0, 0.9), ("train_loss", "val_loss"), "MLflow metrics (csv)"),
        ("history.json", texts.KERAS_JSON, (1, 2, 3), (0.9, 0.7, 0.5), (1.0, NAN, 0.8), ("loss", "val_loss"),
         "Keras history (json)"),
        ("history.json", texts.SKORCH, (1, 2), (0.9, 0.7), (1.0, 0.9), ("train_loss", "valid_loss"),
         "skorch history (json)"),
        ("log.jsonl", texts.JSON_LINES, (20, 40), (0.8, 0.4), (1.0, 0.8), ("train.loss", "val.loss"),
         "table (json lines)"),
    ],
)  # fmt: skip
def test_text_logs(tmp_path, name, text, epochs, train, validation, columns, kind):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    history = read_history(path)
    assert history.epochs == epochs
    assert same(history.train_loss, train)
    assert same(history.validation_loss, validation)
    assert (history.train_name, history.validation_name) == columns
    assert history.kind == kind
    assert history.source == str(path)
    assert history.direction == "minimize"


@pytest.mark.parametrize(
    ("text", "train_mode"),
    [(texts.KERAS_CSV, True), (texts.TRAINER_STATE, True), (texts.LIGHTNING, True), (texts.SKORCH, True),
     (texts.WANDB_CSV, None), ("epoch,train_loss,val_loss\n1,0.9,1.0\n2,0.8,0.9\n", None)],
)  # fmt: skip
def test_train_mode_is_known_where_the_tool_decides_it(tmp_path, text, train_mode):
    path = tmp_path / "log"
    path.write_text(text)
    assert read_history(path).train_mode is train_mode


def test_gzip_parquet_and_a_stream_read_as_the_text_does(tmp_path):
    packed, parquet = tmp_path / "log.csv.gz", tmp_path / "log.parquet"
    packed.write_bytes(gzip.compress(texts.KERAS_CSV.encode()))
    pl.read_csv(texts.KERAS_CSV.encode()).write_parquet(parquet)
    (tmp_path / "log.csv").write_text(texts.KERAS_CSV)
    with (tmp_path / "log.csv").open("rb") as stream:
        streamed = read_history(stream)
    for history in (read_history(packed), read_history(parquet), streamed):
        assert history.validation_loss == (1.0, 0.9, 0.8)
    assert read_history(parquet).kind == "Keras history (parquet)"


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        (texts.WANDB_PANEL, {"brave-fox-1": (1.0, 0.9), "calm-sea-2": (0.9, 0.8)}),
        (texts.TRACKIO_CSV, {"mild-wind": (1.0, 0.9), "wild-wind": (1.1, NAN)}),
        (texts.MLFLOW_CSV + texts.MLFLOW_CSV.partition("\n")[2].replace("a1", "b2").replace("1.0", "2.0"),
         {"a1": (1.0, 0.9), "b2": (2.0, 0.9)}),
    ],
)  # fmt: skip
def test_tables_of_several_runs(tmp_path, text, runs):
    path = tmp_path / "export.csv"
    path.write_text(text)
    found = read_histories(path)
    assert [history.source for history in found] == [f"{path}: {run}" for run in runs]
    for history, validation in zip(found, runs.values(), strict=True):
        assert same(history.validation_loss, validation)
    with pytest.raises(LogFormatError, match=r"`read_history` reads one run\. Found 2 in .*export\.csv"):
        read_history(path)


def test_a_run_without_the_pair_is_left_out_and_said(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("run,epoch,train_loss,val_loss,lr\na,1,0.9,1.0,\na,2,0.8,0.9,\nb,1,0.9,,\nb,2,0.8,,\n")
    (history,) = read_histories(path)
    assert history.source.endswith(": a")
    assert "1 of 2 runs have no such pair of columns; they are left out." in history.notes


def database(path, statements, rows):
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
        for row in rows:
            connection.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
    connection.close()


TRACKIO = (
    "CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp TEXT NOT NULL, "
    "run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL)",
)


def test_trackio_database(tmp_path):
    path = tmp_path / "project.db"
    rows = [
        (None, "1", "t", "mild-wind", step, json.dumps({"train/loss": 1.0 - step / 10, "eval/loss": value}))
        for step, value in enumerate((1.2, "NaN", 1.0))
    ]
    database(path, TRACKIO, rows)
    before = {entry: entry.stat().st_mtime_ns for entry in tmp_path.iterdir()}
    history = read_history(path)
    assert (history.train_name, history.validation_name, history.epoch_name) == ("train/loss", "eval/loss", "step")
    assert same(history.validation_loss, (1.2, NAN, 1.0))
    assert history.kind == "Trackio metrics (sqlite)"
    assert {entry: entry.stat().st_mtime_ns for entry in tmp_path.iterdir()} == before  # read-only


def test_trackio_database_of_two_runs_of_one_name(tmp_path):
    path = tmp_path / "project.db"
    rows = [
        (None, run, "t", "same", step, json.dumps({"loss": 1.0, "val_loss": 1.0})) for run in "12" for step in range(2)
    ]
    database(path, TRACKIO, rows)
    assert [history.source for history in read_histories(path)] == [f"{path}: same 1", f"{path}: same 2"]


def test_mlflow_database(tmp_path):
    path = tmp_path / "mlflow.db"
    statements = (
        "CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250))",
        "CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32), step BIGINT, "
        "is_nan BOOLEAN)",
        "INSERT INTO runs VALUES ('a1', 'first')",
    )
    rows = [("train_loss", 1.0 - k / 10, k, "a1", k, 0) for k in range(3)]
    rows += [("val_loss", 1.2, 0, "a1", 0, 0), ("val_loss", 0.0, 1, "a1", 1, 1), ("val_loss", 1.0, 2, "a1", 2, 0)]
    database(path, statements, rows)
    history = read_history(path)
    assert same(history.validation_loss, (1.2, NAN, 1.0))
    assert history.kind == "MLflow metrics (sqlite)"


def test_own_records_come_back(tmp_path):
    history = History(
        epochs=(1, 2), train_loss=(0.9, 0.7), validation_loss=(1.0, NAN), train_mode=False, kind="loop", notes=("seen",)
    )
    for name, text in (
        ("history.json", to_json(history)),
        ("verdict.json", to_json(Judgement(history=history, verdict=verdict()))),
        ("record.json", to_json(record(history))),
    ):
        path = tmp_path / name
        path.write_text(text)
        read = read_history(path)
        assert (read.epochs, read.train_loss, read.notes, read.train_mode) == ((1, 2), (0.9, 0.7), ("seen",), False)
    ((_, findings),) = read_runs(tmp_path / "record.json")
    assert [finding.code for finding in findings] == ["JF402"]
    ((_, findings),) = read_runs(tmp_path / "verdict.json")
    assert findings == ()


def test_a_record_without_epochs_has_the_losses_of_its_steps(tmp_path):
    path = tmp_path / "record.json"
    empty = record(History(epochs=(), train_loss=(), validation_loss=()))
    path.write_text(to_json(empty))
    with pytest.raises(
        LogFormatError, match=r"The record of a watched run must hold losses\. Found none in .*end_epoch"
    ):
        read_history(path)
    bins = LossBins(
        first_step=(1, 11), num_steps=(10, 10), mean=(2.0, 1.0), std=(0.1, 0.1), minimum=(1.8, 0.8), maximum=(2.2, 1.2)
    )
    path.write_text(to_json(replace(empty, evidence=replace(empty.evidence, losses=bins))))
    ((history, findings),) = read_runs(path)
    assert (history.epochs, history.train_loss, history.epoch_name) == ((1, 11), (2.0, 1.0), "step")
    assert all(loss != loss for loss in history.validation_loss)
    assert len(findings) == 1
    assert history.notes == ("The loop told no epochs (`run.end_epoch`), so there is no validation loss.",)


def test_a_view_is_no_table_of_a_database(tmp_path):
    """It may be a query without an end."""
    path = tmp_path / "project.db"
    endless = (
        "CREATE VIEW metrics AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) "
        "SELECT i AS id, 'a' AS run_name, i AS step, '{}' AS metrics FROM n WHERE i < 0"
    )
    database(path, (endless,), ())
    with pytest.raises(LogFormatError, match=r"Trackio or MLflow, with a table `metrics` of theirs\. Found another"):
        read_history(path)


def test_a_database_is_bounded_in_size_and_time(tmp_path, monkeypatch):
    path = tmp_path / "project.db"
    rows = [(None, "1", "t", "a", step, '{"loss": 1.0, "val_loss": 1.0}') for step in range(3000)]
    database(path, TRACKIO, rows)
    monkeypatch.setattr(_sqlite, "MOST_SECONDS", 0.0)
    with pytest.raises(LogFormatError, match=r"must be read within 0 seconds\. Found more for .*Export the losses"):
        read_history(path)
    monkeypatch.setattr(_sqlite, "MOST_BYTES", 1000)
    with pytest.raises(LogFormatError, match=r"A log must have at most 1,000 bytes\. Found .* in `.*project\.db`"):
        read_history(path)
