"""The largest λ that is of use, for any network."""

import pytest
import torch
from torch import nn

from justfit.errors import DivergedError
from justfit.sweep import Examples, Setting, SweepVariant, Training, Unit, run_unit
from justfit.sweep._constant_loss import constant_loss
from justfit.sweep._largest_l2 import _first_shrunk, largest_l2
from tests.unit.sweep.modules import build, build_plain, make_data


def make_training(task="classification", **settings):
    inputs, targets = make_data(120, task=task)
    examples = Examples(inputs, targets, torch.arange(120) % 2)
    loss_fn, make = (nn.CrossEntropyLoss(), build) if task == "classification" else (nn.MSELoss(), build_plain)
    return Training(
        **{"build": make, "examples": examples, "loss_fn": loss_fn, "epochs": 40, "batch_size": 20, **settings}
    )


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_it_shrinks_the_network_and_a_tenth_of_it_does_not(task):
    training = make_training(task, learning_rate=1e-2)
    largest = largest_l2(training, "loop", setting=Setting(), seed=0)
    constant = constant_loss(training.loss_fn, training.examples.targets)
    losses = []
    for l2 in (largest, largest / 10, 0.0):
        variant = SweepVariant(setting=Setting(l2=l2), seed=1)
        unit = Unit(variants=(variant,), tier="loop", until=40, measure=(40,))
        losses.append(float(run_unit(training, unit)[1].train_loss[0, 0]))
    learned = [(constant - loss) / (constant - losses[-1]) for loss in losses]
    assert learned[0] < 0.4
    assert learned[1] > 0.5


def test_where_the_constant_is_unknown_the_largest_candidate_stands_for_it():
    assert (
        _first_shrunk([0.1, 0.1, 0.5, 0.9, 1.0, 1.0], 1.0) == _first_shrunk([0.1, 0.1, 0.5, 0.9, 1.0, 1.0], None) == 3
    )
    assert _first_shrunk([0.1, 0.2, float("nan"), float("nan")], 1.0) == 2, "what diverges is of no use either"
    assert _first_shrunk([1.0, 1.0, 1.0], 1.0) == 0


def test_nothing_finite_is_an_error():
    with pytest.raises(
        DivergedError, match=r"At least one network must stay finite with some λ\. Found NaN or infinity at"
    ):
        _first_shrunk([float("nan")] * 15, None)
