import numpy as np
import pytest
import torch
from torch import nn

from justfit.errors import ArgumentError, OutputError
from justfit.repair import cure, load_recipe
from justfit.repair._case import Case
from justfit.repair._data import faults_of_data
from justfit.repair._first_look import check_recipe
from justfit.repair._frozen import frozen_words
from justfit.repair._ledger import Ledger
from justfit.repair._pairing import default_loss
from justfit.repair._reference import reference_outputs
from justfit.repair._run import Run
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
        ({"build": lambda: 1 / 0}, "`build` must make a network. Found `ZeroDivisionError: division by zero` at"),
        ({"build": nn.ReLU}, "The network must have parameters to train. Found `ReLU` without any that requires"),
        (
            {"train": (INPUTS, TARGETS + 1)},
            "Class codes of 2 outputs must run from 0 to 1. Found codes from 1 to 2. Subtract the smallest code",
        ),
        (
            {"train": (INPUTS, TARGETS - 1), "loss_fn": nn.NLLLoss()},
            "Class codes of 2 outputs must run from 0 to 1. Found codes from -1 to 0.",
        ),
        (
            {"train": (INPUTS, TARGETS.float())},
            r"must be whole-number codes. Found torch.float32 targets of shape \(400,",
        ),
        (
            {"loss_fn": nn.CrossEntropyLoss(reduction="sum")},
            "must be the mean of the losses of single examples. Found a sum: .* for 64 examples, .* each of them twice",
        ),
        ({"loss_fn": nn.CrossEntropyLoss(reduction="none")}, r"the losses of single examples. Found shape \(64,\)."),
        (
            {"build": lambda: nn.Linear(3, 2)},
            "The network must run on the inputs it is trained on. Found `RuntimeError",
        ),
    ],
)
def test_wrong_arguments_are_named(wrong, message):
    with pytest.raises(ArgumentError, match=message):
        cure(**{"build": build, "train": (INPUTS, TARGETS), **wrong})


@pytest.mark.parametrize("wrong", [{"train": (INPUTS, TARGETS + 1)}, {"loss_fn": nn.CrossEntropyLoss(reduction="sum")}])
def test_wrong_recipes_are_refused_before_any_step(wrong, monkeypatch):
    steps, advance = [], Run.advance
    monkeypatch.setattr(Run, "advance", lambda run, until: (steps.append(until), advance(run, until))[1])
    with pytest.raises(ArgumentError, match="must"):
        cure(**{"build": build, "train": (INPUTS, TARGETS), **wrong})
    assert not steps
    cure(build, (INPUTS, TARGETS), epochs=1, budget=1.0)
    assert steps


def case_of(targets, loss_fn=default_loss, make=build):
    training = Training(build=make, examples=as_examples((INPUTS, targets)), loss_fn=loss_fn)
    return Case(training=training, setting=Setting(), seed=0)


def yes_or_no():
    return nn.Linear(4, 1)


@pytest.mark.parametrize(
    ("targets", "loss_fn", "make"),
    [
        (TARGETS, default_loss, build),
        (torch.where(torch.arange(400) < 9, -100, TARGETS), nn.CrossEntropyLoss(), build),
        (TARGETS + 7, lambda outputs, targets: outputs.square().mean(), build),  # its targets are its own business
        (TARGETS.float()[:, None], nn.BCEWithLogitsLoss(), yes_or_no),
        (INPUTS[:, :2], nn.MSELoss(), build),
        (INPUTS[:, 0], lambda outputs, targets: (outputs - targets).square().mean(), yes_or_no),  # broadcasts
        (TARGETS, nn.BCEWithLogitsLoss(), build),  # raises: itself what is repaired
    ],
)
def test_what_can_be_trained_or_repaired_is_not_refused(targets, loss_fn, make):
    case = case_of(targets, loss_fn, make)
    assert check_recipe(case, make()) is None


def test_frozen_layers_are_named():
    network = build()
    assert frozen_words(network) == ""
    network[0].weight.requires_grad_(False)
    assert frozen_words(network) == "`0.weight` is frozen (requires_grad=False): no training changes that."
    nn.init.zeros_(network[2].weight.requires_grad_(False))
    assert frozen_words(network).startswith(
        "The likely cause: `2.weight` is frozen (requires_grad=False) with all its entries alike"
    )


def test_a_frozen_layer_of_zeros_is_the_headline_of_a_repair():
    def frozen():
        network = build()
        nn.init.zeros_(network[2].weight.requires_grad_(False))
        return network

    found = cure(frozen, (INPUTS, TARGETS), learning_rate=1e-2, epochs=8)
    assert any(note.startswith("The likely cause: `2.weight` is frozen") for note in found.record.notes)


def test_inputs_that_are_all_alike_come_first():
    found = cure(build, (torch.ones(400, 4), (torch.arange(400) % 20 == 0).long()), epochs=4)
    assert (found.state, found.record.tried) == ("no cure found", ())
    assert found.record.notes[0] == "All examples have the same inputs: there is nothing to learn from."


def test_a_budget_that_is_spent_on_the_first_training_is_said():
    found = cure(build, (INPUTS, TARGETS), learning_rate=1e-2, epochs=2, budget=1.0, loss_fn=lambda o, t: o.sum() * 0)
    assert (found.state, found.record.tried) == ("no cure found", ())
    assert "of the budget of 1 trainings: too little is left for a change." in found.record.notes[0]


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(OutputError, match=r"`out` must be a new or an empty folder. Found `record.json` in"):
        cure(build, (INPUTS, TARGETS), epochs=1, out=tmp_path)
    assert (tmp_path / "record.json").read_text() == "{}"


def test_no_warning_comes_from_a_loss_that_broadcasts(recwarn):
    outputs, targets = torch.randn(8, 3), torch.randn(8, 1)
    assert torch.equal(default_loss(outputs, targets), (outputs - targets).square().mean())
    assert not recwarn.list


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
