"""Numbers to be predicted that are far from size 1 are pointed to, and the cure says so."""

import torch
from torch import nn

from justfit.repair import cure


def recipe(scale):
    inputs = torch.randn(300, 6, generator=torch.Generator().manual_seed(0))
    targets = scale * (2.0 + inputs[:, :1] + 0.5 * inputs[:, 1:2].tanh())
    build = lambda: nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))  # noqa: E731 - as a user writes it
    return {"build": build, "train": (inputs, targets), "epochs": 20, "learning_rate": 3e-3, "batch_size": 16}


def test_raw_targets_are_the_cause():
    found = cure(**recipe(100.0))
    assert (found.state, found.cause) == ("cured", "input scaling")
    assert "y = (y - y_mean) / y_std" in found.patch
    inputs, targets = recipe(100.0)["train"]
    with torch.no_grad():
        errors = found.model()(inputs) - targets
    assert errors.square().mean() < 0.2 * targets.var()


def test_targets_near_size_1_are_not():
    assert cure(**recipe(1.0)).cause != "input scaling"
