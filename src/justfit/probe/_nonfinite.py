"""Where NaN or infinity appeared first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from justfit.probe._graph import Node, weights_before
from justfit.probe._names import layer_name
from justfit.probe._operations import MASKS
from justfit.probe._run import RANDOM_PROJECTION, Batch, run_forward, tensors_in
from justfit.probe._source import find_source
from justfit.probe._statistics import norms
from justfit.probe._tracer import AttentionCall, Tracer, WeightedCall
from justfit.records import NonFinite, SignalEvidence


def find_nonfinite_values(module: nn.Module, batch: Batch, parameters: Mapping[str, Tensor]) -> NonFinite | None:
    """Look for NaN or infinity in what goes in: the inputs, then the parameters."""
    inputs = [(f"input {number}", value) for number, value in enumerate(batch.inputs)] + list(batch.keywords.items())
    for name, value in inputs:
        broken = _first_broken((name, tensor) for tensor in tensors_in(value))
        if broken is not None:
            return NonFinite(stage="input", operation=broken[0], layer="", **_facts(broken[1]))
    broken = _first_broken(parameters.items())
    if broken is None:
        return None
    name, tensor = broken
    layer = layer_name(name)
    return NonFinite(
        stage="parameter", operation=name, layer=layer, source=find_source(module, layer), **_facts(tensor)
    )


def find_nonfinite_operation(
    module: nn.Module, batch: Batch, evidence: SignalEvidence, gradients: dict[str, Tensor]
) -> NonFinite | None:
    """Run the forward pass again, looking at every operation, and name the one that broke the signal.

    Args:
        module: The network.
        batch: What it ran on.
        evidence: What was measured.
        gradients: Those of parameters that are not finite.
    """
    watcher = NonFiniteWatcher()
    tracer = Tracer(module, watcher)
    run_forward(module, batch, tracer, with_gradient=False)
    culprit = watcher.culprit()
    if culprit is None:
        return _outside_forward(module, evidence, gradients)
    before = weights_before(culprit.node)
    layer = layer_name(tracer.calls[before[0].call].owner.parameter) if before else ""
    return NonFinite(
        stage="forward",
        operation=culprit.node.operation,
        layer=layer,
        source=find_source(module, layer) if layer else None,
        largest_input=culprit.largest_input,
        **culprit.facts,
    )


class Broken(NamedTuple):
    """An operation whose result is not finite: its node, kind and number of such values, its largest finite input."""

    node: Node
    facts: dict[str, Any]
    largest_input: float


class NonFiniteWatcher:
    """Remembers every operation whose result is not finite.

    Attributes:
        broken: By index of the node.
    """

    def __init__(self) -> None:
        self.broken: dict[int, Broken] = {}

    def weighted(self, call: WeightedCall, output: Tensor) -> Tensor:
        """Look at what a weight made."""
        self._look(call.node, [call.input], output)
        return output

    def operation(self, node: Node, operands: list[Tensor], output: Tensor) -> None:
        """Look at what any other operation made."""
        self._look(node, operands, output)

    def attention(self, call: AttentionCall) -> None:
        """Look at what a fused attention made."""
        self._look(call.node, [call.query, call.key, call.value], call.output)

    def culprit(self) -> Broken | None:
        """Return the operation that the first NaN came from; without NaN, the first infinity that no mask wrote."""
        nans = [index for index, found in self.broken.items() if found.facts["kind"] == "nan"]
        if nans:
            node = self.broken[min(nans)].node
            while True:  # infinity minus infinity is NaN: go back to where the infinity came from
                behind = [p for p in node.parents if p.index in self.broken and p.operation not in MASKS]
                if not behind:
                    return self.broken[node.index]
                node = behind[0]
        return next((found for found in self.broken.values() if found.node.operation not in MASKS), None)

    def _look(self, node: Node, operands: list[Tensor], output: Tensor) -> None:
        if not bool(torch.isfinite(output).all()):
            finite = [tensor[torch.isfinite(tensor)] for tensor in operands if tensor.is_floating_point()]
            sizes = [float(tensor.abs().max()) for tensor in finite if tensor.numel()]
            self.broken[node.index] = Broken(node, _facts(output), max(sizes, default=math.nan))


def _outside_forward(module: nn.Module, evidence: SignalEvidence, gradients: dict[str, Tensor]) -> NonFinite | None:
    """Blame the loss or the backward pass: every forward operation is finite."""
    value = evidence.loss.value
    if evidence.loss.name != RANDOM_PROJECTION and not math.isfinite(value):
        kind: Literal["nan", "inf"] = "nan" if math.isnan(value) else "inf"
        return NonFinite(stage="loss", operation=evidence.loss.name, layer="", kind=kind, num_values=1)
    for layer in reversed(evidence.layers):
        gradient = gradients.get(layer.parameter)
        if gradient is not None:
            source = find_source(module, layer.name)
            operation = f"gradient of {layer.operation}"
            return NonFinite(stage="backward", operation=operation, layer=layer.name, source=source, **_facts(gradient))
    for name, gradient in gradients.items():
        return NonFinite(stage="backward", operation=f"gradient of {name}", layer="", **_facts(gradient))
    return None


def _first_broken(named: Iterable[tuple[str, Tensor]]) -> tuple[str, Tensor] | None:
    taken = [(name, tensor.detach()) for name, tensor in named if tensor.is_floating_point()]
    if all(math.isfinite(norm) for norm in norms([tensor for _, tensor in taken])):
        return None
    return next(((name, tensor) for name, tensor in taken if not bool(torch.isfinite(tensor).all())), None)


def _facts(tensor: Tensor) -> dict[str, Any]:
    has_nan = bool(torch.isnan(tensor).any())
    return {"kind": "nan" if has_nan else "inf", "num_values": int((~torch.isfinite(tensor)).sum())}
