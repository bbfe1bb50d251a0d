"""The linter's command line: what reaches the measuring, what is printed, how it ends."""

import json
from xml.etree import ElementTree as ET

import pytest
import torch
from torch import nn

import justfit.checkup
import justfit.rules
from tests.unit.cli.checkups import FINDINGS, Measuring

NETS = """
import torch
from torch import nn
print("a print while importing")

def build():
    print("a print while building")
    return nn.Sequential(nn.Linear(4, 3))

def full():
    return build(), torch.ones(2, 4), torch.zeros(2, 3), nn.MSELoss()

def broken():
    raise ValueError("no weights\\nat all")
"""


@pytest.fixture
def measuring(tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    stand_in = Measuring()
    monkeypatch.setattr(justfit.checkup, "check", stand_in.check, raising=False)
    monkeypatch.setattr(justfit.checkup, "compare", stand_in.compare, raising=False)
    monkeypatch.setattr(justfit.rules, "judge_signals", stand_in.judge)
    return stand_in


def test_the_network_and_its_batch_arrive(measuring, run):
    done = run("check", "nets.py:full")
    assert done.exit_code == 1
    ((module, inputs, arguments),) = measuring.calls
    assert isinstance(module, nn.Sequential)
    assert torch.equal(inputs[0], torch.ones(2, 4))
    assert isinstance(arguments["loss_fn"], nn.MSELoss)
    assert arguments["targets"].shape == (2, 3)


def test_every_option_arrives(measuring, run):
    run("check", "nets.py:build", "--input", "6,4", "--input", "bias=5:int3", "--batch", "7", "--seed", "5")
    ((_, inputs, arguments),) = measuring.calls
    assert inputs[0].shape == (7, 4)
    assert arguments["bias"].shape == (7,)
    assert arguments["bias"].dtype == torch.int64
    assert arguments["targets"] is None
    run("check", "nets.py:build", "--classes", "3")
    assert measuring.calls[-1][2]["targets"].shape == (64,)
    run("check", "nets.py:build", "--data", "wine", "--target", "alcohol")
    assert measuring.calls[-1][1][0].shape == (64, 13)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", 1),
        ("--fail-on error", 1),
        ("--fail-on never", 0),
        ("--fail-on error --ignore JF206", 0),
        ("--ignore JF206", 1),
        ("--ignore JF206,jf3", 0),
        ("--ignore JF206 --ignore JF302 --fail-on info", 1),
        ("--select JF205", 0),
        ("--select JF205 --fail-on info", 1),
        ("--select JF5", 0),
        ("--select JF --ignore JF2 --select JF206 --fail-on error", 1),  # the longer code decides
    ],
)
def test_exit_codes_are_those_of_a_linter(measuring, run, words, code):
    done = run("check", "nets.py:build", *words.split())
    assert done.exit_code == code, done.stderr
    assert "error:" not in done.stderr


def test_a_healthy_network_is_exit_0(measuring, run):
    measuring.findings = ()
    assert run("check", "nets.py:build", "--fail-on", "info").exit_code == 0


def test_text_has_the_findings_that_are_selected(measuring, run):
    text = run("check", "nets.py:build", "--ignore", "JF302").stdout
    assert "JF206" in text
    assert "encoder.0" in text
    assert "JF302" not in text


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github", "junit"])
def test_what_the_users_code_prints_goes_to_stderr(measuring, run, form):
    done = run("check", "nets.py:build", "--output-format", form)
    assert "a print" not in done.stdout
    for place in ("while importing", "while building", "inside the network"):
        assert f"a print {place}\n" in done.stderr


def test_formats_for_programs_are_whole(measuring, run):
    def read(form):
        return run("check", "nets.py:build", "--ignore", "JF302", "--output-format", form).stdout

    assert [entry["code"] for entry in json.loads(read("json"))["findings"]] == ["JF206", "JF205"]
    (log,) = json.loads(read("sarif"))["runs"]
    assert [result["ruleId"] for result in log["results"]] == ["JF206", "JF205"]
    listed = {rule["id"] for rule in log["tool"]["driver"]["rules"]}
    assert {"JF204", "JF501"} <= listed
    assert not {"JF101", "JF302"} & listed  # neither judged losses nor ignored
    assert len(ET.fromstring(read("junit")).findall(".//failure")) == 1  # noqa: S314 - our own text
    assert [line.split(" ")[0] for line in read("github").splitlines()] == ["::error", "::notice"]


def test_files_are_written_and_stdout_stays_empty(measuring, run, tmp_path):
    done = run("check", "nets.py:build", "--output-format", "json", "--out", "c.json", "--html", "c.html")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.endswith("written: c.json\nwritten: c.html\n")
    assert len(json.loads((tmp_path / "c.json").read_text())["findings"]) == len(FINDINGS)
    assert "<html" in (tmp_path / "c.html").read_text()
    run("check", "nets.py:build", "--out", "c.txt")
    text = (tmp_path / "c.txt").read_text("utf-8")
    assert "JF206" in text
    assert "\x1b" not in text


def test_a_place_that_cannot_be_written_is_exit_2(measuring, run):
    done = run("check", "nets.py:build", "--out", "nowhere/c.txt")
    assert done.exit_code == 2
    assert "`nowhere/c.txt` must be a place where a file can be written" in done.stderr


