"""The user's data as rows that are trained on and rows that networks are judged on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from justfit.errors import ArgumentError
from justfit.repair._case import HELD_OUT
from justfit.sweep import NEVER_HELD_OUT, Examples, named_generator

# Share of the rows that is held out where no validation set is given.
HELD_OUT_SHARE = 0.2


def examples_of(train: Any, validation: Any, seed: int) -> Examples:
    """Put training and validation rows one behind the other; without the latter a fifth of the former is held out."""
    inputs, targets = _pair("train", train)
    num = len(targets)
    if validation is None:
        folds = torch.full((num,), NEVER_HELD_OUT)
        held = torch.randperm(num, generator=named_generator(seed, "held out"))[: max(1, int(num * HELD_OUT_SHARE))]
        folds[held] = HELD_OUT
        return Examples(inputs, targets, folds)
    held_inputs, held_targets = _pair("validation", validation)
    folds = torch.cat((torch.full((num,), NEVER_HELD_OUT), torch.full((len(held_targets),), HELD_OUT)))
    return Examples(torch.cat((inputs, held_inputs)), torch.cat((targets, held_targets)), folds)


def _pair(name: str, data: Any) -> tuple[Tensor, Tensor]:
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise ArgumentError(
            f"`{name}` must be a pair of inputs and targets.",
            found=f"a {type(data).__name__}",
            way_out="Pass `(inputs, targets)`, two tensors or arrays of the same length.",
        )
    inputs, targets = (torch.from_numpy(part) if isinstance(part, np.ndarray) else part for part in data)
    return inputs, targets
