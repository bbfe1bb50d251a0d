"""Placeholder until `_examples` is there."""

from __future__ import annotations

from typing import Any

import torch

from justfit.sweep._folds import assign_folds
from justfit.sweep._problem import NEVER_HELD_OUT
from justfit.sweep._training import Examples


def as_examples(train: Any, validation: Any = None, *, folds: int = 5, seed: int = 0) -> Examples:
    """Tensors to examples."""
    x, y = (torch.as_tensor(part) for part in train)
    if validation is None:
        task = "regression" if y.is_floating_point() else "classification"
        return Examples(x, y, assign_folds(y, task, folds, seed))
    vx, vy = (torch.as_tensor(part) for part in validation)
    rows = torch.cat([torch.full((len(y),), NEVER_HELD_OUT), torch.zeros(len(vy), dtype=torch.int64)])
    return Examples(torch.cat([x, vx]), torch.cat([y, vy]), rows)
