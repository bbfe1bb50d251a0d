"""A sweep on disk: killed at any time it ends as it would have; what is not its own it leaves alone."""

import functools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from justfit.errors import OutputError
from justfit.records import ModuleSweepRecord, from_json, to_json
from justfit.sweep._fingerprint import name_of
from justfit.sweep._folder_lock import folder_locked
from tests.unit.sweep.kept_sweep import run
from tests.unit.sweep.modules import make_data

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def whole():
    return run(None)


def start(folder):
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.sweep.kept_sweep", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert program.stdout.readline() == "begin\n"
    return program


def test_killed_again_and_again_it_ends_with_the_same_table(tmp_path, whole):
    """`kill -9` after a random number of files; every restart goes on; the last is let run to its end."""
    generator = np.random.default_rng(4)
    folder = tmp_path / "sweep"
    kills = 0
    for _ in range(3):
        program = start(folder)
        wanted = len(list(folder.glob("**/*"))) + int(generator.integers(1, 30))
        while program.poll() is None and len(list(folder.glob("**/*"))) < wanted:
            time.sleep(0.002)
        if program.poll() is None:
            program.kill()
            kills += 1
        program.wait()
    assert kills >= 2, "it was over before it could be killed"
    assert not (folder / "result.json").exists() or kills < 3
    program = start(folder)
    output, _ = program.communicate(timeout=300)
    assert program.returncode == 0
    assert json.loads(output) == json.loads(to_json(whole.record.cells))
    assert from_json(ModuleSweepRecord, (folder / "result.json").read_text("utf-8")).cells == whole.record.cells
    assert "What the settings do" in (folder / "report.html").read_text("utf-8")


def test_a_finished_sweep_trains_nothing_again(tmp_path, whole, monkeypatch):
    first = run(tmp_path)
    assert to_json(first.record.cells) == to_json(whole.record.cells)

    def fail(*_):
        raise AssertionError("a unit was trained")

    monkeypatch.setattr("justfit.sweep._worker.run_unit", fail)
    again = run(tmp_path)
    assert again.record.cells == first.record.cells
    assert again.record.variant_epochs == first.record.variant_epochs
    assert again.record.cpu_seconds == pytest.approx(first.record.cpu_seconds)
    assert not list(tmp_path.glob("pieces/*.state.safetensors")), "where networks stood is not needed any more"


def test_what_was_found_out_at_the_start_is_not_found_out_again(tmp_path, monkeypatch):
    first = run(tmp_path, l2=None, tier=None, epochs=2)

    def fail(*_, **__):
        raise AssertionError("it was found out again")

    monkeypatch.setattr("justfit.sweep._sweep_run.largest_l2", fail)
    monkeypatch.setattr("justfit.sweep._sweep_run.choose_tier", fail)
    assert run(tmp_path, l2=None, tier=None, epochs=2).record.cells == first.record.cells


def test_too_small_a_budget_is_gone_on_with(tmp_path, whole):
    first = run(tmp_path, budget_seconds=1e-6)
    assert first.record.interrupted
    assert list(tmp_path.glob("pieces/*.state.safetensors"))
    assert run(tmp_path, budget_seconds=1000).record.cells == whole.record.cells
    assert run(tmp_path).record.cells == whole.record.cells


def test_another_number_of_workers_goes_on_all_the_same(tmp_path, whole):
    run(tmp_path, budget_seconds=1e-6)
    assert run(tmp_path, executor="local", num_workers=2, budget_seconds=1000).record.cells == whole.record.cells


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"epochs": 13}, "epochs"),
        ({"l2": [0, 1]}, "l2"),
        ({"seeds": 2}, "seeds"),
        ({"batch_size": 7}, "batch_size"),
        ({"loss_fn": nn.CrossEntropyLoss(label_smoothing=0.1)}, "loss_fn"),
        ({"optimizer": "sgd"}, "optimizer"),
        ({"refill": False}, "refill"),
        ({"folds": 3}, "data"),
    ],
)
def test_the_folder_of_another_sweep_is_refused(tmp_path, changed, name):
    run(tmp_path, budget_seconds=1e-6)
    message = (
        rf"`out` must be a new folder, or that of the very same sweep\. Found `.*` of a sweep with another `{name}`:"
    )
    with pytest.raises(OutputError, match=message):
        run(tmp_path, **changed)


def test_other_data_and_another_network_are_noticed(tmp_path, monkeypatch):
    run(tmp_path, budget_seconds=1e-6)
    inputs, targets = make_data()
    inputs[3, 3] += 1e-3
    monkeypatch.setattr("tests.unit.sweep.kept_sweep.make_data", lambda: (inputs, targets))
    with pytest.raises(OutputError, match=r"of a sweep with another `data`"):
        run(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(
        "tests.unit.sweep.kept_sweep.build", lambda: nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 2))
    )
    with pytest.raises(OutputError, match=r"of a sweep with another `build`"):
        run(tmp_path)


class Net(nn.Module):
    """Two networks of one shape that do different things."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 2)

    def forward(self, inputs):
        return self.layer(inputs)


def test_another_forward_of_the_same_layers_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.unit.sweep.kept_sweep.build", Net)
    run(tmp_path, budget_seconds=1e-6)
    run(tmp_path, budget_seconds=1e-6)
    monkeypatch.setattr(Net, "forward", lambda self, inputs: self.layer(inputs.tanh()))
    with pytest.raises(OutputError, match=r"of a sweep with another `build`"):
        run(tmp_path)


def test_one_sweep_at_a_time(tmp_path):
    message = r"`out` must be the folder of one running sweep\. Found `.*`, in which another sweep is running\. Wait"
    with folder_locked(tmp_path), pytest.raises(OutputError, match=message):
        run(tmp_path)
    run(tmp_path, budget_seconds=1e-6)
    run(tmp_path, budget_seconds=1e-6)


def test_functions_are_told_apart_by_what_they_do():
    def at(learning_rate):
        return lambda parameters: torch.optim.SGD(parameters, lr=learning_rate)

    assert name_of(at(0.1)) == name_of(at(0.1)) != name_of(at(0.2))
    assert name_of(lambda x: x + 1) != name_of(lambda x: x + 2)
    assert name_of(functools.partial(torch.optim.SGD, lr=0.1)) != name_of(functools.partial(torch.optim.SGD, lr=0.2))
    assert name_of(lambda x: x.clamp(*(0, 1))) != name_of(lambda x: x.clamp(*(0, 2)))
    weight = torch.ones(2)
    weighted = [functools.partial(nn.functional.cross_entropy, weight=w) for w in (weight, weight.clone(), 2 * weight)]
    assert name_of(weighted[0]) == name_of(weighted[1]) != name_of(weighted[2])
    assert name_of(lambda x: x * weight) == name_of(lambda x: x * weight)
    assert name_of(nn.HuberLoss(delta=1.0)) != name_of(nn.HuberLoss(delta=2.0))
    assert name_of(nn.functional.mse_loss) == name_of(nn.functional.mse_loss)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(
        OutputError, match=r"or one that `justfit\.sweep` wrote\. Found `.*` with thesis\.tex\. Choose another"
    ):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    (tmp_path / "thesis.tex").unlink()
    (tmp_path / "sweep.json").write_text("{}")
    with pytest.raises(OutputError, match=r"or one that `justfit\.sweep` wrote\. Found `.*` with sweep\.json"):
        run(tmp_path)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"`out` must be a folder that can be written\. Found `.*file"):
        run(tmp_path / "file")
