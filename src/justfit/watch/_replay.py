"""Run a batch again, exactly as it ran, and look at every operation: which one was the first to go wrong?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from justfit.probe import (
    AttentionCall,
    Broken,
    Node,
    NonFiniteWatcher,
    Running,
    Tracer,
    WeightedCall,
    eager,
    run_forward,
    run_loss,
    running_place,
    tensors_in,
    untouched,
    unwrap,
    weights_before,
)
from justfit.watch._kept import KeptForward

_TALK = ("c10d", "_c10d_functional", "c10d_functional", "_c10d_functional_autograd")


class WouldTalkError(RuntimeError):
    """The forward pass sends something to another process, which is not waiting for it."""


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What one pass showed.

    Attributes:
        stage: `forward` or `backward`; empty if all was finite.
        operation, layer, source, cause: Of the first operation that went wrong.
        rows: Examples whose values it broke; empty if that cannot be told or it is all of them.
        num_rows: Examples in the batch.
        input_range: Least and largest of the operation's finite inputs; empty if there are none.
        output_is_finite: What the network returned.
        order: Layers in order of execution.
    """

    stage: str = ""
    operation: str = ""
    layer: str = ""
    source: str | None = None
    cause: str = "nan"
    rows: tuple[int, ...] = ()
    num_rows: int = 0
    input_range: tuple[float, ...] = ()
    output_is_finite: bool = True
    order: list[str] = field(default_factory=list)


class Replay:
    """The passes of one network, each with everything put back after.

    Args:
        module: The network, as the user has it.

    Raises:
        UnsupportedModuleError: It cannot be run alone: sharded, scripted, quantized.
    """

    def __init__(self, module: nn.Module) -> None:
        self._module = unwrap(module)

    def forward(self, kept: KeptForward) -> Replayed:
        """Repeat one call without a gradient, and name the first operation with finite inputs and another result."""
        with self._ready(kept):
            look = _ForwardLook(self._module, kept.batch.size)
            tracer = Tracer(self._module, look, keeps_signal=False, as_it_is=True)
            output = run_forward(self._module, kept.batch, tracer, with_gradient=False)
            finite = all(_is_finite(tensor) for tensor in tensors_in(output) if tensor.is_floating_point())
            found = Replayed(output_is_finite=finite, num_rows=kept.batch.size, order=_order(tracer))
            broken = look.watcher.culprit()
            return found if broken is None else look.name(broken, tracer, found)

    def backward(self, kept: KeptForward) -> Replayed:
        """Repeat a call and send a gradient back from its own loss or, without one, from a direction of its output."""
        with self._ready(kept):
            look = _BackwardLook()
            tracer = Tracer(self._module, look, as_it_is=True)
            output = run_forward(self._module, kept.batch, tracer, with_gradient=True)
            found = Replayed(num_rows=kept.batch.size, order=_order(tracer))
            named = {name: p for name, p in self._module.named_parameters() if p.requires_grad}
            loss = run_loss(output, kept.batch, tracer)
            gradients = torch.autograd.grad(loss.tensor, list(named.values()), allow_unused=True)
            broken = [name for name, g in zip(named, gradients, strict=True) if g is not None and not _is_finite(g)]
            culprit = look.culprit(tracer.nodes) if broken else None
            if culprit is not None:
                layer = _layer_before(culprit, tracer)
                found.stage, found.operation, found.layer = "backward", culprit.operation, layer
                found.cause = look.cause
                return found
            if broken:  # made of weights alone, before any signal
                found.stage, found.operation, found.layer = "backward", f"gradient of {broken[0]}", owner_of(broken[0])
            return found

    @contextmanager
    def _ready(self, kept: KeptForward) -> Iterator[None]:
        with (
            torch.inference_mode(False),
            torch.enable_grad(),
            untouched(self._module, kept.inputs, kept.keywords),
            eager(self._module),
            kept.same_state(),
            _silence(),
        ):
            yield


