"""Follow every tensor operation of one forward pass, in order, wherever it stands in the user's code."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from justfit.probe._composite import plain_branches
from justfit.probe._graph import Node
from justfit.probe._names import Owner, Owners
from justfit.probe._operations import (
    COMPOSITE,
    CONVOLUTIONS,
    DROPOUTS,
    EMBEDDINGS,
    PRODUCTS,
    RECURRENT,
    RECURRENT_CELLS,
    ROUTING,
    SCALINGS,
    SPECIAL,
    STATISTICS,
    operation_name,
)


@dataclass(slots=True, eq=False, kw_only=True)  # frozen takes three times as long to make
class WeightedCall:
    """One use of a weight.

    Attributes:
        index: Number of the call, from 0.
        operation: Name of the torch function.
        owner: The parameter behind the weight.
        weight: The tensor that was used: the parameter, a view of it, or what was computed from it.
        bias: What is added to the product; None for nothing.
        input: What the weight reads; for recurrent layers the sequence. Empty if the tracer keeps no signal.
        node: The output's node.
        input_node: The input's node; None for token ids and the like.
        unit_dimension: The weight's dimension that counts output units.
        groups, stride: Of a convolution; the stride as the product over dimensions.
    """

    index: int
    operation: str
    owner: Owner
    weight: Tensor
    bias: Tensor | None
    input: Tensor
    node: Node
    input_node: Node | None
    unit_dimension: int
    groups: int = 1
    stride: int = 1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AttentionCall:
    """One fused attention.

    Attributes:
        node: The output's node.
        query, key, value, output: As the operation takes and gives them: heads, then tokens, then width.
        mask: Added to the logits, or true where a query looks; None for none.
        is_causal: A query sees no later key.
        scale: Of the logits; None for 1/√width.
    """

    node: Node
    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    mask: Tensor | None = None
    is_causal: bool = False
    scale: float | None = None


class _Held:
    """Hold on to a tensor, and give it back when called: what `weakref.ref` does weakly."""

    __slots__ = ("_tensor",)

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def __call__(self) -> Tensor:
        return self._tensor


class _Operation(NamedTuple):
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    operands: list[Tensor]
    parents: tuple[Node, ...]


class Observer(Protocol):
    """What looks on while a network runs."""

    def weighted(self, call: WeightedCall, output: Tensor, /) -> Tensor:
        """Look at the output of a weight; what is returned takes its place."""

    def operation(self, node: Node, operands: list[Tensor], output: Tensor, /) -> None:
        """Look at any other operation on the signal."""

    def attention(self, call: AttentionCall, /) -> None:
        """Look at a fused attention."""


class Tracer(TorchFunctionMode):
    """Builds the graph of one forward pass and shows it to an observer.

    Dropout is off while it looks and batch normalisation uses the batch, unless the pass is to run as it is.

    Args:
        module: The network; only its parameters and buffers are looked at.
        observer: What looks on.
        keeps_signal: Hold on to every tensor that was computed. Without, memory is freed as the network frees it,
            and the `input` of each call is empty.
        as_it_is: Leave dropout and batch normalisation as the network asks for them.
    """

    def __init__(
        self, module: nn.Module, observer: Observer, *, keeps_signal: bool = True, as_it_is: bool = False
    ) -> None:
        super().__init__()
        self._as_it_is = as_it_is
        self._hold: Callable[[Tensor], Callable[[], Tensor | None]] = _Held if keeps_signal else weakref.ref
        self._nothing = None if keeps_signal else torch.empty(0)
        self.owners = Owners(module)
        self.observer = observer
        self.nodes: list[Node] = []
        self.calls: list[WeightedCall] = []
        self.input_names: set[str] = set()
        self.has_routing = False  # some examples may be sent another way than others
        self.input_leaves: list[Tensor] = []  # whose gradient is the one at the network's inputs
        self._node_of: dict[int, tuple[Callable[[], Tensor | None], Node]] = {}
        self._input_tensors: dict[int, Tensor] = {}

    def node(self, tensor: Tensor) -> Node | None:
        """Return the node of a tensor; None for parameters and what no traced operation made."""
        found = self._node_of.get(id(tensor))
        return None if found is None or found[0]() is not tensor else found[1]  # an id may be given again

    def add_input(self, tensor: Tensor, name: str) -> None:
        """Enter one of the network's inputs."""
        node = self._enter(tensor, name, ())
        self.input_names.add(name)
        self._input_tensors[node.index] = tensor.detach().clone()  # the network may change it in place

    def tensor(self, node: Node) -> Tensor | None:
        """Return the values of an input as they went in; None for other nodes."""
        return self._input_tensors.get(node.index)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run one torch function, and look at it."""
        kwargs = kwargs or {}
        name = operation_name(func)
        if name in SPECIAL:
            self.has_routing |= name in ROUTING
            if name in COMPOSITE:
                with self, plain_branches():
                    return func(*args, **kwargs)
            if name in DROPOUTS and not self._as_it_is:
                return args[0] if args else kwargs["input"]
            if name == "hardtanh" and _argument(args, kwargs, 1, "min_val") == 0:
                name = "relu6"  # as `nn.ReLU6` runs it
            if not self._as_it_is:
                args, kwargs = _quiet(name, args, kwargs)
        operands = _tensors(args)
        if kwargs:
            operands += _tensors(kwargs.values())
        parents = tuple([node for tensor in operands if (node := self.node(tensor)) is not None])
        output = func(*args, **kwargs)
        first = output[0] if isinstance(output, tuple | list) and output else output
        if not isinstance(first, Tensor) or not (first.is_floating_point() or first.is_complex()):
            if isinstance(first, Tensor) and operands and not parents:
                self.owners.derive(first, operands)  # such as the signs inside an orthogonal weight
            return output
        return self._record(_Operation(name, args, kwargs, operands, parents), output, first)

    def _record(self, operation: _Operation, output: Any, first: Tensor) -> Any:
        name, operands, parents = operation.name, operation.operands, operation.parents
        described = _weighted_arguments(name, operation.args, operation.kwargs, self.owners, self.node)
        if described is not None:
            return self._weighted(name, described, parents, output, first)
        if operands and not parents and self.owners.derive(first, operands):
            for other in output[1:] if isinstance(output, tuple | list) else ():
                self.owners.derive(other, operands)
            return output
        for tensor in output if isinstance(output, tuple | list) else (output,):
            if isinstance(tensor, Tensor):
                node = self._enter(tensor, self._kind(name, operands, parents), parents)
                if name == "scaled_dot_product_attention":
                    self.observer.attention(_attention(node, operation, tensor))
                else:
                    self.observer.operation(node, operands, tensor)
        return output

    def _weighted(self, name: str, described: _Described, parents: tuple[Node, ...], output: Any, first: Tensor) -> Any:
        node = self._enter(first, name, parents)
        node.call = len(self.calls)
        call = WeightedCall(
            index=node.call,
            operation=name,
            owner=described.owner,
            weight=described.weight,
            bias=described.bias,
            input=described.input if self._nothing is None else self._nothing,
            node=node,
            input_node=self.node(described.input),
            unit_dimension=described.unit_dimension,
            groups=described.groups,
            stride=described.stride,
        )
        self.calls.append(call)
        replaced = self.observer.weighted(call, first)
        if replaced is not first:
            self._node_of[id(replaced)] = (self._hold(replaced), node)
        if not isinstance(output, tuple | list):
            return replaced
        for other in output[1:]:
            if isinstance(other, Tensor):
                self._node_of[id(other)] = (self._hold(other), node)
        return type(output)((replaced, *output[1:])) if type(output) in (tuple, list) else output

    def _enter(self, tensor: Tensor, name: str, parents: tuple[Node, ...]) -> Node:
        node = Node(len(self.nodes), name, parents)
        if parents and (name in STATISTICS or all(parent.is_statistic for parent in parents)):
            node.is_statistic = True
        self.nodes.append(node)
        self._node_of[id(tensor)] = (self._hold(tensor), node)
        return node

    @staticmethod
    def _kind(name: str, operands: list[Tensor], parents: tuple[Node, ...]) -> str:
        if name in SCALINGS and len(parents) == 2 and parents[0].is_statistic != parents[1].is_statistic:
            return "normalise"
        return "add" if name == "sub" and len(operands) == 2 else name


class _Described(NamedTuple):
    owner: Owner
    weight: Tensor
    bias: Tensor | None
    input: Tensor
    unit_dimension: int
    groups: int = 1
    stride: int = 1


def _weighted_arguments(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], owners: Owners, node: Callable[[Tensor], Node | None]
) -> _Described | None:
    """Tell which argument is a weight, which its input; None if the operation has no weight."""
    if name == "linear" or name in CONVOLUTIONS:
        return _layer(name, args, kwargs, owners)
    if name in EMBEDDINGS:
        ids, weight = _argument(args, kwargs, 0, "input"), _argument(args, kwargs, 1, "weight")
        ids, weight = (weight, ids) if ids.is_floating_point() else (ids, weight)  # torch.embedding has them swapped
        owner = owners.find(weight)
        return None if owner is None else _Described(owner, weight, None, ids, 1)
    if name in RECURRENT or name in RECURRENT_CELLS:
        return _recurrent(args, owners)
    if name in PRODUCTS:
        return _product(name, args, owners, node)
    return None


def _layer(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], owners: Owners) -> _Described | None:
    values, weight = _argument(args, kwargs, 0, "input"), _argument(args, kwargs, 1, "weight")
    bias = _argument(args, kwargs, 2, "bias")
    owner = owners.find(weight)
    if owner is None:
        return None
    if name == "linear":
        return _Described(owner, weight, bias, values, 0)
    transposed = name.startswith("conv_transpose")
    stride = _argument(args, kwargs, 3, "stride") or 1
    groups = _argument(args, kwargs, 6, "groups") or 1
    size = weight.dim() - 2
    strides = stride if isinstance(stride, tuple | list) else (stride,) * size
    product = 1
    for each in strides if len(strides) == size else strides * size:
        product *= int(each)
    return _Described(owner, weight, bias, values, int(transposed), int(groups), product)


def _recurrent(args: tuple[Any, ...], owners: Owners) -> _Described | None:
    tensors = _tensors(args)
    weights = [(tensor, owner) for tensor in tensors if (owner := owners.find(tensor)) is not None]
    if not weights or not isinstance(args[0], Tensor):
        return None
    return _Described(weights[0][1], weights[0][0], None, args[0], 0)


def _product(
    name: str, args: tuple[Any, ...], owners: Owners, node: Callable[[Tensor], Node | None]
) -> _Described | None:
    tensors = _tensors(args)
    bias = tensors.pop(0) if name in {"addmm", "baddbmm"} and len(tensors) == 3 else None
    if len(tensors) != 2:
        return None
    for weight, values, last in ((tensors[1], tensors[0], -1), (tensors[0], tensors[1], -2)):
        owner = owners.find(weight)
        if owner is not None and weight.dim() >= 2 and owners.find(values) is None and node(values) is not None:
            units = _einsum_units(args[0]) if name == "einsum" else None
            return _Described(owner, weight, bias, values, weight.dim() + last if units is None else units)
    return None


def _einsum_units(equation: Any) -> int | None:
    """Find the dimension of the second operand that is in the output and not in the first; None if unclear."""
    if not isinstance(equation, str) or "->" not in equation or "." in equation:
        return None
    read, _, made = equation.replace(" ", "").partition("->")
    values, _, weight = read.partition(",")
    free = [position for position, letter in enumerate(weight) if letter in made and letter not in values]
    return free[0] if len(free) == 1 else None


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], position: int, name: str) -> Any:
    return args[position] if len(args) > position else kwargs.get(name)


def _attention(node: Node, operation: _Operation, output: Tensor) -> AttentionCall:
    names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
    given = {**dict(zip(names, operation.args, strict=False)), **operation.kwargs}
    return AttentionCall(
        node=node,
        query=given["query"],
        key=given["key"],
        value=given["value"],
        output=output,
        mask=given.get("attn_mask"),
        is_causal=bool(given.get("is_causal", False)),
        scale=given.get("scale"),
    )


def _tensors(values: Iterable[Any]) -> list[Tensor]:
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, tuple | list):
            found += [inner for inner in value if isinstance(inner, Tensor)]
    return found


def _quiet(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Take the dropout out of fused operations, and let batch normalisation use the batch it sees."""
    if name == "scaled_dot_product_attention":
        if len(args) > 4:
            args = (*args[:4], 0.0, *args[5:])
        kwargs = {**kwargs, "dropout_p": 0.0} if len(args) <= 4 else kwargs
    elif name in RECURRENT and len(args) == 9:
        # input, state, weights, has_biases, layers, dropout, …; packed: data, batch sizes, state, weights, …
        place = 5 if isinstance(args[3], bool) else 6
        args = (*args[:place], 0.0, *args[place + 1 :])
    elif name == "batch_norm" and isinstance(args[0], Tensor):
        values = args[0]
        per_channel = values.numel() // max(values.shape[1], 1) if values.dim() > 1 else 0
        names = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        given.update(training=per_channel > 1, momentum=0.0)
        if per_channel <= 1 and given.get("running_mean") is None:
            given["training"] = True
        args, kwargs = (given.pop("input"),), given
    return args, kwargs
