"""From the tracer's graph and the reader's numbers to plain records."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from justfit.probe._graph import Node, is_normalised, weights_before
from justfit.probe._layers import LayerBuilder, Numbers, collect
from justfit.probe._loss_faults import LossOperation
from justfit.probe._names import layer_name
from justfit.probe._reader import SignalReader
from justfit.probe._run import Batch, Loss, tensors_in
from justfit.probe._source import find_source
from justfit.probe._statistics import MIN_EXAMPLES, safe_norm
from justfit.probe._tracer import Tracer
from justfit.records import (
    AttentionSignal,
    InputSignal,
    LayerSignal,
    LossSignal,
    SignalEvidence,
    TrunkKind,
    TrunkPoint,
    UnusedParameter,
)

MAX_LOOK_BEHIND = 400


def build_evidence(
    module: nn.Module,
    batch: Batch,
    tracer: Tracer,
    reader: SignalReader,
    *,
    outputs: list[Node],
    loss: Loss,
    gradients: dict[str, Tensor | None],
) -> SignalEvidence:
    """Put everything that was measured into one record."""
    numbers = collect(reader)
    layers = LayerBuilder(module, tracer, reader, numbers, gradients=gradients).build(outputs)
    floats = [parameter for parameter in tracer.owners.parameters.values() if parameter.is_floating_point()]
    return SignalEvidence(
        module=type(module).__name__,
        num_parameters=sum(parameter.numel() for parameter in tracer.owners.parameters.values()),
        batch_size=batch.size,
        unit_roundoff=torch.finfo(floats[0].dtype).eps if floats else math.nan,
        layers=layers,
        trunk=_trunk(tracer, reader, numbers, outputs, sources=_Sources(module, layers)),
        attention=_attention(module, tracer, reader),
        inputs=_inputs(module, tracer),
        loss=_loss(loss, reader, numbers, outputs),
        unused=_unused(module, gradients, has_routing=tracer.has_routing),
        notes=_notes(batch, loss),
    )


class _Sources(dict[str, str | None]):
    """Lines by the name of what is built there; those of the layers are known."""

    def __init__(self, module: nn.Module, layers: tuple[LayerSignal, ...]) -> None:
        super().__init__((layer.name, layer.source) for layer in layers if "[" not in layer.name)
        self._module = module

    def __missing__(self, name: str) -> str | None:
        return find_source(self._module, name)


def _trunk(
    tracer: Tracer, reader: SignalReader, numbers: Numbers, outputs: list[Node], *, sources: _Sources
) -> tuple[TrunkPoint, ...]:
    places: dict[int, tuple[Node, TrunkKind, str]] = {}
    for node in tracer.nodes:
        if node.is_sum and not node.in_branch and node.index in reader.spreads:
            before = weights_before(node)
            places[node.index] = (node, "sum", _layer(tracer, before[0].call) if before else node.operation)
    for call in tracer.calls:
        read = call.input_node
        if read is None or read.index in places or read.index not in reader.spreads:
            continue
        if not read.in_branch and not call.node.in_branch:
            places[read.index] = (read, "input", layer_name(call.owner.parameter))
    for node in outputs:
        if node.index in reader.spreads:
            before = weights_before(node)
            places[node.index] = (node, "output", _layer(tracer, before[0].call) if before else "output")
    inner = [index for index, (_, kind, _) in sorted(places.items()) if kind != "output"]
    ends = {index: reader.nuclear_rank(index) for index in (*inner[:1], *inner[-1:])}
    return tuple(
        TrunkPoint(
            name=name,
            kind=kind,
            source=sources[name],
            width=reader.spreads[index].width,
            normalised=is_normalised(node),
            rms=numbers.rms[index],
            centred_rms=numbers.centred_rms[index],
            gradient_norm=numbers.gradient.get(index, math.nan),
            effective_rank=numbers.rank[index],
            nuclear_rank=ends.get(index, math.nan),
            num_samples=reader.spreads[index].num_samples,
            cosine=numbers.cosine[index],
            sample_energy=numbers.energy[index],
        )
        for index, (node, kind, name) in sorted(places.items())
    )


def _attention(module: nn.Module, tracer: Tracer, reader: SignalReader) -> tuple[AttentionSignal, ...]:
    found = []
    for node, reading in reader.attentions:
        before = weights_before(node)
        layer = _layer(tracer, before[0].call) if before else "attention"
        name = layer.rpartition(".")[0] or layer
        logit_std, entropy, peaked, input_cosine, output_cosine = reading.values.tolist()
        found.append(
            AttentionSignal(
                name=name,
                source=find_source(module, name),
                num_tokens=reading.num_tokens,
                logit_std=logit_std,
                entropy_fraction=entropy,
                peaked_fraction=peaked,
                input_cosine=input_cosine,
                output_cosine=output_cosine,
                residual=node.in_branch,
            )
        )
    return tuple(found)


def _inputs(module: nn.Module, tracer: Tracer) -> tuple[InputSignal, ...]:
    found = []
    for node in tracer.nodes:
        tensor = tracer.tensor(node) if not node.parents and node.call < 0 else None
        if tensor is None or node.operation not in tracer.input_names or tensor.numel() < 2:
            continue
        values = tensor.detach().double()
        reader = _first_reader(node)
        name = "" if reader is None else layer_name(tracer.calls[reader.call].owner.parameter)
        found.append(
            InputSignal(
                name=node.operation,
                rms=float(safe_norm(values)) / math.sqrt(values.numel()),
                mean=float(values.mean()),
                std=float(values.std()),
                minimum=float(values.min()),
                maximum=float(values.max()),
                feature_std_ratio=_feature_std_ratio(values),
                normalised=is_normalised(node),
                read_by=name,
                source=find_source(module, name) if name else None,
            )
        )
    return tuple(found)


def _feature_std_ratio(values_BF: Tensor) -> float:
    if values_BF.dim() != 2 or values_BF.shape[0] < MIN_EXAMPLES or values_BF.shape[1] < 2:
        return math.nan
    spreads_F = values_BF.std(0)
    # A feature that is the same in nearly all examples has no scale that could be compared.
    varied_F = (values_BF != values_BF.median(0).values).double().mean(0) > 0.2
    spreads_F = spreads_F[varied_F & (spreads_F > 0)]
    return float(spreads_F.max() / spreads_F.min()) if len(spreads_F) > 1 else math.nan


def _first_reader(node: Node) -> Node | None:
    stack, seen = list(node.children), 0
    while stack and seen < MAX_LOOK_BEHIND:
        current = stack.pop(0)
        seen += 1
        if current.call >= 0:
            return current
        stack.extend(current.children)
    return None


def _loss(loss: Loss, reader: SignalReader, numbers: Numbers, outputs: list[Node]) -> LossSignal:
    operations: list[LossOperation] = reader.loss_operations
    own = next((found for found in operations if found.node is loss.node), None)
    sizes = [numbers.rms[node.index] for node in outputs if node.index in numbers.rms]
    return LossSignal(
        name=own.name if own is not None else loss.name,
        value=float(loss.tensor.detach()) if loss.is_real else math.nan,
        expected=math.nan if own is None else own.expected,
        expected_words="" if own is None else own.expected_words,
        num_classes=0 if own is None else own.num_classes,
        output_rms=sizes[0] if sizes else math.nan,
        faults=tuple(fault for found in operations for fault in found.faults),
    )


def _unused(
    module: nn.Module, gradients: dict[str, Tensor | None], *, has_routing: bool
) -> tuple[UnusedParameter, ...]:
    if all(gradient is None for gradient in gradients.values()):
        return ()
    used = {name for name, gradient in gradients.items() if gradient is not None}
    return tuple(
        UnusedParameter(
            name=name,
            source=find_source(module, layer_name(name)),
            routed=has_routing and _is_routed(module, name, used),
        )
        for name, gradient in gradients.items()
        if gradient is None
    )


def _is_routed(module: nn.Module, name: str, used: set[str]) -> bool:
    """Tell whether a parameter belongs to one of several modules of a kind, of which others are used."""
    parts = name.split(".")
    for place, part in enumerate(parts[:-1]):
        if not part.isdigit():
            continue
        prefix, rest = ".".join(parts[:place]), ".".join(parts[place + 1 :])
        holder = module.get_submodule(prefix)
        if isinstance(holder, nn.ModuleList):
            twins = {f"{prefix + '.' if prefix else ''}{number}.{rest}" for number in range(len(holder))}
            if twins & used:
                return True
    return False


def _notes(batch: Batch, loss: Loss) -> tuple[str, ...]:
    notes = []
    if not loss.is_real:
        notes.append("No loss was given: gradients start from a random direction of the output.")
    if batch.size < MIN_EXAMPLES and next(tensors_in((*batch.inputs, *batch.keywords.values())), None) is not None:
        notes.append(f"The batch has {batch.size} examples; rank and dead units are told better from {MIN_EXAMPLES}.")
    return tuple(notes)


def _layer(tracer: Tracer, call: int) -> str:
    return layer_name(tracer.calls[call].owner.parameter)
