"""Loss of the best constant prediction, held against a prediction that is found by trying."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from justfit.sweep._constant_loss import constant_loss, unit_of

CLASSES = torch.tensor([0, 2, 2, 1, 2, 0, 2, 2])
NUMBERS = torch.tensor([[1.0, -2.0], [3.0, 0.0], [2.0, 5.0]])
BITS = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])


@pytest.mark.parametrize(
    ("loss_fn", "targets", "num_outputs"),
    [
        (nn.CrossEntropyLoss(), CLASSES, 3),
        (functional.cross_entropy, CLASSES, 3),
        (nn.CrossEntropyLoss(), torch.cat([CLASSES, torch.full((5,), -100)]), 3),
        (nn.MSELoss(), NUMBERS, 2),
        (functional.mse_loss, NUMBERS, 2),
        (nn.BCEWithLogitsLoss(), BITS, 2),
    ],
)
def test_no_constant_is_better(loss_fn, targets, num_outputs):
    outputs = torch.zeros(num_outputs, requires_grad=True)
    optimizer = torch.optim.LBFGS([outputs], max_iter=200, tolerance_grad=1e-9)

    def closure():
        optimizer.zero_grad()
        loss = loss_fn(outputs.expand(len(targets), -1), targets)
        loss.backward()
        return loss

    optimizer.step(closure)
    assert constant_loss(loss_fn, targets) == pytest.approx(closure().item(), abs=2e-4)


@pytest.mark.parametrize(
    ("loss_fn", "targets"),
    [
        (nn.L1Loss(), NUMBERS),
        (nn.CrossEntropyLoss(label_smoothing=0.1), CLASSES),
        (nn.CrossEntropyLoss(weight=torch.ones(3)), CLASSES),
        (nn.CrossEntropyLoss(), torch.softmax(NUMBERS, 1)),
        (lambda outputs, targets: outputs.mean(), NUMBERS),
        (nn.MSELoss(), {"a": NUMBERS}),
    ],
)
def test_what_is_not_known_is_not_guessed(loss_fn, targets):
    assert constant_loss(loss_fn, targets) is None


def test_units():
    assert unit_of(nn.CrossEntropyLoss()) == unit_of(nn.BCEWithLogitsLoss()) == "nats"
    assert unit_of(nn.MSELoss()) == "squared units"
    assert unit_of(nn.L1Loss()) == ""
    assert math.isfinite(constant_loss(nn.CrossEntropyLoss(), CLASSES))
