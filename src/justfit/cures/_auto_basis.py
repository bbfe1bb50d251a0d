"""The basis of each weight: mirrored orthogonal, delta orthogonal, or orthogonal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from justfit.probe import GATES, SATURATING, Structure, WeightedCall, WeightUse

LINEAR_PAIRS = GATES | {"logsigmoid", "prelu", "relu6"}  # f(x) − f(−x) is linear in x; relu6 up to 6
ODD_PAIRS = frozenset({"sigmoid", "hardsigmoid", "elu", "selu", "celu", "mish"})  # f(x) − f(−x) bends, but is odd
BALANCED = SATURATING | ODD_PAIRS | {"sin"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """How one weight is drawn.

    Attributes:
        mirrored_rows: Units come in pairs of opposite sign, first half and second half.
        mirrored_columns: What it reads comes in such pairs, through an activation.
        is_delta: A convolution starts with its centre tap only.
        is_gaussian: Normal entries; transposed convolutions, whose windows overlap on the output's side.
        is_balanced: Its size is solved for χ = 1 at the activation that reads it.
        num_blocks: Blocks that are packed one below the other: groups, or query, key and value.
        fan_in, fan_out: As the operation runs.
    """

    mirrored_rows: bool = False
    mirrored_columns: bool = False
    is_delta: bool = False
    is_gaussian: bool = False
    is_balanced: bool = False
    num_blocks: int = 1
    fan_in: float = 0.0
    fan_out: float = 0.0

    @property
    def words(self) -> str:
        """Name the basis."""
        if self.is_gaussian:
            return "normal"
        kind = "delta orthogonal" if self.is_delta else "orthogonal"
        return f"mirrored {kind}" if self.mirrored_rows or self.mirrored_columns else kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One weight that is initialized, or one part of it: its first use, and how it is drawn."""

    use: WeightUse
    basis: Basis


def key_of(call: WeightedCall) -> str:
    """Name what a call uses: the parameter, or its rows `name[0:64]`; nothing for a part that is no block of rows."""
    name = call.owner.parameter
    if call.owner.is_whole:
        return name
    weight, whole = call.weight, call.weight._base
    rows_only = (
        whole is not None
        and weight.dim() == whole.dim() == 2
        and call.unit_dimension == 0
        and weight.shape[1] == whole.shape[1]
        and weight.stride() == whole.stride()
    )
    if not rows_only or whole is None:
        return ""
    start = (weight.storage_offset() - whole.storage_offset()) // whole.stride(0)
    return f"{name}[{start}:{start + weight.shape[0]}]"


def choose_basis(use: WeightUse, structure: Structure, steps: Mapping[str, Step]) -> Basis:
    r"""Choose how a weight is drawn.

    In a plain chain, units before an activation f that is not odd are drawn in pairs of opposite sign, and what reads
    them subtracts the pairs again:

    .. math:: W = \begin{pmatrix} U & -U \\ -U & U \end{pmatrix}, \qquad U f(h) - U f(-h) = U\,[f(h) - f(-h)]

    For ReLU, leaky ReLU, GELU, SiLU, hard-swish and softplus f(h) − f(−h) = c·h: the network starts as an isometry, at
    any depth. For sigmoid, ELU, SELU and Mish it is an odd function, without the offset that makes all examples alike.

    A convolution starts with its centre tap if it keeps the map's size and has channels enough; one that strides or
    widens uses its whole window, or it would see a fraction of the map.

    References:
        Balduzzi et al., "The Shattered Gradients Problem", 2017, section 4 (looks-linear, for ReLU).
        Xiao et al., "Dynamical Isometry and a Mean Field Theory of CNNs", 2018, algorithm 1 (delta-orthogonal).
    """
    call, basis = use.call, _Shape(use.call)
    in_chain = not use.in_branch and use.skip is None and not use.normalised
    can_pair = basis.num_blocks == 1 and not basis.is_transposed and not basis.is_stack
    mirrored_rows = in_chain and can_pair and basis.rows >= 4 and use.activation in LINEAR_PAIRS | ODD_PAIRS
    mirrored_columns = can_pair and _reads_pairs(use, structure, steps)
    reaches_all = basis.rows // (1 + mirrored_rows) <= basis.channels // (1 + mirrored_columns)
    keeps_map = basis.is_convolution and can_pair and basis.window > 1 and call.stride == 1
    return Basis(
        mirrored_rows=mirrored_rows,
        mirrored_columns=mirrored_columns,
        is_delta=in_chain and keeps_map and reaches_all and not use.is_output,
        is_gaussian=basis.is_transposed or basis.is_stack,
        is_balanced=in_chain and use.activation in BALANCED and not use.is_output,
        num_blocks=basis.num_blocks,
        fan_in=basis.fan_in,
        fan_out=float(basis.rows),
    )


class _Shape:
    """How a call uses its weight's dimensions."""

    def __init__(self, call: WeightedCall) -> None:
        shape = call.weight.shape
        self.is_convolution = call.operation.startswith("conv")
        self.is_transposed = call.operation.startswith("conv_transpose")
        self.is_stack = len(shape) > 2 and not self.is_convolution  # of matrices, as of experts
        self.rows = shape[call.unit_dimension]
        self.window = math.prod(shape[2:]) if self.is_convolution else 1
        per_unit = call.weight.numel() // max(1, self.rows)
        self.channels = per_unit // max(1, self.window)
        is_packed = call.owner.parameter.endswith("in_proj_weight") and self.rows % max(1, per_unit) == 0
        self.num_blocks = self.rows // per_unit if is_packed else call.groups
        self.fan_in = float(shape[-2]) if self.is_stack else float(per_unit)
        if self.is_transposed:
            self.fan_in = shape[0] / call.groups * self.window / call.stride


def _reads_pairs(use: WeightUse, structure: Structure, steps: Mapping[str, Step]) -> bool:
    if use.feeder < 0 or use.feeding_activation not in LINEAR_PAIRS | ODD_PAIRS:
        return False
    feeder = steps.get(key_of(structure.uses[use.feeder].call))
    return feeder is not None and feeder.basis.mirrored_rows
