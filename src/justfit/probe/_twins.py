"""Units of a weight that are each other's twins: they compute the same and learn the same, for ever.

Shapes: N weights of one shape, U output units, R entries of a unit's row, K of them that are looked at first.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

TWIN_TOLERANCE = 1e-5  # relative: far above the rounding of a gradient, far below any random difference
MAX_COLUMNS = 16  # in which units that differ nearly always differ


def may_have_twins(weights: list[Tensor], dimension: int) -> list[bool]:
    """Look at some columns of weights of one shape: where all units differ there, none has a twin."""
    shape = weights[0].shape
    if len(shape) < 2 or shape[dimension] < 2 or not weights[0].numel():
        return [False] * len(weights)
    is_matrix = len(shape) == 2 and dimension == 0
    rows = weights if is_matrix else [weight.movedim(dimension, 0).flatten(1) for weight in weights]
    step = -(-rows[0].shape[1] // MAX_COLUMNS)
    rows_NUK = torch.stack([row[:, ::step] for row in rows])
    rows_NUK = rows_NUK if rows_NUK.dtype == torch.float64 else rows_NUK.float()
    keys_NU2 = rows_NUK @ _probe(rows_NUK.shape[2]).to(rows_NUK)
    size_N = torch.maximum(rows_NUK.amax((1, 2)), -rows_NUK.amin((1, 2))) * math.sqrt(rows_NUK.shape[2])
    order_NU1 = keys_NU2[..., 0].argsort(1)[..., None]
    keys_NU2 = keys_NU2.gather(1, order_NU1.expand(-1, -1, 2))
    gap_NU = (keys_NU2[:, 1:] - keys_NU2[:, :-1]).abs().amax(2)
    return list((gap_NU.amin(1) <= TWIN_TOLERANCE * size_N).tolist())


@torch.no_grad()
def twin_share(weight: Tensor, bias: Tensor | None, gradient: Tensor | None, dimension: int) -> float:
    """Measure the share of units that have a twin: same row of weights, same bias, same row of the gradient.

    Such units compute the same and learn the same, for ever.

    Args:
        weight: The weight.
        bias: Its bias, one per unit, or None.
        gradient: ∂L/∂weight; None gives 0, since without it nothing is known of the future.
        dimension: The weight's dimension that counts units.
    """
    if (
        gradient is None
        or weight.dim() < 2
        or weight.shape[dimension] < 2
        or gradient.shape != weight.shape
        or weight.is_complex()
    ):
        return 0.0
    weight_UR = weight.detach().movedim(dimension, 0).flatten(1).double()
    gradient_UR = gradient.detach().movedim(dimension, 0).flatten(1).double()
    rows_UR = torch.cat([_scaled(weight_UR), _scaled(gradient_UR)], dim=1)
    if bias is not None and bias.shape == (len(weight_UR),):
        rows_UR = torch.cat([rows_UR, _scaled(bias.detach()[:, None].double())], dim=1)
    return float((_matches(weight_UR) & _matches(rows_UR)).double().mean())


@torch.no_grad()
def copied_share(weight: Tensor, dimension: int) -> float:
    """Measure the share of units that have a twin with the same weights, which are not all zero.

    Args:
        weight: The weight, at least two-dimensional.
        dimension: Its dimension that counts units.
    """
    if weight.is_complex():
        return 0.0
    weight_UR = weight.detach().movedim(dimension, 0).flatten(1).double()
    is_real_U = weight_UR.abs().amax(1) > 0
    return float((_matches(_scaled(weight_UR)) & is_real_U).double().mean())


def _matches(rows_UR: Tensor) -> Tensor:
    """Mark the rows that have an equal one, by a projection on two fixed directions."""
    keys_U2 = rows_UR @ _probe(rows_UR.shape[1]).to(rows_UR)
    size = max(float(rows_UR.norm(dim=1).max()), 1e-300)
    order = keys_U2[:, 0].argsort()
    near = ((keys_U2[order][1:] - keys_U2[order][:-1]).abs() <= TWIN_TOLERANCE * size).all(1)
    marks = torch.zeros(len(rows_UR), dtype=torch.bool, device=rows_UR.device)
    marks[order[1:]] |= near
    marks[order[:-1]] |= near
    return marks


def _probe(size: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(size, 2, generator=generator, dtype=torch.float64) + 0.5


def _scaled(values: Tensor) -> Tensor:
    size: Tensor = torch.linalg.vector_norm(values)
    return values / size.clamp_min(torch.finfo(values.dtype).tiny)
