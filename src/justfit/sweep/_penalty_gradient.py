"""The gradient λ/n·w of the penalty λ/(2n)·Σw², without differentiating it at every step."""

from __future__ import annotations

import torch
from torch import nn

from justfit.maths import l2_penalty


def penalized_weights(module: nn.Module) -> set[str] | None:
    """Name the trainable parameters that `l2_penalty` counts.

    Args:
        module: Any network.

    Returns:
        Their names; None where the penalty counts weights that are computed from parameters
        (`torch.nn.utils.parametrizations`), so that its gradient is another one.

    Raises:
        ArgumentError: There is nothing to count.

    Example:
        >>> sorted(penalized_weights(nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3), nn.Linear(3, 1))))
        ['0.weight', '2.weight']
    """
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
    penalty = l2_penalty(module, 1.0, 1)
    if not penalty.requires_grad:
        return set()
    gradients = torch.autograd.grad(penalty, list(parameters.values()), allow_unused=True)
    found = {name: g for name, g in zip(parameters, gradients, strict=True) if g is not None}
    return set(found) if all(torch.equal(gradient, parameters[name]) for name, gradient in found.items()) else None
