"""Layers that no training can change, because they are frozen."""

from __future__ import annotations

import torch
from torch import nn

MOST_NAMED = 3


def frozen_words(module: nn.Module) -> str:
    """Name the layers with `requires_grad=False`; "" where there are none.

    Frozen weights that are all alike are the likely cause of what is wrong: a layer that holds nothing passes
    nothing on. Others may be frozen on purpose, as a pretrained part is.
    """
    frozen = [(name, p) for name, p in module.named_parameters() if not p.requires_grad and p.numel() > 1]
    if not frozen:
        return ""
    empty = [name for name, p in frozen if p.ndim > 1 and bool(torch.all(p == p.flatten()[0]))]
    named = empty or [name for name, _ in frozen]
    rest = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    names = ", ".join(f"`{name}`" for name in named[:MOST_NAMED]) + rest
    are, their = ("are", "their") if len(named) > 1 else ("is", "its")
    frozen_by = f"{names} {are} frozen (requires_grad=False)"
    if empty:
        return f"The likely cause: {frozen_by} with all {their} entries alike, and no training changes that."
    return f"{frozen_by}: no training changes that."
