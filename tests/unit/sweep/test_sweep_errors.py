"""Every argument of `justfit.sweep` outside its contract: what is said, before anything is trained."""

import pytest
import torch
from torch import nn

import justfit
from justfit.errors import ArgumentError
from justfit.sweep._sweep_arguments import default_loss, read_seeds
from tests.unit.sweep.modules import build, build_plain, make_data


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"l2": []}, r"`l2` must hold at least one value to try\. Found `l2=\[\]`"),
        ({"l2": -0.1}, r"`l2` must be finite and at least 0\. Found `l2=-0\.1`"),
        ({"dropout": [0, 1]}, r"`dropout` must lie in \[0, 1\)\. Found `dropout=1\.0`"),
        ({"init": "xaver"}, r"`init` must be one of .*\. Found `init='xaver'`"),
        ({"learning_rate": -1}, r"`learning_rate` must be positive and finite\. Found `learning_rate=-1\.0`"),
        ({"folds": 1}, r"`folds` must be a whole number of at least 2\. Found `folds=1`\. Give `validation=` to judge"),
        ({"folds": 2.5}, r"`folds` must be a whole number of at least 2\. Found `folds=2\.5`"),
        ({"epochs": 0}, r"`epochs` must be a whole number of at least 1\. Found `epochs=0`\. Leave it out"),
        ({"batch_size": 0}, r"`batch_size` must be a whole number of at least 1\. Found `batch_size=0`"),
        ({"executor": "dask"}, r"`executor` must be local, serial or ray, .*\. Found `executor='dask'`"),
        ({"optimizer": "lion"}, r"`optimizer` must be one of adam, .*, or a function .*\. Found `optimizer='lion'`"),
        ({"schedule": "linear"}, r"`schedule` must be constant or cosine\. Found `schedule='linear'`"),
        ({"tier": "gpu"}, r"`tier` must be one of batched, vectorised, loop, .*\. Found `tier='gpu'`"),
        ({"budget_seconds": 0}, r"`budget_seconds` must be positive and finite\. Found `budget_seconds=0`"),
        ({"loss_fn": "mse"}, r"`loss_fn` must be a function of outputs and targets\. Found `loss_fn='mse'`"),
        ({"seeds": 0}, r"`seeds` must be a number of seeds, at least 1, or a sequence .*\. Found `seeds=0`"),
        ({"seeds": [1, 1]}, r"Found `seeds=\[1, 1\]`\. Give for example `seeds=2` or `seeds=\[0, 1\]`"),
        ({"budget_seconds": "3"}, r"`budget_seconds` must be positive and finite\. Found `budget_seconds='3'`"),
        ({"seed": -1}, r"`seed` must be a whole number from 0\. Found `seed=-1`\. Leave it out for 0"),
        ({"device": "gpu"}, r"`device` must be one that torch can use here\. Found `device='gpu'`: .*Leave it out for"),
        ({"num_workers": 1.5}, r"`num_workers` must be a whole number of at least 1\. Found `num_workers=1\.5`"),
        ({"study": "mine"}, r"`study` must be an Optuna study\. Found an object of type str\. Make one with"),
    ],
)
def test_arguments_outside_their_contract(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        justfit.sweep(build, make_data(), **arguments)


@pytest.mark.parametrize("make", [None, 3, nn.Linear(6, 2)])
def test_build_must_be_a_function(make):
    message = r"`build` must be a function without arguments that makes a new network\. Found an object of type"
    with pytest.raises(ArgumentError, match=message):
        justfit.sweep(make, make_data())


def test_train_must_be_examples():
    with pytest.raises(ArgumentError, match=r"`train` must be"):
        justfit.sweep(build, 3)


def test_outputs_and_targets_that_would_be_broadcast_are_refused():
    inputs, targets = make_data(task="regression")
    with pytest.raises(ArgumentError, match=r"Outputs and targets must have one shape"):
        justfit.sweep(build_plain, (inputs, targets[:, 0]), executor="serial")


@pytest.mark.parametrize("loss_fn", [None, nn.functional.cross_entropy, nn.NLLLoss()])
def test_class_codes_must_fit_the_outputs(loss_fn):
    inputs, targets = make_data()
    num_classes = int(targets.max()) + 1
    message = rf"Class codes of \d outputs must run from 0 to \d\. Found codes from 1 to {num_classes}\. Subtract"
    with pytest.raises(ArgumentError, match=message):
        justfit.sweep(build, (inputs, targets + 1), loss_fn=loss_fn, executor="serial")
    with pytest.raises(ArgumentError, match=r"Classes must be whole-number codes\. Found torch\.float32 targets of"):
        justfit.sweep(build, (inputs, targets.float()), loss_fn=loss_fn or nn.CrossEntropyLoss(), executor="serial")


def test_codes_that_the_loss_ignores_do_not_count():
    inputs, targets = make_data()
    targets = targets.clone()
    targets[::5] = -100
    assert justfit.sweep(build, (inputs, targets), loss_fn=nn.CrossEntropyLoss(), l2=0, dropout=0, folds=2, epochs=2)


def test_seeds_are_a_number_or_which():
    assert read_seeds(3, 5) == (5, 6, 7)
    assert read_seeds([4, 2], 0) == (2, 4)
    assert read_seeds(torch.arange(3).numpy()[1], 0) == (0,)


def test_a_loss_is_assumed_from_the_targets():
    assert isinstance(default_loss(torch.tensor([0, 1])), nn.CrossEntropyLoss)
    assert isinstance(default_loss(torch.tensor([0.0, 1.0])), nn.MSELoss)
    with pytest.raises(
        ArgumentError, match=r"`loss_fn` must be given where targets are not one tensor\. Found targets of"
    ):
        default_loss((torch.zeros(2), torch.zeros(2)))
