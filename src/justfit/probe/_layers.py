"""One record per weight, from all its calls."""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import median
from typing import NamedTuple

from torch import Tensor, nn

from justfit.probe._graph import Node, branch_ends, is_normalised, nonlinearity_behind, weights_before
from justfit.probe._names import fans_of, layer_name
from justfit.probe._operations import (
    CONVOLUTIONS,
    DEAD_BELOW,
    EMBEDDINGS,
    RECURRENT,
    RECURRENT_CELLS,
    SATURATING,
)
from justfit.probe._reader import SignalReader
from justfit.probe._source import find_source
from justfit.probe._statistics import chance_dead_share
from justfit.probe._tracer import Tracer, WeightedCall
from justfit.probe._weights import WeightFacts, WeightUse, right_rms, weight_facts
from justfit.records import LayerSignal

MAX_UNROLLED = 8  # calls of a weight up to which a unit counts as alive if one call shows it alive
MAX_LOOK_AHEAD = 64


class Numbers(NamedTuple):
    """Everything the reader took, on the host; keys are node indices."""

    rms: dict[int, float]
    centred_rms: dict[int, float]
    rank: dict[int, float]
    cosine: dict[int, float]
    energy: dict[int, float]
    output_rms: dict[int, float]
    gradient: dict[int, float]
    share: dict[int, float]


def collect(reader: SignalReader) -> Numbers:
    """Bring the reader's numbers to the host."""
    spreads = reader.read_spreads()
    rms, centred, rank, cosine, energy = (
        {index: spread[place] for index, spread in spreads.items()} for place in range(5)
    )
    output_rms = reader.read_output_rms()
    return Numbers(rms, centred, rank, cosine, energy, output_rms, reader.read_gradients(), reader.read_shares())


class Flow(NamedTuple):
    """What one call of a weight does to the signal.

    Attributes:
        input_rms, output_rms, activation_rms: Sizes of what goes in, what the weight makes, what the next reads.
        input_gradient, activation_gradient: Norms of the gradient there.
        bend: The nonlinearity behind the weight.
        place: Index of the node that stands for the activation.
    """

    input_rms: float
    output_rms: float
    activation_rms: float
    input_gradient: float
    activation_gradient: float
    bend: Node | None
    place: int


