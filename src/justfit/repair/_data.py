"""Faults of the data, which no change of the training cures: they are named."""

from __future__ import annotations

import torch
from torch import Tensor

from justfit.repair._case import Case
from justfit.repair._yardstick import Yardstick

# Share of examples beyond which a class is said to crowd out the others.
MOST_COMMON = 0.9
# Share of rows that are copies of others with another target.
MOST_CONTRADICTIONS = 0.02


def faults_of_data(case: Case, yardstick: Yardstick) -> list[str]:
    """Say what is wrong with the training rows, one sentence each.

    Args:
        case: The user's recipe.
        yardstick: Knows what kind of targets these are.
    """
    rows = case.examples.training_rows(0)
    inputs, targets = case.examples.inputs, case.training_targets
    found = []
    if isinstance(targets, Tensor) and yardstick.kind == "classes" and targets.ndim == 1:
        counts = torch.bincount(targets.long().clamp_min(0)).double()
        share = float(counts.max() / counts.sum())
        if share > MOST_COMMON:
            found.append(f"{share:.0%} of the examples are of one class: look at the others' errors by themselves.")
    if isinstance(inputs, Tensor):
        found += _of_inputs(inputs[rows], targets)
    return found


def _of_inputs(inputs: Tensor, targets: object) -> list[str]:
    flat = inputs.flatten(1)
    if bool((flat == flat[:1]).all()):
        return ["All examples have the same inputs: there is nothing to learn from."]
    if not isinstance(targets, Tensor) or targets.is_floating_point() or targets.ndim != 1:
        return []
    _, group = torch.unique(flat, dim=0, return_inverse=True)
    both = torch.stack((group, targets.long()), 1)
    kinds = torch.unique(torch.unique(both, dim=0)[:, 0], return_counts=True)
    contradicted = kinds[0][kinds[1] > 1]
    share = float(torch.isin(group, contradicted).double().mean())
    if share <= MOST_CONTRADICTIONS:
        return []
    return [f"{share:.0%} of the examples have twins with the same inputs and another label."]
