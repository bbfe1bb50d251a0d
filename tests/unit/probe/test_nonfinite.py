"""The first place where NaN or infinity appears."""

import math

import pytest
import torch
from torch import nn

from justfit.probe import read_signals

X = torch.randn(16, 10, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    def __init__(self, middle):
        super().__init__()
        self.first, self.last, self.middle = nn.Linear(10, 10), nn.Linear(10, 3), middle

    def forward(self, x):
        return self.last(self.middle(self.first(x)))


def broken(middle, x=X, **options):
    torch.manual_seed(0)
    return read_signals(Net(middle), x, **options).nonfinite


def test_a_healthy_network_has_none():
    assert broken(torch.relu) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_inputs(value):
    x = X.clone()
    x[3, 2] = value
    found = broken(torch.relu, x)
    assert (found.stage, found.operation, found.num_values) == ("input", "input 0", 1)
    assert found.kind == ("nan" if math.isnan(value) else "inf")


def test_parameters():
    net = Net(torch.relu)
    with torch.no_grad():
        net.last.weight[0, :2] = math.nan
    found = read_signals(net, X).nonfinite
    assert (found.stage, found.operation, found.layer, found.num_values) == ("parameter", "last.weight", "last", 2)


@pytest.mark.parametrize(
    ("middle", "operation", "kind"),
    [
        (lambda z: torch.log(z - z.abs() - 1), "log", "nan"),
        (lambda z: torch.exp(1000 + z), "exp", "inf"),
        (lambda z: z / torch.zeros_like(z), "div", "inf"),
        (lambda z: torch.sqrt(-z.abs() - 1), "sqrt", "nan"),
        (lambda z: torch.exp(1000 + z) - torch.exp(1000 + z), "exp", "inf"),
    ],
)
def test_forward_operations_are_named(middle, operation, kind):
    found = broken(middle)
    assert (found.stage, found.operation, found.kind, found.layer) == ("forward", operation, kind, "first")


def test_the_layer_that_overflows():
    net = nn.Sequential(*[nn.Linear(10, 10) for _ in range(6)])
    for part in net:
        nn.init.constant_(part.weight, 1e12)
    found = read_signals(net, X).nonfinite
    assert (found.stage, found.operation, found.layer, found.kind) == ("forward", "linear", "2", "inf")
    assert 1e20 < found.largest_input < math.inf


def test_masks_are_meant():
    def attend(z):
        logits = z @ z.T
        mask = torch.ones(16, 16, dtype=torch.bool).triu(1)
        return logits.masked_fill(mask, -math.inf).softmax(-1) @ z

    assert broken(attend) is None


def test_behind_a_mask_the_culprit_is_found():
    def attend(z):
        logits = (z @ z.T).masked_fill(torch.ones(16, 16, dtype=torch.bool), -math.inf)
        return logits.softmax(-1) @ z  # a row of nothing but masks

    found = broken(attend)
    assert (found.stage, found.operation, found.kind) == ("forward", "softmax", "nan")


def test_the_loss():
    found = broken(torch.relu, targets=torch.zeros(16, 3), loss_fn=lambda out, y: (out.abs() / y).mean())
    assert found.stage == "loss"


def test_the_backward_pass():
    found = broken(torch.relu, loss_fn=lambda out: (out * 0).abs().pow(0.5).sum() + out.sum())
    assert found is not None
    assert found.stage == "backward"


def test_gradients_of_a_norm_at_zero():
    net = nn.Sequential(nn.Linear(10, 4), nn.Linear(4, 3))
    nn.init.zeros_(net[1].weight)
    nn.init.zeros_(net[1].bias)
    found = read_signals(net, X, loss_fn=lambda out: torch.sqrt((out**2).sum())).nonfinite
    assert found.stage == "backward"
