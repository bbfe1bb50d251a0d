import numpy as np
import pytest
import torch
from torch import nn

from justfit.errors import ArgumentError
from justfit.repair import cure, load_recipe
from justfit.repair._case import Case
from justfit.repair._data import faults_of_data
from justfit.repair._ledger import Ledger
from justfit.repair._pairing import default_loss
from justfit.repair._reference import reference_outputs
from justfit.repair._yardstick import yardstick_for
from justfit.sweep import Setting, Training, as_examples

INPUTS = torch.randn(400, 4, generator=torch.Generator().manual_seed(0))
TARGETS = (INPUTS[:, 0] * INPUTS[:, 1] > 0).long()


def build():
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))


def test_the_reference_learns_what_no_linear_map_can():
    stick = yardstick_for(None, TARGETS[300:], TARGETS[:300])
    outputs = reference_outputs(INPUTS[:300], TARGETS[:300], INPUTS[300:], stick, seed=0)
    assert stick.share(stick.scores(outputs)) > 0.4
    shuffled = TARGETS[torch.randperm(400, generator=torch.Generator().manual_seed(1))]
    stick = yardstick_for(None, shuffled[300:], shuffled[:300])
    outputs = reference_outputs(INPUTS[:300], shuffled[:300], INPUTS[300:], stick, seed=0)
    assert stick.share(stick.scores(outputs)) < 0.1


def test_there_is_no_reference_for_tokens():
    stick = yardstick_for(None, TARGETS[300:], TARGETS[:300])
    assert reference_outputs(INPUTS[:300].long(), TARGETS[:300], INPUTS[300:].long(), stick, seed=0) is None


def faults(inputs, targets):
    training = Training(build=build, examples=as_examples((inputs, targets)), loss_fn=default_loss)
    case = Case(training=training, setting=Setting(), seed=0)
    return faults_of_data(case, yardstick_for(None, case.validation[1], case.training_targets))


def test_faults_of_the_data_are_named():
    assert faults(INPUTS, TARGETS) == []
    twice = torch.cat((INPUTS[:200], INPUTS[:200]))
    assert "same inputs and another label" in faults(twice, torch.cat((TARGETS[:200], 1 - TARGETS[:200])))[0]
    assert faults(torch.ones(400, 4), TARGETS)[0].startswith("All examples have the same inputs")
    assert "of one class" in faults(INPUTS, (torch.arange(400) % 20 == 0).long())[0]


def test_the_budget_counts_steps():
    ledger = Ledger(budget=3.0, num_steps=100, epochs=10)
    assert ledger.left == 300
    ledger.count(30, 0.3)
    assert (ledger.left, ledger.network_epochs, ledger.plain_seconds) == (270, 3.0, 0.01)
    assert ledger.can_pay(270)
    assert not ledger.can_pay(271)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"build": 3}, "`build` must be callable. Found a int. Pass a function that returns a new network."),
        ({"budget": 0.5}, r"`budget` must be a finite number, at least 1. Found `budget=0.5`. It counts trainings"),
        ({"epochs": 0}, "`epochs` must be a whole number of at least 1. Found `epochs=0`."),
        ({"learning_rate": 0.0}, "`learning_rate` must be a finite number, above 0. Found `learning_rate=0.0`."),
        ({"schedule": "step"}, "`schedule` must be 'constant' or 'cosine'. Found `schedule='step'`."),
        ({"optimizer": 7}, "`optimizer` must be a name, or a function of parameters. Found a int."),
        ({"train": INPUTS}, "`train`"),
        ({"build": lambda: 3}, "`build` must return an `nn.Module`. Found a int."),
        (
            {"build": lambda: nn.Linear(3, 2)},
            "The network must run on the inputs it is trained on. Found `RuntimeError",
        ),
    ],
)
def test_wrong_arguments_are_named(wrong, message):
    with pytest.raises(ArgumentError, match=message):
        cure(**{"build": build, "train": (INPUTS, TARGETS), **wrong})


def test_arrays_are_taken():
    found = cure(build, (INPUTS[:100].numpy(), np.asarray(TARGETS[:100])), epochs=2, budget=1.0)
    assert found.record.epochs_before > 0


RECIPES = """
import torch
from torch import nn
mapping = dict(build=lambda: nn.Linear(2, 2), train=(torch.ones(4, 2), torch.zeros(4).long()))
def recipe():
    return mapping
def lacking():
    return dict(build=3)
def wrong():
    return mapping | dict(epoch=3)
def needs(what):
    return mapping
number = 3
def fails():
    raise RuntimeError("no data")
"""


def test_a_recipe_is_a_mapping_or_a_function_that_returns_one(tmp_path):
    (tmp_path / "repair_recipes.py").write_text(RECIPES)
    where = f"{tmp_path}/repair_recipes.py"
    assert load_recipe(f"{where}:recipe").keys() == load_recipe(f"{where}:mapping").keys() == {"build", "train"}
    for name, message in {
        "lacking": "must hold the arguments of `justfit.cure`, `build` and `train` among them. Found no `train`",
        "wrong": "Found `epoch`. They are build, train, validation",
        "needs": r"must be callable without arguments. Found `needs\(what\)`",
        "number": "must be or return a mapping of the arguments of `justfit.cure`. Found a int",
        "fails": "must return the arguments of `justfit.cure`. Found `RuntimeError: no data`",
    }.items():
        with pytest.raises(ArgumentError, match=message):
            load_recipe(f"{where}:{name}")
