"""What stands where: every use of a weight with what surrounds it, from one forward pass without gradients."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from justfit.probe._graph import Node, connect, is_normalised, nonlinearity_behind, weights_before
from justfit.probe._operations import NONLINEARITIES, NORMALISATIONS
from justfit.probe._run import Batch, run_forward, tensors_in
from justfit.probe._tracer import AttentionCall, Tracer, WeightedCall
from justfit.probe._unwrap import eager

MAX_LOOK_BEHIND = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightUse:
    """One use of a weight, and what surrounds it.

    Attributes:
        call: The use itself.
        activation: The nonlinearity that reads the output; None for none.
        normalised: A normalisation reads the output first.
        in_branch: It lies inside a residual or skip branch.
        is_output: Nothing with a weight stands between it and the network's output.
        skip: For the last weight of a residual branch, the node that the branch is added to; None otherwise.
        feeder: Number of the only call whose output it reads, through at most one nonlinearity and nothing that
            normalises or sums; −1 if there is none.
        feeding_activation: That nonlinearity; None for none.
    """

    call: WeightedCall
    activation: str | None
    normalised: bool
    in_branch: bool
    is_output: bool
    skip: Node | None
    feeder: int
    feeding_activation: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """All uses of weights in order of execution, and how many residual sums the trunk has."""

    uses: tuple[WeightUse, ...]
    num_sums: int


def read_structure(module: nn.Module, batch: Batch) -> Structure:
    """Run one forward pass without gradients and describe every use of a weight."""
    tracer = Tracer(module, _Blind(), keeps_signal=False)
    with eager(module):
        output = run_forward(module, batch, tracer, with_gradient=False)
    connect(tracer.nodes)
    ends = [node for tensor in tensors_in(output) if (node := tracer.node(tensor)) is not None]
    heads = {node.call for end in ends for node in weights_before(end)}
    skips = _skips(tracer.nodes)
    uses = []
    for call in tracer.calls:
        bend = nonlinearity_behind(call.node)
        feeder, between = _feeder(call)
        uses.append(
            WeightUse(
                call=call,
                activation=None if bend is None else bend.operation,
                normalised=is_normalised(call.node),
                in_branch=call.node.in_branch,
                is_output=call.index in heads,
                skip=skips.get(call.index),
                feeder=feeder,
                feeding_activation=between,
            )
        )
    return Structure(uses=tuple(uses), num_sums=sum(_is_residual(node) for node in tracer.nodes))


class _Blind:
    """Looks at nothing: the graph is enough."""

    def weighted(self, _: WeightedCall, output: Tensor) -> Tensor:
        return output

    def operation(self, _node: Node, _operands: list[Tensor], _output: Tensor) -> None:
        pass

    def attention(self, _: AttentionCall) -> None:
        pass


def _is_residual(node: Node) -> bool:
    return node.is_sum and node.operation == "add"


def _skips(nodes: list[Node]) -> dict[int, Node]:
    """Map the last call of each residual branch to the node that the branch is added to."""
    found: dict[int, Node] = {}
    for node in nodes:
        if not _is_residual(node):
            continue
        outside = [parent for parent in node.parents if not (parent.in_branch and not node.in_branch)]
        branches = [parent for parent in node.parents if parent.in_branch]
        if node.in_branch:  # a branch within a branch: the side with fewer weights near is the stream
            outside, branches = [min(node.parents, key=lambda p: p.index)], [max(node.parents, key=lambda p: p.index)]
        for branch in branches:
            if outside and branch is not outside[0]:
                for before in weights_before(branch):
                    found[before.call] = outside[0]
    return found


def _feeder(call: WeightedCall) -> tuple[int, str | None]:
    node = call.input_node
    bends: list[str] = []
    for _ in range(MAX_LOOK_BEHIND):
        if node is None or node.is_sum or node.operation in NORMALISATIONS or len(node.parents) > 1:
            return (node.call, bends[0] if bends else None) if node is not None and node.call >= 0 else (-1, None)
        if node.call >= 0:
            return node.call, (bends[0] if bends else None)
        if node.operation in NONLINEARITIES:
            bends.append(node.operation)
        if len(bends) > 1:
            return -1, None
        node = node.parents[0] if node.parents else None
    return -1, None