class LayerBuilder:
    """Builds the layer records of one network.

    Args:
        module: The network.
        tracer: After the run, its graph connected.
        reader: After the run.
        numbers: The reader's numbers.
        gradients: ∂L/∂parameter by name.
    """

    def __init__(
        self,
        module: nn.Module,
        tracer: Tracer,
        reader: SignalReader,
        numbers: Numbers,
        *,
        gradients: dict[str, Tensor | None],
    ) -> None:
        self.module = module
        self.tracer = tracer
        self.reader = reader
        self.numbers = numbers
        self.gradients = gradients
        self.ends = branch_ends(tracer.nodes)

    def build(self, outputs: Iterable[Node]) -> tuple[LayerSignal, ...]:
        """Build one record per weight, in order of first execution."""
        heads = {node.call for output in outputs for node in weights_before(output)}
        groups: dict[tuple[object, ...], list[WeightedCall]] = {}
        for call in self.tracer.calls:
            part = () if call.owner.is_whole else (call.weight.storage_offset(), tuple(call.weight.shape))
            groups.setdefault((call.owner.parameter, *part), []).append(call)
        facts = weight_facts([self._use(calls[0]) for calls in groups.values()])
        return tuple(
            self._layer(calls, fact, is_output=calls[0].index in heads)
            for calls, fact in zip(groups.values(), facts, strict=True)
        )

    def _layer(self, calls: list[WeightedCall], facts: WeightFacts, *, is_output: bool) -> LayerSignal:
        first, numbers = calls[0], self.numbers
        flows = [self._flow(call) for call in calls]
        bend, place = flows[0].bend, flows[0].place
        activation = None if bend is None else bend.operation
        shares = [numbers.share.get(flow.bend.index, math.nan) for flow in flows if flow.bend is not None]
        share = math.nan if not shares else min(shares) if len(calls) <= MAX_UNROLLED else shares[0]
        # The first step of an unrolled recurrent net reads an empty memory: look at the middle of all.
        saturated = median(shares) if shares and not any(math.isnan(each) for each in shares) else math.nan
        reads = -1 if first.input_node is None else first.input_node.index
        size = self.reader.spreads.get(reads)
        fan_in, fan_out = fans_of(
            tuple(first.weight.shape), first.unit_dimension, first.groups, first.stride, first.operation
        )
        input_rms = _mean_square([flow.input_rms for flow in flows])
        activation_rms = _mean_square([flow.activation_rms for flow in flows])
        gradient_norm = _mean_square([flow.activation_gradient for flow in flows])
        normalised = is_normalised(first.node)
        scale_is_told = not normalised and first.operation not in EMBEDDINGS | RECURRENT | RECURRENT_CELLS
        return LayerSignal(
            name=self._name(first),
            parameter=first.owner.parameter,
            operation=first.operation,
            source=find_source(self.module, layer_name(first.owner.parameter)),
            num_calls=len(calls),
            shape=tuple(first.weight.shape),
            fan_in=fan_in,
            fan_out=fan_out,
            activation=activation,
            normalised=normalised,
            in_branch=first.node.in_branch,
            ends_branch=first.index in self.ends,
            is_output=is_output,
            frozen=not self.tracer.owners.parameters[first.owner.parameter].requires_grad,
            input_rms=input_rms,
            output_rms=_mean_square([flow.output_rms for flow in flows]),
            activation_rms=activation_rms,
            forward_gain=_ratio(activation_rms, input_rms),
            gradient_norm=gradient_norm,
            backward_gain=_ratio(_mean_square([flow.input_gradient for flow in flows]), gradient_norm),
            effective_rank=numbers.rank.get(place, math.nan),
            input_effective_rank=numbers.rank.get(reads, math.nan),
            cosine=numbers.cosine.get(place, math.nan),
            sample_energy=numbers.energy.get(place, math.nan),
            num_samples=0 if size is None else size.num_samples,
            dead_fraction=share if activation in DEAD_BELOW else math.nan,
            chance_dead_fraction=math.nan
            if size is None
            else chance_dead_share(numbers.cosine.get(reads, 0.0), size.num_samples),
            saturated_fraction=saturated if activation in SATURATING else math.nan,
            right_weight_rms=right_rms(activation, fan_in, input_rms) if scale_is_told else math.nan,
            **facts._asdict(),
        )

    def _flow(self, call: WeightedCall) -> Flow:
        numbers = self.numbers
        source = -1 if call.input_node is None else call.input_node.index
        after = activation_place(call, self.tracer.calls)
        own = numbers.output_rms[call.node.index]
        place = call.node.index if after is None else after
        return Flow(
            input_rms=numbers.rms.get(source, math.nan),
            output_rms=own,
            activation_rms=own if after is None else numbers.rms.get(after, own),
            input_gradient=numbers.gradient.get(source, math.nan),
            activation_gradient=numbers.gradient.get(place, math.nan),
            bend=nonlinearity_behind(call.node),
            place=place,
        )

    def _name(self, call: WeightedCall) -> str:
        name = layer_name(call.owner.parameter)
        if call.owner.is_whole or call.weight._base is None or call.weight.dim() != 2:
            return name
        start = call.weight.storage_offset() // max(call.weight.stride(0), 1)
        return f"{name}[{start}:{start + call.weight.shape[0]}]"

    def _use(self, call: WeightedCall) -> WeightUse:
        gradient = self.gradients.get(call.owner.parameter)
        if gradient is not None and gradient.is_sparse:
            gradient = gradient.coalesce().values()
        return WeightUse(
            weight=call.weight,
            bias=call.bias,
            gradient=gradient,
            dimension=call.unit_dimension,
            is_layer=call.operation == "linear" or call.operation in CONVOLUTIONS,
            has_units=call.operation not in EMBEDDINGS,
        )


def activation_place(call: WeightedCall, calls: list[WeightedCall]) -> int | None:
    """Find the node that the next weight reads, if the signal gets there without joining a residual sum."""
    stack, seen = list(call.node.children), 0
    while stack and seen < MAX_LOOK_AHEAD:
        node = stack.pop(0)
        seen += 1
        if node.call >= 0:
            source = calls[node.call].input_node
            return None if source is None else source.index
        if not node.is_sum:
            stack.extend(node.children)
    return None


def _mean_square(numbers: list[float]) -> float:
    if len(numbers) == 1:
        return numbers[0]
    values = [number for number in numbers if not math.isnan(number)]
    if not values:
        return math.nan
    largest = max(values)
    if largest in (0.0, math.inf):
        return largest
    return largest * math.sqrt(sum((value / largest) ** 2 for value in values) / len(values))


def _ratio(top: float, bottom: float) -> float:
    return top / bottom if bottom > 0 and not math.isinf(bottom) else math.nan
