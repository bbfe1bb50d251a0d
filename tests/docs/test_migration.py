"""The page for users of SageMaker Debugger: its table is current, and its code runs."""

import re
import runpy
from pathlib import Path

import pytest

from justfit.rules import ALIASES

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "migrate-from-sagemaker-debugger.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_table_is_current():
    current = runpy.run_path(str(DOCS / "generate_migration.py"))["page"]()
    assert current == TEXT, "run `python docs/generate_migration.py`"


@pytest.mark.parametrize("name", ALIASES)
def test_every_rule_has_a_row(name):
    rows = [line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    assert re.findall(r"\[(JF\d+)\]", rows[0]) == list(ALIASES[name].codes)


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_the_code_runs(code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "migrate-from-sagemaker-debugger.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - ours
    assert Path("watched/record.json").is_file()
    assert capsys.readouterr().out


def test_it_has_code_before_and_after():
    assert len(PYTHON) == 1
    assert "rule_configs.vanishing_gradient()" in TEXT
