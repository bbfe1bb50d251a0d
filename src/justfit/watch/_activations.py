"""What the activations of a step look like, read from the graph that autograd built: the forward pass is left alone.

Walking from the loss back to the parameters and forth again tells which layer's output goes into which nonlinearity,
normalisation and layer, whatever way the forward pass was written. The numbers come from the tensors that autograd has
saved for the backward pass anyway. What was offloaded, checkpointed or compiled is not fetched, and stays NaN.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from justfit.watch._activation_numbers import bend_of, dead_fraction, rms, saturated_fraction, saved
from justfit.watch._layers import Layer, LayerTable

MAX_NODES = 20_000
WEIGHTED = frozenset(
    {
        *("Addmm", "Mm", "Convolution", "Bmm", "Embedding", "EmbeddingBag", "Baddbmm", "Mv", "Addmv", "MkldnnLinear"),
        *("MkldnnRnnLayer", "CudnnRnn", "MiopenRnn", "CudnnConvolution", "ConvolutionOverrideable", "Linear"),
    }
)
NORMS = frozenset(
    {
        *("NativeBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm", "NativeLayerNorm", "NativeGroupNorm"),
        *("FusedRmsNorm", "FusedRMSNorm", "BatchNormImplIndex", "InstanceNorm"),
    }
)
RECURRENT = ("LSTM", "GRU", "RNN")
_INPUTS = ("mat1", "input", "self")  # under which names a weighted operation saves what it reads


@dataclass(slots=True)
class _Signal:
    """What a node's output is: a parameter, or the output of layers that nothing weighted has read yet."""

    parameter: nn.Parameter | None = None
    layers: tuple[Layer, ...] = ()
    bent: bool = False  # a nonlinearity has read it
    summed: bool = False


_NOTHING = _Signal()


class ActivationReader:
    """Reads the graph of one loss.

    Args:
        table: The layers; what is learned about their structure is entered there.
    """

    def __init__(self, table: LayerTable) -> None:
        self._table = table
        self._order = 0

    @torch.no_grad()
    def read(self, losses: tuple[Tensor, ...]) -> tuple[dict[int, Tensor], bool]:
        """Measure what each layer's output becomes.

        Args:
            losses: About to be differentiated.

        Returns:
            By index of the layer rms, dead fraction and saturated fraction of its activation, float64 on the device,
            NaN where they have no meaning; and whether something was saved in a way that is not looked into.
        """
        found: dict[int, list[Tensor | None]] = {}
        signals: dict[Any, _Signal] = {}
        hidden = False
        roots = [loss.grad_fn for loss in losses if loss.grad_fn is not None]
        heads = _Heads(roots)
        for node in _inputs_first(roots):
            parents = [signals.get(behind, _NOTHING) for behind, _ in node.next_functions]
            name = node.name()
            hidden |= "Checkpoint" in name or "Compiled" in name
            signals[node] = self._signal(node, name, parents, found)
        for layer in heads.weighted(signals):
            layer.is_output = True
        return {index: _row(values) for index, values in found.items() if any(v is not None for v in values)}, hidden

    def _signal(self, node: Any, name: str, parents: list[_Signal], found: dict[int, list[Tensor | None]]) -> _Signal:
        if name.endswith("AccumulateGrad"):
            return _Signal(parameter=node.variable)
        kind = name.rsplit(":", 1)[-1].partition("Backward")[0]
        parameters = [parent.parameter for parent in parents if parent.parameter is not None]
        signal = _newest([parent for parent in parents if parent.layers])
        if kind in WEIGHTED and parameters:
            layer = self._layer(parameters)
            self._is_read(node, signal, found)
            return _Signal(layers=(layer,))
        if len(parameters) == len(parents) == 1:
            return parents[0]  # a parameter transposed, cast or reshaped
        if kind in NORMS:
            for layer in signal.layers if not (signal.bent or signal.summed) else ():
                layer.normalised = True
            own = (self._layer(parameters),) if parameters else ()
            return _Signal(layers=own + (() if signal.bent else signal.layers), summed=signal.summed)
        bend = bend_of(kind, node)
        if bend is not None:
            self._is_bent(bend, node, signal, found)
            return _Signal(layers=signal.layers, bent=True)
        if kind == "Mul" and sum(bool(parent.layers) for parent in parents) > 1:
            return _NOTHING  # a gate
        return signal if kind != "Add" or len(parents) < 2 else _Signal(signal.parameter, signal.layers, signal.bent, True)

    def _layer(self, parameters: list[nn.Parameter]) -> Layer:
        layer = self._table.layer_of(max(parameters, key=lambda parameter: parameter.numel()))
        if layer.order < 0:
            layer.order = self._order
            self._order += 1
        return layer

    def _is_read(self, node: Any, signal: _Signal, found: dict[int, list[Tensor | None]]) -> None:
        """Measure what a weighted operation reads; it is the activation of the layers before it."""
        missing = [layer for layer in signal.layers if found.setdefault(layer.index, [None] * 3)[0] is None]
        if not missing:
            return
        values = next((tensor for name in _INPUTS if (tensor := saved(node, name)) is not None), None)
        if values is not None and values.is_floating_point():
            size = rms(values)
            for layer in missing:
                found[layer.index][0] = size

    def _is_bent(self, bend: str, node: Any, signal: _Signal, found: dict[int, list[Tensor | None]]) -> None:
        if signal.bent:
            return
        layers = [layer for layer in signal.layers if not layer.kind.startswith(RECURRENT)]  # their gates are no units
        dead = saturated = None
        for layer in layers:
            layer.activation = layer.activation or bend
            numbers = found.setdefault(layer.index, [None] * 3)
            if numbers[1] is None and numbers[2] is None:
                dead = dead_fraction(bend, node, layer) if dead is None else dead
                saturated = saturated_fraction(bend, node) if saturated is None else saturated
                numbers[1:] = [dead, saturated]


class _Heads:
    """Finds the layers between which and the loss nothing with a weight stands."""

    def __init__(self, roots: list[Any]) -> None:
        self._roots = roots

    def weighted(self, signals: dict[Any, _Signal]) -> Iterator[Layer]:
        """Yield them."""
        stack, seen = list(self._roots), set(self._roots)
        while stack:
            node = stack.pop()
            name = node.name()
            kind = name.rsplit(":", 1)[-1].partition("Backward")[0]
            if kind in WEIGHTED and (layers := signals[node].layers):
                yield from layers
                continue
            for behind, _ in node.next_functions:
                if behind is not None and behind not in seen and behind in signals:
                    seen.add(behind)
                    stack.append(behind)


def _inputs_first(roots: list[Any]) -> Iterator[Any]:
    """Yield every node of the graph after those that it was computed from; at most `MAX_NODES`."""
    seen: set[Any] = set()
    stack: list[tuple[Any, bool]] = [(root, False) for root in roots]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif node not in seen and len(seen) < MAX_NODES:
            seen.add(node)
            stack.append((node, True))
            stack += [(behind, False) for behind, _ in node.next_functions if behind is not None]


def _newest(signals: list[_Signal]) -> _Signal:
    """Choose the branch, not the stream it joins: the one that no nonlinearity has read yet."""
    return next((signal for signal in signals if not signal.bent), signals[0] if signals else _NOTHING)


def _row(values: list[Tensor | None]) -> Tensor:
    there = next(value for value in values if value is not None)
    nothing = torch.full((), torch.nan, dtype=torch.float64, device=there.device)
    return torch.stack([nothing if value is None else value.double() for value in values])
