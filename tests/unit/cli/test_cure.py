import json
import subprocess
import sys
from pathlib import Path

import pytest

RECIPES = """
import torch
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

def data():
    inputs = torch.randn(300, 4)
    return inputs, (inputs.sum(1) > 0).long()

def sick():
    print("to stderr")
    return dict(build=Net, train=data(), learning_rate=1e-2, epochs=10)

def shifted():
    inputs, targets = data()
    return dict(build=Net, train=(inputs, targets + 1))

def summed():
    return dict(build=Net, train=data(), loss_fn=nn.CrossEntropyLoss(reduction="sum"))

def empty():
    return dict(build=nn.ReLU, train=data())

def healthy():
    return dict(build=lambda: nn.Linear(4, 2), train=data(), learning_rate=3e-2, epochs=10)
"""


def run(folder, *words):
    (folder / "recipes.py").write_text(RECIPES)
    command = [sys.executable, "-m", "justfit", "cure", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_sick_training_is_cured_and_the_code_says_so(tmp_path):
    done = run(tmp_path, "recipes.py:sick", "--json", "--out", "out")
    assert done.returncode == 1, done.stderr
    record = json.loads(done.stdout)
    assert (record["state"], record["cause"]) == ("cured", "initialization")
    assert record["changes"][0]["source"] == "recipes.py:7"
    assert "to stderr" in done.stderr
    assert f"written: {Path('out') / 'report.html'}" in done.stderr
    files = {"record.json", "report.html", "patch.md", "model.safetensors"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == files
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "is cured; the cause: initialization" in page
    assert "recipes.py:7" in page


def test_a_healthy_one_is_left_alone(tmp_path):
    done = run(tmp_path, "recipes.py:healthy", "--quiet")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "Nothing to repair" in run(tmp_path, "recipes.py:healthy", "--seed", "1").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["recipes.py:data"], "must be or return a mapping of the arguments of `justfit.cure`. Found a tuple."),
        (["recipes.py:sicc"], "must define the name that is asked for. Found no `sicc`. Did you mean `sick`?"),
        (["recipes.py:shifted"], "Class codes of 2 outputs must run from 0 to 1. Found codes from 1 to 2."),
        (["recipes.py:summed"], "must be the mean of the losses of single examples. Found a sum"),
        (["recipes.py:empty"], "The network must have parameters to train. Found `ReLU`"),
        (["recipes.py:sick", "--out", "."], "`out` must be a new or an empty folder. Found `recipes.py` in `.`."),
    ],
)
def test_wrong_input_is_named(tmp_path, words, message):
    done = run(tmp_path, *words)
    assert done.returncode == 2
    assert message in done.stderr
