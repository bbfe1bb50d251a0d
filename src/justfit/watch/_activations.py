"""What the activations of a step look like, read from the graph that autograd built: the forward pass is left alone.

Walking from the loss back to the parameters and forth again tells which layer's output goes into which nonlinearity,
normalisation and layer, whatever way the forward pass was written. The numbers come from the tensors that autograd has
saved for the backward pass anyway. What was offloaded, checkpointed or compiled is not fetched, and stays NaN.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from justfit.watch._activation_numbers import Measured, bend_of, dead_fraction, rms, saturated_fraction, saved
from justfit.watch._layers import Layer, LayerTable
from justfit.watch._operations import INPUTS, MAX_NODES, NORMS, WEIGHTED

RECURRENT = ("LSTM", "GRU", "RNN")
LOOK_AGAIN = 16  # readings after which it is looked again which layers are outputs
_KINDS: dict[str, str] = {}


@dataclass(slots=True)
class _Signal:
    """What a node's output is: a parameter, or the output of layers that nothing weighted has read yet."""

    parameter: nn.Parameter | None = None
    layers: tuple[Layer, ...] = ()
    bent: bool = False  # a nonlinearity has read it
    summed: bool = False


_NOTHING = _Signal()


class Activations:
    """Numbers of the activations of one step; they lie on the device until `on_host` is called."""

    def __init__(self) -> None:
        self.measured: list[Tensor] = []
        self._divisors: list[float] = []
        self._places: dict[tuple[int, int], int] = {}  # (layer, statistic) → place in `measured`

    def __bool__(self) -> bool:
        return bool(self.measured)

    def has(self, layer: Layer, statistic: int) -> bool:
        """Say whether rms (0), dead fraction (1) or saturated fraction (2) of a layer has been measured."""
        return (layer.index, statistic) in self._places

    def add(self, layers: list[Layer], statistic: int, measured: Measured | None) -> None:
        """Enter a number for layers that share it; None for nothing."""
        if measured is not None and layers:
            for layer in layers:
                self._places[layer.index, statistic] = len(self.measured)
            self.measured.append(measured[0])
            self._divisors.append(measured[1])

    def of_layers(self, layers: Sequence[int], numbers: Sequence[float]) -> list[float]:
        """Lay the numbers out, NaN where there is none.

        Args:
            layers: Indices of the layers.
            numbers: What `measured` holds, on the host.

        Returns:
            The rms of each layer, then its dead, then its saturated fraction.
        """
        values = [number / divisor for number, divisor in zip(numbers, self._divisors, strict=True)]
        places = [self._places.get((layer, statistic)) for statistic in range(3) for layer in layers]
        return [math.nan if place is None else values[place] for place in places]


