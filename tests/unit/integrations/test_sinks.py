"""Sinks, with the packages they write to; nothing leaves the machine."""

import contextlib
import json
import math
import re
import sqlite3
import sys
import warnings
from dataclasses import replace

import pytest

from justfit.errors import ArgumentError, MissingExtraError, OutputError
from justfit.integrations import JsonLinesSink, MlflowSink, TensorBoardSink, WandbSink
from justfit.records import Finding

FOUND = Finding(
    code="JF404", name="exploding gradient", severity="error", where="blocks[1].conv", value=9.0, threshold=3.0,
    unit="e-foldings", why="It diverges.", when_wrong="Never.", cure="Lower the learning rate.", since=7,
)  # fmt: skip
VALUES = {"train_loss": 0.5, "gradient_norm/blocks[1].conv": 2.0, "validation_loss": math.nan}


def fill(sink):
    sink.log(VALUES, 3)
    sink.log({"train_loss": 0.25}, 4)
    sink.finding(FOUND)
    sink.close()


def test_json_lines(tmp_path):
    path = tmp_path / "watch.jsonl"
    fill(JsonLinesSink(path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {"step": 3, "values": {**VALUES, "validation_loss": None}}
    assert lines[1] == {"step": 4, "values": {"train_loss": 0.25}}
    assert (lines[2]["finding"]["code"], lines[2]["finding"]["since"]) == ("JF404", 7)


def test_json_lines_are_on_disk_before_they_are_closed_and_are_added_to(tmp_path):
    path = tmp_path / "watch.jsonl"
    for step in (1, 2):
        sink = JsonLinesSink(path)
        sink.log({"train_loss": 1.0}, step)
        assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == list(range(1, step + 1))
    sink.close()
    sink.log({}, 3)
    assert len(path.read_text().splitlines()) == 3


def test_json_lines_that_cannot_be_written(tmp_path):
    with pytest.raises(
        OutputError,
        match=r"must be a file that lines can be added to\. Found `No such file or directory`\. Choose another place",
    ):
        JsonLinesSink(tmp_path / "none" / "watch.jsonl").log({}, 1)


@pytest.mark.parametrize("own", [True, False], ids=["folder", "writer"])
def test_tensorboard(tmp_path, own):
    pytest.importorskip("tensorboard", reason="pip install 'justfit[tensorboard]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    writer = tmp_path if own else SummaryWriter(str(tmp_path))
    fill(TensorBoardSink(writer))
    if not own:
        writer.add_scalar("after", 1.0, 1)  # it is still open
        writer.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    losses = events.Scalars("justfit/train_loss")
    assert [(event.step, event.value) for event in losses] == [(3, 0.5), (4, 0.25)]
    assert events.Scalars("justfit/gradient_norm/blocks[1].conv")[0].value == 2.0
    assert "justfit/validation_loss" not in events.Tags()["scalars"]
    assert ("after" in events.Tags()["scalars"]) is not own
    (text,) = events.Tensors("justfit/findings/JF404/text_summary")
    assert text.step == 7
    assert b"exploding gradient" in text.tensor_proto.string_val[0]


def test_mlflow(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="pip install 'justfit[mlflow]'")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # its skinny package has no other store without a server
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    with pytest.raises(
        ArgumentError, match=r"A run of MLflow must be active or named\. Found neither\. Put the loop into"
    ):
        MlflowSink()
    with mlflow.start_run() as run:
        fill(MlflowSink())
        mlflow.log_metric("after", 1.0)  # it is still open
    MlflowSink(run.info.run_id).log({"late": 2.0}, 9)
    deep = MlflowSink(run.info.run_id, prefix="")
    deep.finding(replace(FOUND, where="block." * 60))  # longer than MLflow takes
    deep.log({"after" + "_" * 300: 3.0}, 9)
    stored = mlflow.get_run(run.info.run_id)
    assert max(map(len, stored.data.tags)) == 250
    assert stored.data.metrics.pop("after" + "_" * 245) == 3.0
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "justfit/train_loss")
    assert [(metric.step, metric.value) for metric in history] == [(3, 0.5), (4, 0.25)]
    assert stored.data.metrics == {
        "justfit/train_loss": 0.25, "justfit/gradient_norm/blocks_1_.conv": 2.0, "after": 1.0, "justfit/late": 2.0,
    }  # fmt: skip
    tag = stored.data.tags["justfit.JF404.blocks_1_.conv"]
    assert re.fullmatch(r"error: exploding gradient, .* since step 7", tag)


class Run:
    """What Trackio's run has of W&B's interface; it keeps what it is given."""

    def __init__(self):
        self.logged = []
        self.alerts = []

    def log(self, metrics, step=None):
        self.logged.append((metrics, step))

    def alert(self, title, text=None, level="WARN"):
        self.alerts.append((title, text, level))


def test_what_has_the_interface_of_wandb():
    run = Run()
    fill(WandbSink(run))
    assert run.logged == [
        ({"justfit/step": 3, "justfit/train_loss": 0.5, "justfit/gradient_norm/blocks[1].conv": 2.0}, None),
        ({"justfit/step": 4, "justfit/train_loss": 0.25}, None),
    ]
    assert run.alerts == [
        (
            "JF404 exploding gradient",
            "blocks[1].conv: 9 e-foldings, threshold 3. Lower the learning rate.",
            "ERROR",
        )
    ]
    quiet = Run()
    fill(WandbSink(quiet, alerts=False))
    assert quiet.alerts == []
    with pytest.raises(ArgumentError, match=r"`run` must have the method `log`.* Found `str`\. Give the module after"):
        WandbSink("project")


def test_trackio(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    trackio = pytest.importorskip("trackio", reason="pip install trackio")
    run = trackio.init(project="justfit", name="run", embed=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Trackio only warns of a call that it does not understand
        for given in (trackio, run):
            fill(WandbSink(given))
    trackio.finish()
    with contextlib.closing(sqlite3.connect(tmp_path / "justfit.db")) as database:
        logged = [json.loads(row) for (row,) in database.execute("select metrics from metrics order by id")]
        alerts = database.execute("select title, level from alerts").fetchall()
    assert logged[1] == logged[3] == {"justfit/step": 4, "justfit/train_loss": 0.25}
    assert alerts == [("JF404 exploding gradient", "error")] * 2


def test_wandb(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb", reason="pip install 'justfit[wandb]'")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = wandb.init(project="justfit", dir=str(tmp_path), settings=wandb.Settings(console="off"))
    try:
        sink = WandbSink(run)
        wandb.log({"mine": 1.0}, step=10)  # the loop's own steps are ahead of the sink's
        fill(sink)
        wandb.log({"mine": 2.0}, step=20, commit=True)
        assert run.summary["justfit/train_loss"] == 0.25
        assert run.summary["justfit/step"] == 4
        assert run.summary["mine"] == 2.0
        fill(WandbSink(wandb))
    finally:
        run.finish()
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))


@pytest.mark.parametrize(
    ("make", "package", "extra"),
    [
        (lambda folder: TensorBoardSink(str(folder)), "tensorboard", "tensorboard"),
        (lambda folder: MlflowSink("x"), "mlflow", "mlflow"),
    ],
)
def test_a_missing_package_names_its_extra(monkeypatch, tmp_path, make, package, extra):
    monkeypatch.setitem(sys.modules, package, None)  # what Python does for a package that is not there
    with pytest.raises(
        MissingExtraError,
        match=rf"^The package `{package}` must be installed\. Found no module `{package}`\. "
        rf"Install it with `pip install 'justfit\[{extra}\]'`\.$",
    ):
        make(tmp_path)
