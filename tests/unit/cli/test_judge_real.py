"""The judge on logs whose end is known, with nothing replaced."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from justfit.cli import app
from justfit.logs import read_history
from justfit.rules import judge_history

EPOCHS = np.arange(1, 61)
TRAIN = 0.9 * np.exp(-EPOCHS / 10) + 0.05


def write(path, train, validation, noise=0.005):
    draw = np.random.default_rng(0)
    train, validation = (series + draw.normal(0, noise, EPOCHS.size) for series in (train, validation))
    rows = [f"{e},{t:.5f},{v:.5f}" for e, t, v in zip(EPOCHS, train, validation, strict=True)]
    path.write_text("\n".join(["epoch,train_loss,val_loss", *rows]))
    return path


@pytest.fixture
def logs(tmp_path):
    rising = 0.9 * np.exp(-EPOCHS / 8) + 0.3 + 0.01 * np.clip(EPOCHS - 20, 0, None)
    return {
        "over": write(tmp_path / "over.csv", TRAIN, rising),
        "right": write(tmp_path / "right.csv", TRAIN, 0.9 * np.exp(-EPOCHS / 10) + 0.07),
        "under": write(tmp_path / "under.csv", TRAIN + 0.5, TRAIN + 0.52),
    }


def test_overfitting_is_exit_1_with_its_epoch(logs, run):
    done = run("judge", logs["over"], "--output-format", "json")
    judged = json.loads(done.stdout)["verdict"]
    assert done.exit_code == 1
    assert judged["state"] == "overfitting"
    assert 15 <= judged["best_epoch"] <= 25 < judged["overfitting_since"] + 10
    assert "JF105" in [finding["code"] for finding in judged["findings"]]
    assert judged == json.loads(run("judge", logs["over"], "--output-format", "json").stdout)["verdict"]


def test_a_network_that_fits_is_exit_0(logs, run):
    done = run(
        "judge", logs["right"], "--reference", "0.07", "--reference-name", "gradient boosting", "--constant", "1.0"
    )
    assert done.exit_code == 0, done.stdout
    assert done.stdout.startswith("The network fits")


def test_underfitting_needs_a_reference(logs, run):
    done = run("judge", logs["under"], "--reference", "0.07", "--reference-name", "boosting", "--constant", "1.0")
    assert done.stdout.startswith("The network underfits")
    assert "boosting" in done.stdout


def test_the_command_says_what_the_function_says(logs, run):
    judged = json.loads(run("judge", logs["over"], "--output-format", "json").stdout)["verdict"]
    verdict = judge_history(read_history(logs["over"]))
    assert (judged["state"], judged["probability"]) == (verdict.state, verdict.probability)


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github", "junit"])
def test_every_form_of_every_log(logs, run, form):
    for path in logs.values():
        done = run("judge", path, "--output-format", form, "--html", path.with_suffix(".html"))
        assert done.exit_code in (0, 1), done.stderr
        assert path.with_suffix(".html").stat().st_size < 500_000


def test_a_pipeline_ends_quietly(logs):
    script = "from justfit.cli import main; main()"
    pipe = subprocess.PIPE
    with logs["over"].open("rb") as log:
        judge = subprocess.Popen([sys.executable, "-c", script, "judge", "-"], stdin=log, stdout=pipe, stderr=pipe)
    with judge:
        assert judge.stdout.readline().startswith(b"The network overfits from epoch")
        judge.stdout.close()
        assert judge.stderr.read() == b""


def test_an_epoch_of_infinity_at_the_end_is_not_judged(tmp_path, run):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,val_loss\n" + "".join(f"{e},{1 / e},{1.2 / e}\n" for e in range(1, 9)) + "9,inf,nan\n")
    text = run("judge", path).stdout
    assert text.startswith("Over- or underfitting cannot be told from this history.")
    assert "2 values" not in text
    assert "1 values of `loss` are NaN or infinite" in " ".join(text.split())


NUMBERS = st.one_of(st.none(), st.floats(), st.floats(0, 3), st.integers(-5, 40))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20), metric=st.sampled_from(["loss", "acc"]))
def test_any_numbers_are_judged_and_drawn_or_refused(tmp_path, rows, metric):
    path = tmp_path / "log.csv"
    cells = [",".join("" if value is None else str(value) for value in row) for row in rows]
    path.write_text("\n".join([f"train_{metric},val_{metric}", *cells]))
    done = CliRunner().invoke(app, ["judge", str(path), "--html", str(tmp_path / "v.html")])
    assert done.exit_code in (0, 1, 2), done.output
    if done.exit_code < 2:
        assert "<svg" in (tmp_path / "v.html").read_text("utf-8")
