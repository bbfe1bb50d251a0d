"""Looks on while a network runs, and takes the numbers of every weight, sum, nonlinearity and attention."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge
from torch.utils.hooks import RemovableHandle

from justfit.probe._attention import AttentionReading, read_attention, read_weights
from justfit.probe._graph import Node, weights_before
from justfit.probe._loss_faults import LOSSES, LossOperation, look_at_loss
from justfit.probe._operations import DEAD_BELOW, PRODUCTS, SATURATING
from justfit.probe._spread import Spread, SpreadMeter
from justfit.probe._statistics import (
    SMALL,
    dead_shares,
    largest_by_unit,
    norms,
    safe_norm,
    saturated_share,
    unit_dimension,
)
from justfit.probe._tracer import AttentionCall, WeightedCall


class SignalReader:
    """Takes the numbers while forward and backward run; they stay on the device until both have ended.

    Args:
        batch_size: Examples in the batch.
    """

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self._meter = SpreadMeter(batch_size)
        self.spreads = self._meter.sizes
        self._output_norms: dict[int, tuple[Tensor, int]] = {}
        self._gradients: dict[int, float] = {}
        self.gradient_places: dict[int, GradientEdge] = {}
        self._hooks: dict[int, RemovableHandle] = {}
        self._saturated: dict[int, Tensor] = {}
        self._largest: dict[int, tuple[Tensor, float]] = {}
        self.attentions: list[tuple[Node, AttentionReading]] = []
        self.loss_operations: list[LossOperation] = []
        self.in_loss = False
        self._followed: set[int] = set()
        self._softmaxes: dict[int, tuple[Tensor, Tensor]] = {}

    def weighted(self, call: WeightedCall, output: Tensor) -> Tensor:
        """Take the sizes of a weight's input and output."""
        if call.input_node is not None:
            self.take(call.input_node, call.input)
        self._output_norms[call.node.index] = safe_norm(output), output.numel()
        self._follow(call.node, output)
        return output

    def operation(self, node: Node, operands: list[Tensor], output: Tensor) -> None:
        """Take what an operation of its kind shows."""
        if self.in_loss or node.operation in LOSSES:
            found = look_at_loss(node, operands, output)
            if found is not None:
                self.loss_operations.append(found)
        elif node.operation == "add" and len(node.parents) == 2 and output.numel() > 1:
            self.take(node, output)
        elif node.operation in DEAD_BELOW:
            self._take_dead(node, operands[0], output)
        elif node.operation in SATURATING:
            before = operands[0] if operands[0] is not output else output
            self._saturated[node.index] = saturated_share(before, node.operation)
        elif node.operation == "softmax" and operands[0] is not output:
            self._softmaxes[node.index] = (operands[0], output)
        elif node.operation in PRODUCTS and len(operands) == 2:
            self._take_written_attention(node, operands, output)

    def attention(self, call: AttentionCall) -> None:
        """Take what a fused attention shows."""
        reading = read_attention(call)
        if reading is not None:
            self.attentions.append((call.node, reading))

    def take(self, node: Node, tensor: Tensor) -> None:
        """Take size and diversity of a tensor, and the size of its gradient when backward comes."""
        if node.index not in self.spreads and tensor.numel():  # an expert may get no example at all
            self._meter.take(node.index, tensor)
            self._follow(node, tensor)

    def read_spreads(self) -> dict[int, Spread]:
        """Bring size and diversity of what was taken to the host."""
        return self._meter.read()

    def nuclear_rank(self, index: int) -> float:
        """Measure the nuclear rank of one of the first or last tensors that were taken; NaN for others."""
        return self._meter.nuclear_rank(index)

    def drop_gradients(self, indices: Iterable[int]) -> None:
        """Ask for no gradient at outputs that were not taken; `gradient_places` are those that are wanted."""
        for index in indices:
            if index not in self.spreads:
                self.gradient_places.pop(index, None)
                if index in self._hooks:
                    self._hooks.pop(index).remove()

    def take_gradients(self, gradients: dict[int, Tensor | None]) -> None:
        """Take the gradients at `gradient_places`."""
        found = {index: gradient for index, gradient in gradients.items() if gradient is not None}
        self._gradients.update(zip(found, norms(list(found.values())), strict=True))

    def read_output_rms(self) -> dict[int, float]:
        """Bring the sizes of the weights' outputs to the host."""
        norms_by_node = read_numbers({index: norm for index, (norm, _) in self._output_norms.items()})
        return {index: norm / math.sqrt(max(self._output_norms[index][1], 1)) for index, norm in norms_by_node.items()}

    def read_gradients(self) -> dict[int, float]:
        """Bring the norms of the gradients to the host."""
        return self._gradients

    def read_shares(self) -> dict[int, float]:
        """Bring the shares of dead and saturated units to the host."""
        return {**read_numbers(self._saturated), **dead_shares(self._largest)}

    def _follow(self, node: Node, tensor: Tensor) -> None:
        if not tensor.requires_grad or node.index in self._followed:
            return
        self._followed.add(node.index)
        made_by = tensor.grad_fn
        if made_by is None or tensor.numel() > SMALL:  # large gradients are let go as soon as they are measured
            watch = partial(self._take_gradient, node.index)
            self._hooks[node.index] = tensor.register_hook(watch)  # type: ignore[no-untyped-call]
        else:  # the place as it is now, whatever is later written into the tensor; a hook costs more than the layer
            self.gradient_places[node.index] = GradientEdge(made_by, tensor.output_nr, None)

    def _take_gradient(self, index: int, gradient: Tensor) -> None:
        self._gradients[index] = float(safe_norm(gradient))

    def _take_dead(self, node: Node, before: Tensor, output: Tensor) -> None:
        weights = weights_before(node)
        kind = weights[0].operation if weights else ""
        if before.dim() < 2:
            return
        below = DEAD_BELOW[node.operation]
        if before is output:  # changed in place: what is left says enough where dead means zero
            below = 0.0
        self._largest[node.index] = largest_by_unit(before, unit_dimension(before, kind)), below

    def _take_written_attention(self, node: Node, operands: list[Tensor], output: Tensor) -> None:
        weights = self._softmax_before(node)
        if weights is None:
            return
        logits, attention = self._softmaxes.pop(weights)
        reading = read_weights(logits, attention, operands[1], output)
        if reading is not None:
            self.attentions.append((node, reading))

    def _softmax_before(self, node: Node) -> int | None:
        current: Node | None = node.parents[0] if node.parents else None
        for _ in range(6):
            if current is None or current.call >= 0:
                return None
            if current.index in self._softmaxes:
                return current.index
            current = current.parents[0] if current.parents else None
        return None


def read_numbers(readings: dict[int, Tensor]) -> dict[int, float]:
    """Bring scalars that stayed on the device to the host, all at once."""
    if not readings:
        return {}
    device = next(iter(readings.values())).device
    stacked = torch.stack([value.to(device, torch.float64) for value in readings.values()])
    return dict(zip(readings, stacked.tolist(), strict=True))
