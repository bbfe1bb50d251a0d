"""Numbers of one activation tensor, cheap enough to be taken at every layer."""

from __future__ import annotations

import functools
import math

import torch
from scipy.special import ndtr, roots_hermitenorm
from torch import Tensor

MIN_EXAMPLES = 8  # with fewer, positions are samples too
MAX_ENTRIES = 1 << 16  # of an activation, whose saturation is told from a part
SMALL = 1 << 14  # entries up to which a norm in float64 costs nothing beside the call
FEW = 1 << 12  # entries up to which torch adds float32 squares up without loss
PIECE = 1 << 10
_NODES, _NODE_WEIGHTS = roots_hermitenorm(80)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()


def safe_norm(tensor: Tensor) -> Tensor:
    """Compute the Euclidean norm in float64 precision of range: squares neither underflow nor overflow."""
    values = tensor.detach()
    if values.is_complex():
        values = torch.view_as_real(values)
    if values.dtype == torch.float64:
        return _scaled_norm(values)
    if values.numel() <= SMALL or values.device.type != "cpu":
        exact: Tensor = torch.linalg.vector_norm(values, dtype=torch.float64)
        return exact
    if values.dtype in (torch.float16, torch.bfloat16):
        values = values.float()
    return _scaled_norm(values)


def _scaled_norm(values: Tensor) -> Tensor:
    norm = _long_norm(values)
    if bool((norm > 1e-15) & (norm < 1e15)) or not values.numel():
        return norm.double()
    largest: Tensor = values.abs().amax().double()
    if not bool((largest > 0) & (largest < math.inf)):
        return largest
    scaled: Tensor = torch.linalg.vector_norm(values.double() / largest)
    return scaled * largest


def _long_norm(values: Tensor) -> Tensor:
    """Compute a norm as one of norms of short pieces: torch adds up millions of float32 squares one by one."""
    pieces = values.numel() // PIECE
    if not pieces or not values.is_contiguous():
        whole: Tensor = torch.linalg.vector_norm(values)
        return whole
    flat = values.view(-1)
    norms_P = torch.linalg.vector_norm(flat[: pieces * PIECE].view(pieces, PIECE), dim=1).double()
    rest = torch.linalg.vector_norm(flat[pieces * PIECE :]).double()
    together: Tensor = torch.linalg.vector_norm(torch.cat([norms_P, rest[None]]))
    return together


def norms(tensors: list[Tensor]) -> list[float]:
    """Compute the Euclidean norms of many tensors, and bring them to the host together."""
    if not tensors:
        return []
    device = tensors[0].device
    small = [p for p, t in enumerate(tensors) if t.dtype == torch.float32 and t.numel() <= FEW and t.device == device]
    found = dict(zip(small, _norms_of_few([tensors[place] for place in small]), strict=True))
    others = [place for place in range(len(tensors)) if place not in found]
    if others:
        found.update(zip(others, torch.stack([safe_norm(tensors[p]).to(device) for p in others]).tolist(), strict=True))
    return [found[place] for place in range(len(tensors))]


def _norms_of_few(tensors: list[Tensor]) -> list[float]:
    if not tensors:
        return []
    found: list[float] = torch.stack(torch._foreach_norm(tensors)).tolist()  # a tenth of the time of single calls
    for scale, low, high in ((2.0**100, 0.0, 1e-15), (2.0**-100, 1e15, math.inf)):
        places = [place for place, norm in enumerate(found) if low <= norm <= high]  # squares left float32's range
        if places:
            scaled = torch._foreach_norm(torch._foreach_mul([tensors[place] for place in places], scale))
            for place, norm in zip(places, (torch.stack(scaled).double() / scale).tolist(), strict=True):
                found[place] = norm
    return found


def unit_dimension(activation: Tensor, operation: str) -> int:
    """Tell which dimension of an activation counts units: channels of a convolution, else the last."""
    return 1 if operation.startswith("conv") and activation.dim() >= 3 else activation.dim() - 1


def largest_by_unit(preactivation: Tensor, dimension: int) -> Tensor:
    """Find each unit's largest preactivation over examples and positions; NaN where there are none."""
    if not preactivation.numel():  # an expert may get no example
        return preactivation.new_full((preactivation.shape[dimension],), math.nan)
    others = [axis for axis in range(preactivation.dim()) if axis != dimension]
    return preactivation.detach().amax(dim=others) if others else preactivation.detach().clone()


def dead_shares(largest: dict[int, tuple[Tensor, float]]) -> dict[int, float]:
    """Measure shares of units that are never above a bound; NaN where nothing is known of any unit.

    Args:
        largest: By node index, each unit's largest preactivation, and the bound.
    """
    groups: dict[tuple[float, object, object, object], list[int]] = {}
    for index, (units_U, below) in largest.items():
        groups.setdefault((below, units_U.shape, units_U.dtype, units_U.device), []).append(index)
    found: dict[int, float] = {}
    for (below, *_), indices in groups.items():
        units_NU = torch.stack([largest[index][0] for index in indices])
        shares_N = (units_NU <= below).double().mean(1)
        shares_N[units_NU.isnan().all(1)] = math.nan
        found.update(zip(indices, shares_N.tolist(), strict=True))
    return found


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


@functools.lru_cache(maxsize=1024)
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
    silent = ndtr(_NODES * math.sqrt(c / (1.0 - c))) ** num_samples  # the nodes are symmetric
    return float(_NODE_WEIGHTS @ silent)
