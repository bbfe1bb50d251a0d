"""Scaling as a layer, so that a network carries it along."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Standardize(nn.Module):
    r"""Subtract and divide per feature, with fixed numbers.

    .. math:: y = (x - \text{shift}) / \text{scale}

    Args:
        shift: [d] subtracted.
        scale: [d] divided by; no zeros.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, shift: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("shift", shift)
        self.register_buffer("scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        """Scale [B, d]."""
        return (x - self.shift) / self.scale


def complete_module(
    network: nn.Sequential,
    inputs: tuple[Tensor, Tensor] | None,
    outputs: tuple[float, float] | None,
) -> nn.Sequential:
    """Put input scaling before, and the target's unit after, a network trained on standardised numbers.

    Args:
        network: Trained network.
        inputs: (mean, standard deviation) per feature, or None where the inputs come scaled.
        outputs: (mean, standard deviation) of the target, or None for class scores.

    Returns:
        A plain `nn.Sequential` in eval mode.
    """
    layers = list(network)
    if inputs is not None:
        layers.insert(0, Standardize(*inputs))
    if outputs is not None:
        mean, deviation = outputs
        # y = z·deviation + mean, written as (z − shift) / scale
        layers.append(Standardize(torch.tensor([-mean / deviation]), torch.tensor([1.0 / deviation])))
    return nn.Sequential(*layers).eval()
