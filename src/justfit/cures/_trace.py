"""What each activation of a network does there, seen in one forward pass: hidden, at the output, a gate, recurrent."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from justfit.errors import ArgumentError
from justfit.probe import (
    NONLINEARITIES,
    NORMALISATIONS,
    SATURATING,
    AttentionCall,
    Batch,
    Node,
    Running,
    Tracer,
    WeightedCall,
    eager,
    run_forward,
    running_place,
    tensors_in,
    untouched,
    weights_before,
)

Role = Literal["hidden", "output", "gate", "recurrent"]
JOINS = frozenset({"mul", "div", "multiply", "matmul", "bmm", "mm", "einsum", "baddbmm", "addcmul", "lerp"})
GATING = SATURATING | {"softmax"}  # bounded: what they are multiplied with, they weigh
DROPOUTS = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"})
RECURRENT = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu"})  # their outputs are activations


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationCall:
    """One nonlinear operation as it ran.

    Attributes:
        operation: Its name, such as `sigmoid`.
        role: `hidden` where a weight reads what follows from it; `output` where none does; `gate` where it is
            bounded and multiplied with another part of the signal; `recurrent` where the weight before it reads its
            result again.
        module: Path of the innermost module that was running; empty for the network itself.
        source: File and line that was running outside torch; empty where there is none to show.
        layer: Path of the last weighted layer before it; empty for none.
    """

    operation: str
    role: Role
    module: str
    source: str
    layer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One forward pass.

    Attributes:
        activations: In order of execution.
        dry: Paths of the layers that read an activation with no dropout in between, in order of execution, each once;
            only layers whose every use is so.
        dropouts: (module path, file and line) of each call of a dropout function, in order of execution.
        output_dims: Number of dimensions of each layer's output, by its path.
        called: Ids of the modules that were called; of others only parts or weights were used.
    """

    activations: tuple[ActivationCall, ...]
    dry: tuple[str, ...]
    dropouts: tuple[tuple[str, str], ...]
    output_dims: Mapping[str, int]
    called: frozenset[int]


def batch_of(inputs: Any, keywords: Mapping[str, Any] | None = None) -> Batch:
    """Read `inputs` as one batch: a tensor, a tuple or list of positional arguments, or a mapping of keywords.

    Raises:
        ArgumentError: There is no tensor in it.
    """
    if isinstance(inputs, Mapping):
        batch = Batch(inputs=(), keywords=dict(inputs))
    else:
        positional = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
        batch = Batch(inputs=positional, keywords=dict(keywords or {}))
    if next(tensors_in((*batch.inputs, *batch.keywords.values())), None) is None:
        raise ArgumentError(
            "There must be a batch for the module: a tensor, a tuple of tensors, or a dict of keywords.",
            found="none" if inputs == () else f"a {type(inputs).__name__} without a tensor",
            way_out="Pass one batch as the module takes it.",
        )
    return batch


def trace(root: nn.Module, batch: Batch) -> Trace:
    """Run the network once without gradients and say what each activation does; the network is left as it was."""
    watcher = _Watcher(root)
    tracer = Tracer(root, watcher, keeps_signal=False, as_it_is=True)
    called: set[int] = set()
    with untouched(root), eager(root):  # which takes the hooks back
        for part in root.modules():
            part.register_forward_pre_hook(lambda module, _: called.add(id(module)))
        run_forward(root, batch, tracer, with_gradient=False)
    graph = _Graph(tracer)
    activations = tuple(
        ActivationCall(
            operation=node.operation,
            role=graph.role(node),
            module=running.module,
            source=running.source or "",
            layer=graph.layer_before(node),
        )
        for node, running in watcher.seen
    )
    return Trace(
        activations=activations,
        dry=graph.dry_layers(),
        dropouts=tuple((running.module, running.source or "") for running in watcher.dropouts),
        output_dims=watcher.output_dims,
        called=frozenset(called),
    )


def layer_path(parameter: str) -> str:
    """Name the module that a weight belongs to, also where the weight is computed from others.

    >>> layer_path("fc.weight"), layer_path("fc.parametrizations.weight.original1"), layer_path("weight")
    ('fc', 'fc', '')
    """
    head, parted, _ = parameter.partition(".parametrizations.")
    return head if parted else parameter.rpartition(".")[0]


