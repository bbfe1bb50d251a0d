"""Small problems that the tests of the sweep room share."""

import torch
from torch import nn

from justfit.sweep import NEVER_HELD_OUT, Problem


def make_problem(
    task="classification", dtype=torch.float32, num_rows=103, *, num_classes=3, num_folds=3, weighted=False
):
    """A learnable problem with noise: 7 columns, of which 3 matter."""
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(num_rows, 7, generator=generator, dtype=torch.float64)
    signal = inputs[:, :3].sum(1) + 0.5 * torch.randn(num_rows, generator=generator, dtype=torch.float64)
    targets = signal.argsort().argsort() * num_classes // num_rows if task == "classification" else signal.to(dtype)
    folds = torch.arange(num_rows) % num_folds if num_folds else torch.full((num_rows,), NEVER_HELD_OUT)
    weights = None
    if weighted:
        weights = torch.rand(num_rows, generator=generator, dtype=torch.float64)
        weights = (weights / weights.mean()).to(dtype)
    return Problem(inputs.to(dtype), targets, folds, task, num_classes if task == "classification" else 1, weights)


def numbered_problem(num_rows, num_folds=3, num_held_back=0):
    """A problem whose only column is the row's number, so that a batch says which rows it holds."""
    folds = torch.arange(num_rows) % num_folds
    folds[num_rows - num_held_back :] = NEVER_HELD_OUT
    numbers = torch.arange(num_rows, dtype=torch.float64)
    return Problem(numbers[:, None], numbers, folds, "regression", 1)


def relative_error(module, twin):
    """Largest relative distance of any layer's weights, or biases, from the twin's."""
    errors = []
    for mine, other in zip(linears(module), linears(twin), strict=True):
        size = other.weight.norm() + 1e-12
        errors.append(((mine.weight - other.weight).norm() / size).item())
        errors.append(((mine.bias - other.bias).norm() / (other.bias.norm() + size)).item())
    return max(errors)


def linears(module):
    return [layer for layer in module if isinstance(layer, nn.Linear)]


def same_network(mine, other):
    return all(torch.equal(a, b) for a, b in zip(mine.parameters(), other.parameters(), strict=True))
