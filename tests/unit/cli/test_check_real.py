"""The linter from name to exit code, with nothing replaced."""

import json

import pytest

NETS = """
import torch
from torch import nn

class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(16, 32)
        self.blocks = nn.Sequential(*[layer for _ in range(40) for layer in (nn.Linear(32, 32), nn.ReLU())])
        self.head = nn.Linear(32, 3)
    def forward(self, x):
        return self.head(self.blocks(self.first(x)))

def healthy():
    layers = nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 3)
    nn.init.kaiming_normal_(layers[0].weight, nonlinearity="relu")
    return nn.Sequential(*layers)

class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(16))
        self.unused = nn.Parameter(torch.ones(16, 3))
        self.head = nn.Linear(16, 3)
    def forward(self, x, mask):
        return self.head(x * self.scale * mask)

def disagreeing():
    return nn.Sequential(nn.Linear(16, 8), nn.Linear(9, 3))
"""


@pytest.fixture(autouse=True)
def _nets(tmp_path, monkeypatch):
    (tmp_path / "real_nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)


def line_of(text):
    (number,) = [number for number, line in enumerate(NETS.splitlines(), 1) if text in line]
    return f"real_nets.py:{number}"


def test_a_network_that_cannot_learn_is_exit_1_with_the_line_that_builds_the_layer(run):
    done = run("check", "real_nets.py:Deep", "--classes", "3", "--output-format", "json")
    assert done.exit_code == 1, done.stderr
    findings = {finding["code"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert findings["JF201"]["source"] == "real_nets.py:9"
    assert "real_nets.py,line=9" in run("check", "real_nets.py:Deep", "--output-format", "github").stdout


def test_a_healthy_network_is_exit_0(run):
    done = run("check", "real_nets.py:healthy", "--classes", "3")
    assert done.exit_code == 0, done.stdout + done.stderr


def test_a_network_that_cannot_run_is_exit_2(run):
    done = run("check", "real_nets.py:disagreeing")
    assert done.exit_code == 2
    assert "Found `RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x8 and 9x3)`." in done.stderr


def test_a_line_of_justfit_is_never_the_source(run):
    done = run("check", "real_nets.py:Scaled", "--input", "8,16", "--input", "mask=8,16", "--output-format", "json",
               "--fail-on", "never")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    places = json.loads(done.stdout)
    assert [layer["source"] for layer in places["evidence"]["layers"]] == [line_of("self.head = nn.Linear(16, 3)")]
    assert [f["source"] for f in places["findings"] if f["where"] == "unused"] == [line_of("self.unused")]
    assert {finding["source"] for finding in places["findings"]} <= {None, line_of("self.unused")}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "--input targets=8,16",
            "must not be named `module`, `targets`, `loss_fn`. Found `targets`. Give it by position",
        ),
        ("--input loss_fn=8,16", "Found `loss_fn`."),
        ("--input module=8,16", "Found `module`."),
        ("--compare he --input seed=8,16", "Found `seed`."),
        ("--compare he --input std=8,16", "Found `std`."),
        ("--input std=8,16", "got an unexpected keyword argument 'std'"),  # a comparison's own words are free here
    ],
)
def test_keyword_inputs_with_the_names_of_our_arguments_are_exit_2(run, words, message):
    done = run("check", "real_nets.py:healthy", "--input", "8,16", *words.split())
    assert done.exit_code == 2
    assert message in done.stderr


def test_keyword_inputs_reach_every_scheme(run):
    words = ("check", "real_nets.py:Scaled", "--input", "8,16", "--input", "mask=8,16", "--compare", "he,auto")
    done = run(*words, "--output-format", "json")
    assert done.exit_code == 0, done.stderr
    assert [entry["error"] for entry in json.loads(done.stdout)["schemes"]] == ["", ""]


def test_schemes_are_compared(run):
    done = run(
        "check", "real_nets.py:healthy", "--classes", "3", "--compare", "zero,he,auto", "--output-format", "json"
    )
    assert done.exit_code == 0, done.stderr
    zero, he, auto = json.loads(done.stdout)["schemes"]
    assert zero["checkup"]["evidence"]["layers"][0]["weight_rms"] == 0.0
    assert he["checkup"]["evidence"]["layers"][0]["weight_rms"] > 0.2
    assert auto["error"] == ""
    assert auto["checkup"]["findings"] == []
    unknown = run("check", "real_nets.py:healthy", "--compare", "zzz")
    assert unknown.exit_code == 2
    assert "Found `zzz`" in unknown.stderr