class _Watcher:
    """Notes which module and which line run each nonlinearity and each dropout."""

    def __init__(self, root: nn.Module) -> None:
        self._paths = {id(module): name for name, module in root.named_modules()}
        self.seen: list[tuple[Node, Running]] = []
        self.dropouts: list[Running] = []
        self.output_dims: dict[str, int] = {}

    def weighted(self, call: WeightedCall, output: Tensor) -> Tensor:
        self.output_dims[layer_path(call.owner.parameter)] = output.dim()
        return output

    def operation(self, node: Node, _operands: list[Tensor], _output: Tensor) -> None:
        if node.operation in NONLINEARITIES:
            self.seen.append((node, running_place(self._paths)))
        elif node.operation in DROPOUTS:
            self.dropouts.append(running_place(self._paths))

    def attention(self, _: AttentionCall) -> None:
        pass


class _Graph:
    """What was computed from what, read from the front and from the back."""

    def __init__(self, tracer: Tracer) -> None:
        self._calls = tracer.calls
        self._children: dict[int, list[Node]] = {node.index: [] for node in tracer.nodes}
        for node in tracer.nodes:
            for parent in node.parents:
                self._children[parent.index].append(node)
        self._feeds: set[int] = set()  # nodes that some weight reads, at once or later
        for node in reversed(tracer.nodes):
            if any(child.call >= 0 or child.index in self._feeds for child in self._children[node.index]):
                self._feeds.add(node.index)

    def role(self, node: Node) -> Role:
        if node.operation in GATING and self._is_gate(node):
            return "gate"
        if node.index not in self._feeds:
            return "output"
        return "recurrent" if self._is_recurrent(node) else "hidden"

    def layer_before(self, node: Node) -> str:
        found = weights_before(node)
        return layer_path(self._owner(found[0])) if found else ""

    def dry_layers(self) -> tuple[str, ...]:
        dry: dict[str, bool] = {}
        for call in self._calls:
            path = layer_path(call.owner.parameter)
            dry[path] = dry.get(path, True) and self._reads_activation(call.input_node)
        return tuple(path for path, is_dry in dry.items() if is_dry)

    @staticmethod
    def _reads_activation(node: Node | None) -> bool:
        while node is not None and node.operation not in DROPOUTS:
            if node.operation in NONLINEARITIES or node.operation in RECURRENT:
                return True
            node = node.parents[0] if len(node.parents) == 1 and node.call < 0 else None
        return False

    def _is_gate(self, node: Node) -> bool:
        """Tell whether a node is multiplied with something that is not made from it: that is the signal it weighs."""
        own = self._behind(node)
        stack = list(self._children[node.index])
        while stack:
            child = stack.pop()
            if child.operation == "scaled_dot_product_attention":
                return True
            if len({parent.index for parent in child.parents}) > 1:
                if child.operation in JOINS:
                    return not all(parent.index in own for parent in child.parents)
                continue
            if child.call < 0 and child.operation not in NONLINEARITIES | NORMALISATIONS:
                stack.extend(self._children[child.index])
        return False

    def _behind(self, node: Node) -> set[int]:
        """Collect the numbers of a node and of all that was made from it."""
        stack, seen = [node], {node.index}
        while stack:
            for child in self._children[stack.pop().index]:
                if child.index not in seen:
                    seen.add(child.index)
                    stack.append(child)
        return seen

    def _is_recurrent(self, node: Node) -> bool:
        return any(self._owner(found) in self._recurrent for found in weights_before(node))

    @functools.cached_property
    def _recurrent(self) -> set[str]:
        """Collect the weights that read, at once or later, what they made themselves."""
        uses: dict[str, list[Node]] = {}
        for call in self._calls:
            uses.setdefault(call.owner.parameter, []).append(call.node)
        found = set()
        for owner, nodes in uses.items():
            if len(nodes) > 1 and self._behind(nodes[0]) & {node.index for node in nodes[1:]}:
                found.add(owner)
        return found

    def _owner(self, node: Node) -> str:
        return self._calls[node.call].owner.parameter
