"""What the README shows is run: its Python examples, its commands, its links."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXT = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
CONSOLE = [line[2:] for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python_examples_run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - the README is ours


def test_commands_of_the_first_example_run(tmp_path, monkeypatch, capsys):
    from sklearn.datasets import load_breast_cancer

    from justfit.cli import main

    monkeypatch.chdir(tmp_path)
    frame = load_breast_cancer(as_frame=True).data.head(20)
    frame.to_csv("patients.csv", index=False)
    commands = [shlex.split(line) for line in CONSOLE if line.startswith("justfit ")]
    assert [words[1] for words in commands] == ["fit", "predict", "check", "check", "judge", "cure"]
    for words in commands[:2]:
        with pytest.raises(SystemExit) as stopped:
            main(words[1:])
        assert stopped.value.code == 0, capsys.readouterr().err
    assert len(Path("predictions.csv").read_text().splitlines()) == 21
    assert Path("fitted/report.html").exists()


def test_the_linter_finds_what_is_shown(tmp_path, monkeypatch, capsys):
    from justfit.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    (code,) = [code for code in PYTHON if code.startswith("# deep.py\n")]
    Path("deep.py").write_text(code)
    (shown,) = TEXT
    printed = ""
    for line, exit_code in zip([line for line in CONSOLE if line.startswith("justfit check")], (1, 0), strict=True):
        with pytest.raises(SystemExit) as stopped:
            main(shlex.split(line)[1:])
        out, err = capsys.readouterr()
        assert stopped.value.code == exit_code, err
        printed += out
    findings = re.findall(r"^deep\.py:\d+: JF\d+ \w+", shown, re.MULTILINE)
    assert findings
    for words in (*findings, *re.findall(r"^Most trainable: \w+", shown, re.MULTILINE)):
        assert words in printed


def test_the_watched_run_is_judged_as_shown(tmp_path, monkeypatch, capsys):
    from justfit.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    (code,) = [code for code in PYTHON if "justfit.watch(" in code]
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - the README is ours
    (line,) = [line for line in CONSOLE if line.startswith("justfit judge")]
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(shlex.split(line)[1:])
    printed = capsys.readouterr().out
    assert stopped.value.code == 1, printed
    # other machines round differently: the words, not the numbers
    said, promised = (re.sub(r"\d+(\.\d+)?", "#", text) for text in (printed, README))
    shown = promised.split("$ justfit judge watched/record.json\n")[1].split("```")[0].splitlines()
    assert len(shown) == 2
    for line in shown:
        assert line in said


def test_the_recipe_is_cured_as_shown(tmp_path, monkeypatch, capsys):
    from justfit.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    (code,) = [code for code in PYTHON if code.startswith("# net.py\n")]
    Path("net.py").write_text(code)
    (line,) = [line for line in CONSOLE if line.startswith("justfit cure")]
    with pytest.raises(SystemExit) as stopped:
        main(shlex.split(line)[1:])
    printed = capsys.readouterr().out
    assert stopped.value.code == 1, printed
    assert README.split("$ justfit cure net.py:recipe\n")[1].split("```")[0].strip() in printed


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
    assert len(README.splitlines()) <= 156
