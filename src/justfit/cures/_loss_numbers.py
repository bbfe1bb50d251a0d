"""What outputs and targets are, judged by their numbers and shapes alone.

Shapes: B examples, C classes in dimension 1 of the outputs.
"""

from __future__ import annotations

import torch
from torch import Tensor

ROUNDING = 1e-2  # how far a sum of probabilities may be off, in a half-precision softmax over many classes


def are_probabilities(outputs: Tensor) -> bool:
    """Tell whether each row is a distribution over at least two classes.

    >>> are_probabilities(torch.tensor([[0.2, 0.8]])), are_probabilities(torch.tensor([[0.2, 0.9]]))
    (True, False)
    """
    if outputs.dim() < 2 or outputs.shape[1] < 2:
        return False
    values = outputs.double()
    return bool((values >= 0).all()) and bool(((values.sum(1) - 1).abs() < ROUNDING).all())


def are_log_probabilities(outputs: Tensor) -> bool:
    """Tell whether each row holds the logarithms of a distribution over classes."""
    values = outputs.double()
    return bool((values <= ROUNDING).all()) and bool((values.logsumexp(1).abs() < ROUNDING).all())


def are_class_numbers(targets: Tensor, outputs: Tensor) -> bool:
    """Tell whether targets are whole numbers, one per example, each the number of an output."""
    per_example = outputs.shape[:1] + outputs.shape[2:]
    if targets.is_floating_point() or targets.numel() != per_example.numel():
        return False
    return int(targets.min()) >= 0 and int(targets.max()) < (outputs.shape[1] if outputs.dim() > 1 else 1)


def are_one_hot(targets: Tensor, outputs: Tensor) -> bool:
    """Tell whether each row of the targets has a single 1 among zeros, for at least two classes."""
    if targets.dim() < 2 or targets.shape[1] < 2 or targets.shape != outputs.shape:
        return False
    return bool(((targets == 0) | (targets == 1)).all()) and bool((targets.sum(1) == 1).all())


def are_yes_or_no(targets: Tensor) -> bool:
    """Tell whether targets are of a whole-number or Boolean type and hold both 0 and 1 and nothing else."""
    return not targets.is_floating_point() and torch.unique(targets).tolist() in ([0, 1], [False, True])