class ActivationReader:
    """Reads the graph of a loss.

    Args:
        table: The layers; what is learned about their structure is entered there.
    """

    def __init__(self, table: LayerTable) -> None:
        self._table = table
        self._num_ordered = 0
        self._num_reads = 0

    @torch.no_grad()
    def read(self, losses: tuple[Tensor, ...]) -> tuple[Activations, bool]:
        """Measure what each layer's output becomes.

        Args:
            losses: About to be differentiated.

        Returns:
            The numbers, and whether parts of the network were hidden from view.
        """
        found = Activations()
        signals: dict[Any, _Signal] = {None: _NOTHING}
        hidden = False
        roots = [loss.grad_fn for loss in losses if loss.grad_fn is not None]
        for node, behind in _inputs_first(roots):
            kind = _kind(node)
            signals[node] = self._signal(node, kind, [signals.get(before, _NOTHING) for before in behind], found)
            hidden = hidden or "Checkpoint" in kind or "Compiled" in kind
        if self._num_reads % LOOK_AGAIN == 0:
            for layer in _heads(roots, signals):
                layer.is_output = True
        self._num_reads += 1
        return found, hidden

    def _signal(self, node: Any, kind: str, parents: list[_Signal], found: Activations) -> _Signal:
        if kind == "AccumulateGrad":
            return _Signal(parameter=node.variable) if self._table.knows(node.variable) else _NOTHING
        parameters = [parent.parameter for parent in parents if parent.parameter is not None]
        signal = _newest(parents)
        if not parameters and not signal.layers:
            return _NOTHING
        if kind in WEIGHTED and parameters:
            layer = self._layer(parameters)
            self._is_read(node, signal, found)
            return _Signal(layers=(layer,))
        if len(parameters) == len(parents) == 1:
            return parents[0]  # a parameter transposed, cast or reshaped
        if kind in NORMS:
            return self._normalised(signal, parameters)
        bend = bend_of(kind, node)
        if bend is not None:
            self._is_bent(bend, node, signal, found)
            return _Signal(layers=signal.layers, bent=True)
        if kind == "Mul" and sum(bool(parent.layers) for parent in parents) > 1:
            return _NOTHING  # a gate
        if kind == "Add" and len(parents) > 1:
            return _Signal(layers=signal.layers, bent=signal.bent, summed=True)
        return signal

    def _normalised(self, signal: _Signal, parameters: list[nn.Parameter]) -> _Signal:
        if not (signal.bent or signal.summed):
            for layer in signal.layers:
                layer.normalised = True
        own = (self._layer(parameters),) if parameters else ()
        return _Signal(layers=own if signal.bent else own + signal.layers, summed=signal.summed)

    def _layer(self, parameters: list[nn.Parameter]) -> Layer:
        largest = parameters[0] if len(parameters) == 1 else max(parameters, key=lambda p: p.numel())
        layer = self._table.layer_of(largest)
        if layer.order < 0:
            layer.order = self._num_ordered
            self._num_ordered += 1
        return layer

    def _is_read(self, node: Any, signal: _Signal, found: Activations) -> None:
        """Measure what a weighted operation reads; it is the activation of the layers before it."""
        missing = [layer for layer in signal.layers if not found.has(layer, 0)]
        if missing:
            values = next((tensor for name in INPUTS if (tensor := saved(node, name)) is not None), None)
            if values is not None and values.is_floating_point():
                found.add(missing, 0, rms(values))

    def _is_bent(self, bend: str, node: Any, signal: _Signal, found: Activations) -> None:
        if signal.bent:
            return
        layers = [layer for layer in signal.layers if not layer.kind.startswith(RECURRENT)]  # their gates are no units
        layers = [layer for layer in layers if not (found.has(layer, 1) or found.has(layer, 2))]
        if layers:
            for layer in layers:
                layer.activation = layer.activation or bend
            found.add(layers, 1, dead_fraction(bend, node, layers[0]))
            found.add(layers, 2, saturated_fraction(bend, node))


def _heads(roots: list[Any], signals: dict[Any, _Signal]) -> Iterator[Layer]:
    """Yield the layers between which and the loss nothing with a weight stands."""
    stack, seen = list(roots), set(roots)
    while stack:
        node = stack.pop()
        if _kind(node) in WEIGHTED and signals[node].layers:
            yield from signals[node].layers
            continue
        for behind, _ in node.next_functions:
            if behind is not None and behind not in seen and behind in signals:
                seen.add(behind)
                stack.append(behind)


def _kind(node: Any) -> str:
    """Name the operation of a node: `Addmm` for `AddmmBackward0`."""
    name = node.name()
    kind = _KINDS.get(name)
    if kind is None:
        kind = _KINDS[name] = name.rsplit(":", 1)[-1].partition("Backward")[0]
    return kind


def _inputs_first(roots: list[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """Yield every node of the graph after those that it was computed from, with those; at most `MAX_NODES`."""
    seen: set[Any] = {None}
    stack: list[tuple[Any, list[Any] | None]] = [(root, None) for root in roots]
    while stack:
        node, behind = stack.pop()
        if behind is not None:
            yield node, behind
        elif node not in seen and len(seen) < MAX_NODES:
            seen.add(node)
            behind = [before for before, _ in node.next_functions]
            stack.append((node, behind))
            stack += [(before, None) for before in behind if before not in seen]


def _newest(signals: list[_Signal]) -> _Signal:
    """Choose the branch, not the stream it joins: the one that no nonlinearity has read yet."""
    bent = _NOTHING
    for signal in signals:
        if signal.layers:
            if not signal.bent:
                return signal
            bent = signal if bent is _NOTHING else bent
    return bent
