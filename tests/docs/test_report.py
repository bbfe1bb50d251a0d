"""What docs/report.md shows is run."""

import re
import shlex
from pathlib import Path

import matplotlib.axes
import numpy as np
import pytest
from typer.testing import CliRunner

import justfit
from justfit.cli import app

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
REPORTS = re.findall(r"^\$ justfit (report .*)$", TEXT, re.MULTILINE)
LABS = re.findall(r"^\$ justfit (lab .*)$", TEXT, re.MULTILINE)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored")
    epochs = np.arange(1, 41)
    verdict = justfit.judge(0.7 / epochs, 0.7 / epochs + 0.01 * epochs)
    text = justfit.records.to_json(verdict)
    for name in ("fitted/result.json", "watched/record.json"):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("command", REPORTS)
def test_every_report_command_runs(stored, monkeypatch, command):
    monkeypatch.chdir(stored)
    done = CliRunner().invoke(app, shlex.split(command))
    assert done.exit_code == 0, done.stderr
    assert len(REPORTS) == 3


def test_the_program_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names = {}
    exec(compile(code, "docs/report.md", "exec"), names)  # noqa: S102 - our own text
    assert isinstance(names["axes"], matplotlib.axes.Axes)
    assert (tmp_path / "verdict.pdf").read_bytes().startswith(b"%PDF")
    assert names["page"].startswith("<!doctype html>")


@pytest.mark.parametrize("command", LABS)
def test_every_option_of_the_lab_is_known(command):
    options = re.findall(r"--[a-z-]+", command)
    assert options
    shown = CliRunner().invoke(app, ["lab", "--help"], env={"COLUMNS": "200"}).stdout
    assert all(option in shown for option in options)
