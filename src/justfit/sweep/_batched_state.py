"""Where the networks of a program stand, read out and written back under the names that their modules use.

Notation: K variants, I fan_in, O fan_out.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from justfit.sweep._chunk import ChunkKernel
from justfit.sweep._modules import Parameters
from justfit.sweep._program import Program
from justfit.sweep._training import UnitState

# What Adam keeps for each parameter, by torch's own names, and its count of steps, which all of them share.
_KINDS = ("parameter", "optimizer.exp_avg", "optimizer.exp_avg_sq")
_COUNT = "optimizer.step"


def read_state(program: Program, layers: tuple[str, ...]) -> UnitState:
    """Copy every variant out, in the order of the program.

    Args:
        program: What to read.
        layers: Name of each Linear layer within the variants' modules.

    Returns:
        Parameters, moments and step counts, as the plain loop names and shapes them.
    """
    pieces: dict[str, list[Tensor]] = {}
    order: list[int] = []
    for kernel, indices in program.kernels():
        order += indices
        for name, weight_KIO, bias_K1O in _views(kernel, layers, len(indices)):
            pieces.setdefault(f"{name}.weight", []).append(weight_KIO.transpose(1, 2))
            pieces.setdefault(f"{name}.bias", []).append(bias_K1O[:, 0])
        for layer in layers:
            for part in ("weight", "bias"):
                pieces.setdefault(f"{_COUNT}.{layer}.{part}", []).append(kernel.adam.count.expand(len(indices)))
    place = {index: position for position, index in enumerate(order)}
    back = torch.tensor([place[index] for index in range(len(program.variants))])
    return UnitState(program.epoch, {name: torch.cat(parts)[back] for name, parts in pieces.items()})


def write_state(program: Program, layers: tuple[str, ...], state: UnitState) -> None:
    """Put every variant of a fresh program where a state says.

    Args:
        program: What to write to; its variants are those of the state, in order.
        layers: Name of each Linear layer within the variants' modules.
        state: What `read_state` or the plain loop gave.
    """
    program.epoch = state.epoch
    for kernel, indices in program.kernels():
        for name, weight_KIO, bias_K1O in _views(kernel, layers, len(indices)):
            weight_KIO.copy_(state.tensors[f"{name}.weight"][indices].transpose(1, 2))
            bias_K1O[:, 0] = state.tensors[f"{name}.bias"][indices]
        kernel.adam.count.copy_(state.tensors[f"{_COUNT}.{layers[0]}.weight"][indices[0]])


def stored_parameters(state: UnitState, layers: tuple[str, ...], place: int) -> Parameters:
    """(weight_IO, bias_O) of each layer of one variant of a state."""
    return [
        (state.tensors[f"parameter.{layer}.weight"][place].t(), state.tensors[f"parameter.{layer}.bias"][place])
        for layer in layers
    ]


def _views(kernel: ChunkKernel, layers: tuple[str, ...], num_variants: int) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, weight_KIO and bias_K1O of everything a kernel keeps, without the padding of the last layer."""
    widths = (*kernel.layout.hidden, kernel.layout.num_outputs)
    for kind, flat in zip(_KINDS, (kernel.flat, kernel.adam.first, kernel.adam.second), strict=True):
        weights, biases = kernel.layout.views(flat, num_variants)
        for layer, width, weight, bias in zip(layers, widths, weights, biases, strict=True):
            yield f"{kind}.{layer}", weight[..., :width], bias[..., :width]
