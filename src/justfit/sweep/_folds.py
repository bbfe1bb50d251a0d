"""Which fold each row belongs to."""

from __future__ import annotations

import torch
from torch import Tensor

from justfit.sweep._problem import Task
from justfit.sweep._streams import named_generator


def assign_folds(targets: Tensor, task: Task, num_folds: int, seed: int) -> Tensor:
    """Deal rows into folds at random; classes are dealt in turn, so each fold holds its share of each.

    Args:
        targets: [n] class codes, or numbers.
        task: "classification" stratifies.
        num_folds: At least 2.
        seed: Decides the deal.

    Returns:
        [n] int64 in 0 … num_folds − 1; sizes differ by at most 1.
    """
    order = torch.randperm(len(targets), generator=named_generator(seed, "folds"))
    if task == "classification":
        order = order[targets[order].argsort(stable=True)]
    folds = torch.empty(len(targets), dtype=torch.int64)
    folds[order] = torch.arange(len(targets)) % num_folds
    return folds
