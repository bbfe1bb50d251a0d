"""The basis of each weight: mirrored orthogonal, delta orthogonal, or orthogonal.

Shapes: G groups, R units of a group (rows), C entries a unit reads within its group (columns, times the window).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from justfit.cures._initialization_draw import haar
from justfit.probe import GATES, SATURATING, Structure, WeightedCall, WeightUse

Kind = Literal["orthogonal", "mirrored", "delta", "gaussian"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """How one weight is drawn.

    Attributes:
        mirrored_rows: Units come in pairs of opposite sign, first half and second half.
        mirrored_columns: What it reads comes in such pairs, through a gate.
        is_delta: A convolution starts with its centre tap only.
        is_balanced: Its size is solved for χ = 1 at a saturating activation of the trunk.
        num_blocks: Square blocks that are packed one below the other (query, key, value).
        fan_in, fan_out: As the operation runs.
    """

    mirrored_rows: bool = False
    mirrored_columns: bool = False
    is_delta: bool = False
    is_balanced: bool = False
    num_blocks: int = 1
    fan_in: float = 0.0
    fan_out: float = 0.0

    @property
    def words(self) -> str:
        """Name the basis."""
        kind = "delta orthogonal" if self.is_delta else "orthogonal"
        return f"mirrored {kind}" if self.mirrored_rows or self.mirrored_columns else kind


def choose_basis(use: WeightUse, structure: Structure, steps: Mapping[str, Any]) -> Basis:
    r"""Choose how a weight is drawn.

    In a plain chain, units before a gate activation f (f(x) − f(−x) = c·x: ReLU, leaky ReLU, GELU, SiLU, hard-swish,
    softplus) are drawn in pairs of opposite sign, and what reads them subtracts the pairs again:

    .. math:: W = \begin{pmatrix} U & -U \\ -U & U \end{pmatrix}, \qquad U f(h) - U f(-h) = c\,U h

    so the network starts as an isometry, at any depth.

    References:
        Balduzzi et al., "The Shattered Gradients Problem", 2017, section 4 (looks-linear, for ReLU).
        Xiao et al., "Dynamical Isometry and a Mean Field Theory of CNNs", 2018, algorithm 1 (delta-orthogonal).
    """
    call = use.call
    rows = call.weight.shape[call.unit_dimension]
    in_chain = not use.in_branch and use.skip is None and not use.normalised
    feeder = structure.uses[use.feeder] if use.feeder >= 0 else None
    reads_pairs = (
        feeder is not None
        and use.feeding_activation in GATES
        and (step := steps.get(feeder.call.owner.parameter)) is not None
        and step.basis.mirrored_rows
        and call.groups == 1
    )
    window = math.prod(call.weight.shape[2:])
    plain = call.operation == "linear" or call.operation in ("matmul", "mm", "addmm") or window == 1
    convolution = call.operation.startswith("conv") and not call.operation.startswith("conv_transpose")
    per_unit = call.weight.numel() // rows
    transposed = call.operation.startswith("conv_transpose")
    return Basis(
        mirrored_rows=in_chain and use.activation in GATES and call.groups == 1 and rows >= 4 and not transposed,
        mirrored_columns=reads_pairs,
        is_delta=in_chain and convolution and not plain and call.groups == 1 and call.input_node is not None
        and not use.is_output,
        is_balanced=in_chain and use.activation in SATURATING and not use.is_output,
        num_blocks=3 if call.owner.parameter.endswith("in_proj_weight") and rows == 3 * per_unit else 1,
        fan_in=float(per_unit) if not transposed else call.weight.shape[0] / call.groups * window / call.stride,
        fan_out=float(rows),
    )


def draw_basis(basis: Basis, call: WeightedCall, generator: torch.Generator) -> Tensor:
    """Draw a weight in its own shape; its overall size is fixed later, in flight."""
    weight = call.weight
    unit_first = weight.detach().movedim(call.unit_dimension, 0)
    window = math.prod(unit_first.shape[2:])
    if call.operation.startswith("conv_transpose"):
        return torch.randn(weight.shape, generator=generator, dtype=torch.float64).to(weight)
    if basis.is_delta:
        taps = torch.zeros(unit_first.shape, dtype=torch.float64)
        centre = tuple(size // 2 for size in unit_first.shape[2:])
        taps[(slice(None), slice(None), *centre)] = _matrix(
            basis, unit_first.shape[0], unit_first.shape[1], generator
        )
        return taps.to(weight)
    rows, columns = unit_first.shape[0], math.prod(unit_first.shape[1:])
    parts = call.groups * basis.num_blocks
    if basis.mirrored_columns and window > 1:  # channels come in pairs, each with its whole window
        parts = 1
    blocks = [_matrix(basis, rows // parts, columns, generator) for _ in range(parts)]
    drawn = torch.cat(blocks).reshape(unit_first.shape)
    return drawn.movedim(0, call.unit_dimension).to(weight)


def _matrix(basis: Basis, rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """Draw a matrix that keeps the mean square of what it reads, with mirrored halves where they are wanted."""
    num_rows = rows // 2 if basis.mirrored_rows else rows
    num_columns = columns // 2 if basis.mirrored_columns else columns
    gaussian = torch.randn(1, num_rows, num_columns, generator=generator, dtype=torch.float64)
    core = haar(gaussian)[0] * math.sqrt(max(1.0, num_rows / num_columns))
    if basis.mirrored_columns:
        core = torch.cat([core, -core, core.new_zeros(num_rows, columns - 2 * num_columns)], dim=1)
    if basis.mirrored_rows:
        odd = core.new_zeros(rows - 2 * num_rows, columns)
        if len(odd):
            odd[:] = torch.randn(odd.shape, generator=generator, dtype=torch.float64) / math.sqrt(columns)
        core = torch.cat([core, -core, odd])
    return core