def test_compare_prints_every_scheme_and_is_exit_0(measuring, run, tmp_path):
    words = ("check", "nets.py:full", "--compare", "zero, normal:0.01,auto", "--seed", "3")
    done = run(*words, "--html", "c.html")
    assert done.exit_code == 0
    ((build, inputs, arguments),) = measuring.calls
    assert isinstance(build(), nn.Sequential)
    assert inputs[0].shape == (2, 4)
    assert arguments["schemes"] == ("zero", "normal:0.01", "auto")
    assert arguments["seed"] == 3
    assert "normal" in done.stdout
    assert "it could not be applied" in done.stdout
    assert "<html" in (tmp_path / "c.html").read_text()
    listed = json.loads(run(*words, "--output-format", "json").stdout)
    assert [scheme["scheme"] for scheme in listed["schemes"]] == ["zero", "normal:0.01", "auto"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "A network must be named. Found none. Write `justfit check package.module:name`"),
        ("nets", "A network must be named as `package.module:name`"),
        ("nets.py:biuld", "Found no `biuld`. Did you mean `build`?"),
        ("nets.py:broken", "Found `ValueError: no weights at all` at nets.py:14."),
        ("nets.py:build --select JF9", "`--select` must hold rule codes such as JF204"),
        ("nets.py:build --ignore JF2O4", "Found `JF2O4`. Did you mean `JF204`?"),
        ("nets.py:build --select J", "Found `J`."),
        ("nets.py:build --select JF2,", "Found ``."),
        ("nets.py:build --compare he --output-format sarif", "A comparison is printed as text or json. Found `sarif`"),
        ("nets.py:build --data wine --input 3,4", "both the shape `3,4` and the file `wine`"),
        ("nets.py:build --fail-on fatal", "'fatal' is not one of"),
        ("nets.py:build --output-format xml", "'xml' is not one of"),
        ("nets.py:build --classes 1", "Invalid value for '--classes'"),
        ("nets.py:build --batch 0", "Invalid value for '--batch'"),
    ],
)
def test_wrong_usage_is_exit_2_and_measures_nothing(measuring, run, words, message):
    done = run("check", *words.split())
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert measuring.calls == []


def test_debug_shows_the_users_traceback(measuring, run, monkeypatch):
    monkeypatch.setenv("JUSTFIT_DEBUG", "1")
    done = run("check", "nets.py:broken")
    assert done.exit_code == 2
    assert 'raise ValueError("no weights' in done.stderr


def test_inputs_that_do_not_fit_are_bad_input_and_not_a_fault(measuring, run):
    measuring.error = RuntimeError("mat1 and mat2")
    done = run("check", "nets.py:build", "--input", "2,5", "--output-format", "json")
    assert done.exit_code == 2
    assert "The network must run on its inputs, float32 of shape (2, 5). Found `RuntimeError: mat1" in done.stderr
    assert done.stdout == ""


def test_a_fault_of_justfit_is_exit_3(measuring, run):
    measuring.error = KeyError("layer 3")
    done = run("check", "nets.py:build")
    assert done.exit_code == 3
    assert "internal error: KeyError: 'layer 3'" in done.stderr


def test_too_little_memory_advises_a_smaller_batch(measuring, run):
    measuring.error = MemoryError()
    done = run("check", "nets.py:build")
    assert done.exit_code == 3
    assert "Use a smaller batch with `--batch`" in done.stderr


def test_the_projects_settings_hold_where_the_command_line_is_silent(measuring, run, tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.justfit]\nmodule = "nets.py:build"\ninput = "3,4"\nignore = ["JF206"]\nfail-on = "error"\n'
        'output-format = "json"\n[tool.justfit.per-layer-ignores]\n"encoder.*" = ["JF3"]\n'
    )
    done = run("check")
    assert done.exit_code == 0
    assert [entry["code"] for entry in json.loads(done.stdout)["findings"]] == ["JF205"]
    assert measuring.calls[-1][1][0].shape == (3, 4)
    assert run("check", "--ignore", "JF5").exit_code == 1
    assert run("check", "--fail-on", "info").exit_code == 1
    assert "JF205" in run("check", "--output-format", "github").stdout
    run("check", "--input", "5,4")
    assert measuring.calls[-1][1][0].shape == (5, 4)
    assert run("check", "--data", "wine").exit_code == 0  # the stored shape gives way to the file
    run("check", "nets.py:full", "--input", "2,4")
    assert measuring.calls[-1][1][0].shape == (2, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('select = ["JF9"]', "`tool.justfit.select` in `{}` must hold rule codes"),
        ("[tool.justfit.per-layer-ignores]\nhead = ['JF0']", "`tool.justfit.per-layer-ignores.head` in `{}` must hold"),
        (
            'selct = ["JF2"]',
            "`[tool.justfit]` in `{}` must have known keys only. Found `selct`. Did you mean `select`?",
        ),
    ],
)
def test_wrong_settings_name_file_and_key(measuring, run, tmp_path, text, message):
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[tool.justfit]\n{text}\n")
    done = run("check", "nets.py:build")
    assert done.exit_code == 2
    assert message.format(path) in done.stderr