class _ForwardLook:
    """Looks for results that are not finite, and where they are computed."""

    def __init__(self, module: nn.Module, num_rows: int) -> None:
        self.watcher = NonFiniteWatcher()
        self._num_rows = num_rows
        self._places: dict[int, tuple[Running, tuple[int, ...], tuple[float, ...]]] = {}
        self._paths = {id(part): path for path, part in module.named_modules() if path and _owns(part)}

    def weighted(self, call: WeightedCall, output: Tensor) -> Tensor:
        self.watcher.weighted(call, output)
        self._note(call.node, [call.input], output)
        return output

    def operation(self, node: Node, operands: list[Tensor], output: Tensor) -> None:
        self.watcher.operation(node, operands, output)
        self._note(node, operands, output)

    def attention(self, call: AttentionCall) -> None:
        self.watcher.attention(call)
        self._note(call.node, [call.query, call.key, call.value], call.output)

    def name(self, broken: Broken, tracer: Tracer, found: Replayed) -> Replayed:
        """Fill in what is known of the operation that went wrong."""
        running, rows, input_range = self._places[broken.node.index]
        layer = running.module.split(".parametrizations")[0] or _layer_before(broken.node, tracer)
        found.stage, found.operation, found.layer = "forward", broken.node.operation, layer
        found.cause, found.rows, found.input_range = broken.facts["kind"], rows, input_range
        found.source = running.source if running.is_direct else None
        return found

    def _note(self, node: Node, operands: list[Tensor], output: Tensor) -> None:
        if node.index in self.watcher.broken:
            place = running_place(self._paths)
            self._places[node.index] = (place, _rows(output, self._num_rows), _range(operands))


class _BackwardLook:
    """Looks at the gradient of every tensor of the forward pass."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._finite: set[int] = set()
        self.cause = "nan"

    def weighted(self, call: WeightedCall, output: Tensor) -> Tensor:
        self._hook(call.node, output)
        return output

    def operation(self, node: Node, _operands: list[Tensor], output: Tensor) -> None:
        self._hook(node, output)

    def attention(self, call: AttentionCall) -> None:
        self._hook(call.node, call.output)

    def culprit(self, nodes: list[Node]) -> Node | None:
        """Return the operation that got a finite gradient and passed on another."""
        if self._first is None:
            return None
        readers = [node for node in nodes if any(parent.index == self._first for parent in node.parents)]
        finite = [node for node in readers if node.index in self._finite]
        return next(iter(finite or readers), None)

    def _hook(self, node: Node, output: Tensor) -> None:
        if output.requires_grad:
            output.register_hook(lambda gradient: self._look(node.index, gradient))  # type: ignore[no-untyped-call]

    def _look(self, index: int, gradient: Tensor) -> None:
        if _is_finite(gradient):
            self._finite.add(index)
        elif self._first is None:
            self._first, self.cause = index, cause_of(gradient)


class _Deaf(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Refuses every operation that talks to another process."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.namespace in _TALK:
            raise WouldTalkError(f"the forward pass calls `{func.namespace}.{func.__name__}`")
        return func(*args, **(kwargs or {}))


@contextmanager
def _silence() -> Iterator[None]:
    """Let nothing of the pass wait for another process that does not repeat it."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        yield
        return
    with _Deaf():  # type: ignore[no-untyped-call]
        yield


def owner_of(parameter: str) -> str:
    """Name the module that owns a parameter.

    >>> owner_of("blocks.0.fc.weight"), owner_of("fc.parametrizations.weight.original0"), owner_of("scale")
    ('blocks.0.fc', 'fc', '')
    """
    return (
        parameter.split(".parametrizations.")[0] if ".parametrizations." in parameter else parameter.rpartition(".")[0]
    )


def cause_of(tensor: Tensor) -> str:
    """Tell NaN from infinity."""
    return "nan" if bool(torch.isnan(tensor).any()) else "inf"


def _order(tracer: Tracer) -> list[str]:
    executed = [owner_of(call.owner.parameter) for call in tracer.calls]
    return list(dict.fromkeys(executed))


def _layer_before(node: Node, tracer: Tracer) -> str:
    """Name the last layer before an operation, or its own if it has a weight."""
    before = weights_before(node)
    return owner_of(tracer.calls[before[0].call].owner.parameter) if before else ""


def _owns(module: nn.Module) -> bool:
    return next(module.parameters(recurse=False), None) is not None


def _rows(output: Tensor, num_rows: int) -> tuple[int, ...]:
    """Tell which examples an operation broke; none if all or if its first dimension does not count examples."""
    if output.dim() == 0 or output.shape[0] != num_rows or num_rows < 2:
        return ()
    bad_B = ~torch.isfinite(output.detach()).flatten(1).all(1) if output.dim() > 1 else ~torch.isfinite(output)
    rows = bad_B.nonzero().flatten().tolist()
    return tuple(rows) if len(rows) < num_rows else ()


def _range(operands: list[Tensor]) -> tuple[float, ...]:
    """Measure least and largest of the finite values that an operation read."""
    finite = [tensor[torch.isfinite(tensor)] for tensor in operands if tensor.is_floating_point()]
    ends = [float(end) for tensor in finite if tensor.numel() for end in tensor.aminmax()]
    return (min(ends), max(ends)) if ends else ()


def _is_finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor.detach()).all())
