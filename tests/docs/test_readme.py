"""What the README shows is run: its Python examples, its commands, its links."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
CONSOLE = [line[2:] for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python_examples_run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})  # noqa: S102 - the README is ours


def test_commands_of_the_first_example_run(tmp_path, monkeypatch, capsys):
    from sklearn.datasets import load_breast_cancer

    from justfit.cli import main

    monkeypatch.chdir(tmp_path)
    frame = load_breast_cancer(as_frame=True).data.head(20)
    frame.to_csv("patients.csv", index=False)
    commands = [shlex.split(line) for line in CONSOLE if line.startswith("justfit ")]
    assert [words[1] for words in commands] == ["fit", "predict"]
    for words in commands:
        with pytest.raises(SystemExit) as stopped:
            main(words[1:])
        assert stopped.value.code == 0, capsys.readouterr().err
    assert len(Path("predictions.csv").read_text().splitlines()) == 21
    assert Path("fitted/report.html").exists()


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [line.split()[1] for line in CONSOLE if line.startswith("make ")]
    assert targets == ["demo", "test"]
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_readme_is_short():
    assert len(README.splitlines()) <= 140
