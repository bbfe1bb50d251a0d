r"""What a closed-form fit reaches on the same rows: a reference that no fault of a training loop can reach.

Ridge regression on standardised inputs and random ReLU features, one-hot targets for classes, λ by the closed
form of leave-one-out. It takes a fraction of a second, needs no tuning, and a healthy network is rarely far behind.

References: Rahimi and Recht 2008, "Weighted sums of random kitchen sinks"; Golub, Heath and Wahba 1979 (choice of λ).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from justfit.repair._yardstick import Yardstick
from justfit.sweep import named_generator

NUM_FEATURES = 512
MOST_INPUTS = 4_096  # entries of one example
MOST_ROWS = 8_000
_RIDGES = torch.logspace(-6, 3, 19, dtype=torch.float64)  # λ in units of the mean eigenvalue


def reference_outputs(inputs: Any, targets: Any, held_inputs: Any, yardstick: Yardstick, *, seed: int) -> Tensor | None:
    """Predict the held-out rows by a closed-form fit to the training rows.

    Args:
        inputs: Of the training rows.
        targets: Of the training rows.
        held_inputs: Of the rows to predict.
        yardstick: Knows what kind of targets these are.
        seed: Of the random features.

    Returns:
        Outputs that `yardstick.scores` takes; None where inputs are no numbers, or targets no classes or numbers with
        one entry each.
    """
    usable = isinstance(inputs, Tensor) and inputs.is_floating_point() and inputs[0].numel() <= MOST_INPUTS
    if not usable or yardstick.kind == "other" or not isinstance(targets, Tensor):
        return None
    wanted = _wanted(targets, yardstick)
    if wanted is None or not bool(torch.isfinite(inputs).all()):
        return None
    rows = torch.randperm(len(inputs), generator=named_generator(seed, "reference rows"))[:MOST_ROWS]
    x, held, y = inputs[rows].flatten(1), held_inputs.flatten(1), wanted[rows]
    std, mean = torch.std_mean(x.float(), 0)
    std = torch.where(std > 1e-6 * std.max().clamp_min(1e-30), std, torch.full_like(std, torch.inf))
    x, held = ((part.float() - mean) / std for part in (x, held))
    features = _features(x.shape[1], seed)
    centre = y.mean(0)
    return (_ridge(features(x), y - centre, features(held.clamp(-10, 10))) + centre).reshape(len(held), -1)


def _wanted(targets: Tensor, yardstick: Yardstick) -> Tensor | None:
    if yardstick.kind == "classes":
        classes = targets.argmax(1) if targets.ndim == 2 and targets.is_floating_point() else targets
        if classes.ndim != 1:
            return None
        return torch.nn.functional.one_hot(classes.long(), yardstick.num_classes).double()
    flat = targets.reshape(len(targets), -1).double()
    if yardstick.kind == "binary":
        flat = flat - 0.5  # around 0, as a logit
    return flat


def _features(num_inputs: int, seed: int) -> Callable[[Tensor], Tensor]:
    generator = named_generator(seed, "reference features")
    num_random = NUM_FEATURES - num_inputs if num_inputs <= NUM_FEATURES // 2 else NUM_FEATURES
    weight_IO = torch.randn(num_inputs, num_random, generator=generator) * (2.0 / num_inputs) ** 0.5
    bias_O = torch.randn(num_random, generator=generator)

    def features(x: Tensor) -> Tensor:
        hidden = torch.relu(x @ weight_IO + bias_O)
        every = torch.cat((x, hidden), 1) if num_inputs <= NUM_FEATURES // 2 else hidden
        return torch.cat((every, torch.ones(len(x), 1)), 1).double()

    return features


def _ridge(x: Tensor, y: Tensor, held: Tensor) -> Tensor:
    """Ridge regression at the λ of the smallest generalised cross-validation error."""
    values, vectors = torch.linalg.eigh(x.T @ x)
    values, projected = values.clamp_min(0), vectors.T @ (x.T @ y)
    total, best, chosen = y.square().sum(), torch.inf, projected
    for ridge in _RIDGES * values.mean():
        shrunk = projected / (values + ridge).unsqueeze(1)
        residual = total - (2 * shrunk * projected).sum() + (shrunk**2 * values.unsqueeze(1)).sum()
        freedom = len(x) - (values / (values + ridge)).sum()
        error = float(residual / freedom.clamp_min(1e-9) ** 2)
        if error < best:
            best, chosen = error, shrunk
    fitted: Tensor = vectors @ chosen
    return held @ fitted
