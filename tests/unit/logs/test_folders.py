"""Folders: what is a run, what lies below it, what is refused."""

import json
import re
import sqlite3

import pytest

from justfit.errors import LogColumnError, LogFormatError, LogNotFoundError
from justfit.logs import _folder, read_histories, read_history
from tests.unit.logs import texts
from tests.unit.logs.test_formats import TRACKIO, database


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_versions_of_lightning_are_runs(tmp_path):
    for version in "01":
        put(tmp_path / f"lightning_logs/version_{version}/metrics.csv", texts.LIGHTNING)
        put(tmp_path / f"lightning_logs/version_{version}/hparams.yaml", "{}")
    found = read_histories(tmp_path)
    assert [history.source for history in found] == [
        f"{tmp_path}: lightning_logs/version_{version}" for version in "01"
    ]
    assert read_history(tmp_path / "lightning_logs" / "version_1").source.endswith("version_1")


def test_the_last_checkpoint_tells_the_whole_run(tmp_path):
    state = json.loads(texts.TRAINER_STATE)
    put(tmp_path / "checkpoint-10/trainer_state.json", texts.TRAINER_STATE)
    put(tmp_path / "checkpoint-9/trainer_state.json", json.dumps({**state, "log_history": state["log_history"][:3]}))
    put(tmp_path / "checkpoint-11/model.safetensors", "x")
    assert len(read_history(tmp_path).epochs) == 3
    assert len(read_history(tmp_path / "checkpoint-9").epochs) == 1


def test_mlflow_folders(tmp_path):
    for run in ("a1", "b2"):
        put(tmp_path / f"0/{run}/meta.yaml", "name: x")
        put(tmp_path / f"0/{run}/metrics/train_loss", "1 0.9 0\n2 0.7 1\n")
        put(tmp_path / f"0/{run}/metrics/val/loss", "1 1.0 0\n2 nan 1\n")
        put(tmp_path / f"0/{run}/artifacts/metrics.csv", "not,a,log\n")
    put(tmp_path / "0/meta.yaml", "name: Default")
    assert [history.source for history in read_histories(tmp_path)] == [f"{tmp_path}: 0/a1", f"{tmp_path}: 0/b2"]
    history = read_history(tmp_path / "0" / "a1")
    assert (history.train_name, history.validation_name, history.epochs) == ("train_loss", "val/loss", (0, 1))
    assert history.kind == "MLflow metrics (folder)"


def test_mlflow_without_steps_is_numbered(tmp_path):
    put(tmp_path / "meta.yaml", "")
    put(tmp_path / "metrics/loss", "1 0.9 0\n2 0.7 0\n3 0.6 0\n")
    put(tmp_path / "metrics/val_loss", "1 1.0 0\n2 0.9 0\n3 0.8 0\n")
    assert read_history(tmp_path).epochs == (1, 2, 3)


def test_trackio_projects_are_found(tmp_path):
    rows = [(None, "1", "t", "a", step, json.dumps({"loss": 1.0, "val_loss": 1.0})) for step in range(2)]
    database(tmp_path / "project.db", TRACKIO, rows)
    assert read_history(tmp_path).kind == "Trackio metrics (sqlite)"


def test_a_single_table_of_any_name_is_read(tmp_path):
    put(tmp_path / "whatever.csv", texts.KERAS_CSV)
    assert read_history(tmp_path).train_name == "loss"


def test_own_folder_is_read_by_its_record(tmp_path):
    put(tmp_path / "findings.jsonl", '{"code": "JF402", "severity": "error", "why": "", "cure": ""}\n')
    with pytest.raises(LogFormatError, match=r"A log must hold losses\. Found findings of justfit alone in .*Name the"):
        read_history(tmp_path / "findings.jsonl")


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({}, LogNotFoundError, "A folder must hold the log of a run. Found none in"),
        ({"a.csv": "x", "b.csv": "x"}, LogFormatError,
         "A folder must hold one table, or logs under the names their tools give them. Found 2 in"),
        ({"meta.yaml": "", "metrics/x": ""}, LogColumnError, "train and a validation"),
        ({"meta.yaml": "", "metrics/loss": "a b c\n"}, LogFormatError, "must be lines of `timestamp value step`"),
    ],
)  # fmt: skip
def test_folders_that_cannot_be_read(tmp_path, files, error, message):
    for name, text in files.items():
        put(tmp_path / name, text)
    with pytest.raises(error, match=re.escape(message)):
        read_history(tmp_path)


def test_a_run_folder_without_metrics(tmp_path):
    put(tmp_path / "meta.yaml", "")
    (tmp_path / "metrics").mkdir()
    with pytest.raises(LogFormatError, match=r"The folder of an MLflow run must hold metrics\. Found none in"):
        read_history(tmp_path)


def test_too_many_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(_folder, "MOST_FOLDERS", 3)
    for k in range(5):
        (tmp_path / str(k)).mkdir()
    with pytest.raises(LogFormatError, match="A folder of logs must hold at most 3 folders"):
        read_history(tmp_path)


def test_a_database_of_somebody_else(tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE metrics (a, b)")
    connection.close()
    with pytest.raises(LogFormatError, match="A database must be that of Trackio or MLflow"):
        read_history(tmp_path / "other.db")
    database(tmp_path / "empty.db", TRACKIO, [])
    with pytest.raises(LogFormatError, match="A log must hold at least one run"):
        read_history(tmp_path / "empty.db")
    whole = (tmp_path / "empty.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(whole[:100] + b"\x07" * (len(whole) - 100))
    with pytest.raises(LogFormatError, match="A database must be intact and readable"):
        read_history(tmp_path / "cut.db")
