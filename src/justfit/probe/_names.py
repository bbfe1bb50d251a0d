"""Which parameter is a tensor, or what was it computed from? Views, packed weights, weight norm, tied transposes."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Owner:
    """The parameter behind a tensor.

    Attributes:
        parameter: Its path, the first if it is shared.
        is_whole: The tensor is the parameter itself, or all of it in another shape or order.
    """

    parameter: str
    is_whole: bool


class Owners:
    """Finds the parameter behind a tensor, and remembers what was computed from parameters alone."""

    def __init__(self, module: nn.Module) -> None:
        self.parameters: dict[str, nn.Parameter] = dict(module.named_parameters())
        self._by_id = {id(parameter): Owner(name, is_whole=True) for name, parameter in self.parameters.items()}
        self._constants = {id(buffer) for buffer in module.buffers()}
        self._derived: dict[int, tuple[Tensor, Owner]] = {}
        self._kept: list[Tensor] = []

    def find(self, tensor: Tensor) -> Owner | None:
        """Return the parameter a tensor is, is a view of, or was computed from alone."""
        found = self._by_id.get(id(tensor))
        if found is not None:
            return found
        derived = self._derived.get(id(tensor))
        if derived is not None:
            return derived[1]
        base = tensor._base
        if base is None or id(base) not in self._by_id:
            return None
        name = self._by_id[id(base)].parameter
        return Owner(name, is_whole=tensor.numel() == base.numel())

    def is_constant(self, tensor: Tensor) -> bool:
        """Tell whether the tensor is one of the module's buffers."""
        return id(tensor) in self._constants

    def derive(self, output: Tensor, operands: list[Tensor]) -> bool:
        """Remember an output that was computed from parameters and buffers alone; tell whether it was."""
        owners = [(operand.numel(), owner) for operand in operands if (owner := self.find(operand)) is not None]
        if not owners and all(self.is_constant(tensor) for tensor in operands):
            self._constants.add(id(output))
            self._kept.append(output)
            return True
        if not owners or any(self.find(t) is None and not self.is_constant(t) and t.numel() > 1 for t in operands):
            return False
        size, owner = max(owners, key=lambda pair: pair[0])
        whole = owner.is_whole and output.numel() == size
        self._derived[id(output)] = (output, Owner(owner.parameter, is_whole=whole))  # kept alive: ids stay unique
        return True


@functools.lru_cache(maxsize=1 << 16)
def layer_name(parameter: str) -> str:
    """Name the layer a weight belongs to: the module's path where the weight is its only one.

    >>> layer_name("blocks.0.fc.weight"), layer_name("attn.in_proj_weight"), layer_name("weight")
    ('blocks.0.fc', 'attn.in_proj_weight', 'weight')
    >>> layer_name("fc.parametrizations.weight.original1"), layer_name("fc.weight_v"), layer_name("rnn.weight_ih_l0")
    ('fc', 'fc', 'rnn')
    """
    head = parameter.split(".parametrizations.")[0]
    if head != parameter:
        return head
    owner, _, last = parameter.rpartition(".")
    single = last in {"weight", "weight_v", "weight_g", "weight_orig"} or last.startswith(("weight_ih", "weight_hh"))
    return owner if owner and single else parameter


@functools.lru_cache(maxsize=4096)
def fans_of(shape: tuple[int, ...], unit_dimension: int, groups: int, stride: int, kind: str) -> tuple[float, float]:
    """Count fan_in and fan_out of a weight as its operation runs.

    Args:
        shape: Of the weight.
        unit_dimension: The dimension that counts output units.
        groups: Of a grouped convolution.
        stride: Product of the strides.
        kind: Name of the operation.

    Returns:
        Inputs per output entry and outputs per input entry. A transposed convolution spreads each input over the
        whole kernel, so an output entry sees kernel / stride of it.
    """
    window = math.prod(shape[2:])
    if kind.startswith("conv_transpose"):
        return shape[0] / groups * window / stride, float(shape[1] * window)
    if kind.startswith("conv"):
        return float(shape[1] * window), shape[0] / groups * window / stride
    return float(math.prod(shape) // max(shape[unit_dimension], 1)), float(shape[unit_dimension])
