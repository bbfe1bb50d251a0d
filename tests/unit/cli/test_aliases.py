"""The names of SageMaker Debugger's rules, where the command line takes a rule's code."""

import json

import pytest

from justfit.cli._select import Selection, read_codes
from justfit.errors import ArgumentError
from justfit.rules import ALIASES, RULES


def test_explain_shows_every_counterpart(run):
    done = run("explain", "dead_relu")
    assert done.exit_code == 0
    assert done.stdout.startswith("DeadRelu of SageMaker Debugger: JF405, JF304\n")
    titles = [line[:5] for line in done.stdout.splitlines() if line.startswith("JF")]
    assert titles == ["JF405", "JF304"]
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_explain_as_json(run):
    page = json.loads(run("explain", "CheckInputImages", "--output-format", "json").stdout)
    assert (page["name"], page["codes"]) == ("CheckInputImages", ["JF501"])
    assert [inner["code"] for inner in page["pages"]] == ["JF501"]


def test_explain_of_what_has_no_counterpart_is_exit_2(run):
    done = run("explain", "TensorVariance")
    assert done.exit_code == 2
    words = " ".join(done.stderr.split())
    assert words.startswith("error: A rule of SageMaker Debugger must have a counterpart. Found `TensorVariance`")
    assert done.stdout == ""


def test_rules_mentions_them(run):
    assert "Names of SageMaker Debugger's rules are understood too" in " ".join(run("rules").stdout.split())


def test_selections_take_them():
    codes = read_codes(["DeadRelu,jf2", "vanishing_gradient"], tuple(RULES), "`--select`")
    assert codes == (*ALIASES["DeadRelu"].codes, "JF2", *ALIASES["VanishingGradient"].codes)
    assert Selection(select=codes).keeps("JF304")
    assert not Selection(select=codes).keeps("JF301")
    with pytest.raises(ArgumentError, match=r"Found `Confusion`, which has none here\. Use `sklearn\.metrics"):
        read_codes(["JF2,Confusion"], tuple(RULES), "`--select`")


def test_check_selects_by_them(run, tmp_path):
    (tmp_path / "nets.py").write_text(
        "import torch\n"
        "def build():\n"
        "    net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))\n"
        "    torch.nn.init.constant_(net[0].bias, -50.0)\n"
        "    return net\n"
    )
    words = ("check", f"{tmp_path / 'nets.py'}:build", "--input", "32,8", "--classes", "2", "--output-format", "json")
    found = {f["code"] for f in json.loads(run(*words, "--select", "DeadRelu").stdout)["findings"]}
    assert found == {"JF304"}
    every = {f["code"] for f in json.loads(run(*words).stdout)["findings"]}
    assert found < every
    left = {f["code"] for f in json.loads(run(*words, "--ignore", "DeadRelu").stdout)["findings"]}
    assert left == every - {"JF304"}


def test_judge_selects_by_them(run, tmp_path):
    rows = [f"{epoch},{1 / epoch:.4f},{0.5 + abs(epoch - 8) * 0.05:.4f}" for epoch in range(1, 31)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["epoch,train_loss,val_loss", *rows]) + "\n")
    assert run("judge", str(log), "--select", "Overfit").exit_code == 1
    assert run("judge", str(log), "--ignore", "overfit").exit_code == 0
