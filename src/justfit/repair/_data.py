"""Faults of the data, which no change of the training cures: they are named."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from justfit.repair._baseline import Baseline
from justfit.repair._case import Case
from justfit.repair._compare import MATERIAL
from justfit.repair._symptoms import Symptoms
from justfit.repair._yardstick import Yardstick

# Share of examples beyond which a class is said to crowd out the others.
MOST_COMMON = 0.9
# Share of rows that are copies of others with another target.
MOST_CONTRADICTIONS = 0.02
# Share of the first loss, or of that of the best constant, that has to go for the training rows to count as learned.
LEARNED = 0.1
CONSTANT_INPUTS = "All examples have the same inputs: there is nothing to learn from."
NOTHING_TO_LEARN = (
    "The training rows are learned, but nothing that holds on the others, where a closed-form fit learns nothing "
    "either: the labels do not go with the inputs, or there is too little to learn."
)


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
    return sorted(found, key=lambda words: words != CONSTANT_INPUTS)  # first what leaves nothing to do


def nothing_to_learn(baseline: Baseline, symptoms: Symptoms) -> list[str]:
    """Say so where the training rows are learned by heart and neither network nor reference learns anything else.

    Labels that were shuffled against their inputs look like this.
    """
    known = symptoms.reference_share, *baseline.shares
    if symptoms.trouble or baseline.stopped or not baseline.train_loss or not max(known) < MATERIAL:
        return []
    first = baseline.constant_loss if math.isfinite(baseline.constant_loss) else baseline.train_loss[0]
    return [NOTHING_TO_LEARN] if baseline.train_loss[-1] < (1 - LEARNED) * first else []


def no_cure_can_help(notes: list[str]) -> bool:
    """Whether the data are at fault and nothing else could show."""
    return CONSTANT_INPUTS in notes or NOTHING_TO_LEARN in notes


def _of_inputs(inputs: Tensor, targets: object) -> list[str]:
    flat = inputs.flatten(1)
    if bool((flat == flat[:1]).all()):
        return [CONSTANT_INPUTS]
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
