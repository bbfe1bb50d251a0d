"""The loss of each example, from a loss function that gives their mean."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from justfit.sweep._training import LossFunction


def example_losses(loss_fn: LossFunction, outputs: Any, targets: Any, num_examples: int) -> Tensor:
    """Compute one loss per example.

    Args:
        loss_fn: A mean over examples.
        outputs: Of the network, batch first.
        targets: What they are held against.
        num_examples: B.

    Returns:
        [B].
    """
    if isinstance(loss_fn, nn.Module) and getattr(loss_fn, "reduction", "") == "mean":
        loss_fn.reduction = "none"  # type: ignore[assignment]  # a str, whatever nn.Module says
        try:
            losses = loss_fn(outputs, targets)
        finally:
            loss_fn.reduction = "mean"  # type: ignore[assignment]  # the same
        return losses.reshape(num_examples, -1).mean(1)
    return torch.stack(
        [loss_fn(outputs[row : row + 1], targets[row : row + 1]).detach() for row in range(num_examples)]
    )
