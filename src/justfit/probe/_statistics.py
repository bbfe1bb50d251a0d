"""Numbers of one activation tensor, cheap enough to be taken at every layer."""

from __future__ import annotations

import math

import torch
from scipy.special import ndtr, roots_hermitenorm
from torch import Tensor

MIN_EXAMPLES = 8  # with fewer, positions are samples too
MAX_ENTRIES = 1 << 16  # of an activation, whose saturation is told from a part
SMALL = 1 << 14  # entries up to which a norm in float64 costs nothing beside the call
_NODES, _NODE_WEIGHTS = roots_hermitenorm(80)


def safe_norm(tensor: Tensor) -> Tensor:
    """Compute the Euclidean norm in float64 precision of range: squares neither underflow nor overflow."""
    values = tensor.detach()
    if values.is_complex():
        values = torch.view_as_real(values)
    if values.dtype == torch.float64:
        return _scaled_norm(values)
    if values.numel() <= SMALL or values.device.type != "cpu":
        return torch.linalg.vector_norm(values, dtype=torch.float64)
    if values.dtype in (torch.float16, torch.bfloat16):
        values = values.float()
    return _scaled_norm(values)


def _scaled_norm(values: Tensor) -> Tensor:
    norm = torch.linalg.vector_norm(values)
    if bool((norm > 1e-15) & (norm < 1e15)) or not values.numel():
        return norm.double()
    largest = values.abs().amax().double()
    if not bool((largest > 0) & (largest < math.inf)):
        return largest
    return torch.linalg.vector_norm(values.double() / largest) * largest


def unit_dimension(activation: Tensor, operation: str) -> int:
    """Tell which dimension of an activation counts units: channels of a convolution, else the last."""
    return 1 if operation.startswith("conv") and activation.dim() >= 3 else activation.dim() - 1


def dead_share(preactivation: Tensor, dimension: int, below: float) -> Tensor:
    """Measure the share of units whose preactivation is at most `below` for every example and position."""
    others = [axis for axis in range(preactivation.dim()) if axis != dimension]
    largest = preactivation.detach().amax(dim=others) if others else preactivation.detach()
    return (largest <= below).double().mean()


def saturated_share(preactivation: Tensor, operation: str) -> Tensor:
    """Measure the share of entries whose local derivative is below 5 % of the activation's largest.

    Args:
        preactivation: Any shape.
        operation: `tanh`, `sigmoid`, `softsign`, `hardtanh`, `hardsigmoid` or `erf`.
    """
    flat = preactivation.detach().flatten()
    z = flat[:: len(flat) // MAX_ENTRIES + 1].double().abs()
    edge = {
        "tanh": math.atanh(math.sqrt(0.95)),  # 1 − tanh² = 0.05
        "sigmoid": 2 * math.atanh(math.sqrt(0.95)),  # 4 σ(1 − σ) = 1 − tanh²(z/2)
        "softsign": math.sqrt(20.0) - 1.0,  # 1/(1 + |z|)² = 0.05
        "hardtanh": 1.0,
        "hardsigmoid": 3.0,
        "erf": math.sqrt(math.log(20.0)),  # exp(−z²) = 0.05
    }[operation]
    return (z >= edge).double().mean()


def chance_dead_share(cosine: float, num_samples: int) -> float:
    r"""Compute how many units zero-mean Gaussian weights leave silent on all S samples by chance.

    .. math:: P = E_{u \sim N(0,1)}\left[\Phi\left(-u\sqrt{\tfrac{c}{1-c}}\right)^S\right]

    Args:
        cosine: Mean cosine c between two samples of the layer's input, in [−1, 1].
        num_samples: S.

    Returns:
        Share in [0, 1/2].

    >>> round(chance_dead_share(0.0, 3), 3), round(chance_dead_share(1.0, 64), 3)
    (0.125, 0.5)
    """
    c = min(max(cosine, 0.0), 1.0 - 1e-9)
    silent = ndtr(-_NODES * math.sqrt(c / (1.0 - c))) ** num_samples
    return float(_NODE_WEIGHTS @ silent / _NODE_WEIGHTS.sum())
