"""What docs/judge.md shows is run; its table names every tool whose logs are read."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from justfit.cli import app
from justfit.logs import TOOLS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "judge.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ justfit (.*)$", TEXT, re.MULTILINE)


@pytest.fixture
def log(tmp_path, monkeypatch):
    rows = "\n".join(f"{e},{e * 10},{0.7 / e:.4f},{0.7 / e + 0.01 * e:.4f}" for e in range(1, 41))
    for path in (tmp_path / "metrics.csv", tmp_path / "runs" / "a" / "metrics.csv"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"epoch,step,train_loss,val_loss\n{rows}\n")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(log, command):
    done = CliRunner().invoke(app, shlex.split(command, comments=True))
    assert done.exit_code == 1, done.stderr  # the log overfits
    assert "overfit" in done.stdout


def test_the_program_runs(log):
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names = {}
    exec(compile(code, "docs/judge.md", "exec"), names)  # noqa: S102 - our own text
    assert names["verdict"].state == "overfitting"
    assert names["history"].validation_name == "val_loss"


def test_every_tool_has_a_row():
    rows = [row.split("|")[1].strip() for row in TEXT.splitlines() if row.startswith("| ")][1:]
    named = {tool.words.split()[0] for name, tool in TOOLS.items() if name != "table"}
    assert {row.split()[0] for row in rows} == named | {"a"}
    assert len(COMMANDS) == 4
