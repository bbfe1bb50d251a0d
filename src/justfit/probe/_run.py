"""Run a network once, forward and backward, under a tracer."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from justfit.errors import ArgumentError
from justfit.probe._graph import Node
from justfit.probe._tracer import Tracer

LossFunction = Callable[..., Tensor]
RANDOM_PROJECTION = "random projection"  # the name of the loss where none was given


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a network is run on.

    Attributes:
        inputs: Positional inputs; tensors, or tuples, lists and dicts of tensors.
        keywords: Keyword inputs.
        targets: What the loss compares with; None for nothing.
        loss_fn: loss_fn(output, targets), or loss_fn(output) without targets; None to choose one.
    """

    inputs: tuple[Any, ...]
    keywords: Mapping[str, Any]
    targets: Any = None
    loss_fn: LossFunction | None = None

    @property
    def size(self) -> int:
        """Examples in the batch: the first dimension of the first input that has one."""
        for tensor in tensors_in((*self.inputs, *self.keywords.values())):
            if tensor.dim() > 0:
                return int(tensor.shape[0])
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The loss that was run: its tensor, its name, whether it is a real one, and its node in the graph."""

    tensor: Tensor
    name: str
    is_real: bool
    node: Node | None = None


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in any nesting of tuples, lists, mappings and dataclasses."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from tensors_in(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from tensors_in(inner)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from tensors_in(getattr(value, field.name))


def fresh(value: Any, leaves: list[Tensor] | None) -> Any:
    """Copy tensors, so that the network may write into its inputs.

    Args:
        value: Any nesting of tuples, lists, mappings and dataclasses, each of which keeps its type; other values stay
            as they are.
        leaves: Where to add the leaf of each floating-point input, so that gradients reach it; None for no gradients.
    """
    if isinstance(value, Tensor):
        clone = value.detach().clone()
        if leaves is None or not clone.is_floating_point():
            return clone
        leaves.append(clone.requires_grad_())
        return clone.clone()  # no leaf: a network may change it in place
    if isinstance(value, Mapping):
        return _fresh_mapping(value, leaves)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(fresh(inner, leaves) for inner in value))
    if isinstance(value, tuple):
        return type(value)(fresh(inner, leaves) for inner in value)
    if isinstance(value, list):
        refilled = copy.copy(value)
        refilled[:] = [fresh(inner, leaves) for inner in value]
        return refilled
    if dataclasses.is_dataclass(value) and not isinstance(value, type | nn.Module):
        twin = copy.copy(value)  # not `replace`: that would run `__post_init__` again and needs every `InitVar`
        for field in dataclasses.fields(value):
            object.__setattr__(twin, field.name, fresh(getattr(value, field.name), leaves))  # frozen ones as well
        return twin
    return value


def _fresh_mapping(value: Mapping[Any, Any], leaves: list[Tensor] | None) -> Any:
    content = {key: fresh(inner, leaves) for key, inner in value.items()}
    if type(value) is dict:
        return content
    if not hasattr(type(value), "__setitem__"):
        return MappingProxyType(content) if isinstance(value, MappingProxyType) else value
    refilled: Any = copy.copy(value)
    if getattr(value, "__dict__", None) is value:  # keys are attributes: `self.__dict__ = self`
        refilled.__dict__ = refilled
    for key, inner in content.items():
        refilled[key] = inner
    return refilled


def run_forward(module: nn.Module, batch: Batch, tracer: Tracer, *, with_gradient: bool) -> Any:
    """Run the network under the tracer; an error of the network keeps its own type, with a note."""
    leaves: list[Tensor] | None = [] if with_gradient else None
    inputs, keywords = fresh(batch.inputs, leaves), fresh(dict(batch.keywords), leaves)
    tracer.input_leaves = leaves or []
    for number, value in enumerate(inputs):
        _enter(tracer, value, f"input {number}")
    for name, value in keywords.items():
        _enter(tracer, value, name)
    try:
        with torch.set_grad_enabled(with_gradient), tracer:
            return module(*inputs, **keywords)
    except Exception as error:
        error.add_note(f"justfit ran {type(module).__name__} on inputs {_shapes(batch)} when it raised this.")
        raise


def run_loss(output: Any, batch: Batch, tracer: Tracer) -> Loss:
    """Compute the loss under the tracer: the user's, the output's own, a usual one, or a random projection."""
    if batch.loss_fn is not None:
        arguments = (output,) if batch.targets is None else (output, batch.targets)
        with torch.enable_grad(), tracer:
            tensor = batch.loss_fn(*arguments)
        name = getattr(batch.loss_fn, "__name__", type(batch.loss_fn).__name__)
        return Loss(tensor=_scalar(tensor), name=name, is_real=True, node=_node(tracer, tensor))
    own = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
    if isinstance(own, Tensor) and own.numel() == 1:
        return Loss(tensor=own.reshape(()), name="the output's own loss", is_real=True, node=tracer.node(own))
    if isinstance(batch.targets, Tensor) and isinstance(output, Tensor):
        with torch.enable_grad(), tracer:
            usual = _usual_loss(output, batch.targets)
        return dataclasses.replace(usual, node=tracer.node(usual.tensor))
    if batch.targets is not None:
        raise ArgumentError(
            "With `targets` a loss must be given where the output is not one tensor.",
            found=f"an output of type {type(output).__name__} and no `loss_fn`",
            way_out="Pass `loss_fn=`, a function of output and targets.",
        )
    return _random_projection(output)


def _usual_loss(output: Tensor, targets: Tensor) -> Loss:
    if not targets.is_floating_point() and output.dim() >= 2 and targets.dim() == output.dim() - 1:
        classes_last = output.dim() == 3 and output.shape[:2] == targets.shape  # language models put classes last
        logits = output.flatten(0, 1) if classes_last else output
        loss = nn.functional.cross_entropy(logits, targets.flatten() if classes_last else targets)
        return Loss(tensor=loss, name="cross_entropy", is_real=True)
    if targets.is_floating_point():
        return Loss(tensor=nn.functional.mse_loss(output, targets.to(output.dtype)), name="mse_loss", is_real=True)
    raise ArgumentError(
        "Without `loss_fn` the targets must be class numbers, one per example, or numbers of the output's shape.",
        found=f"targets {tuple(targets.shape)} of {targets.dtype} for an output {tuple(output.shape)}",
        way_out="Pass `loss_fn=`, a function of output and targets.",
    )


def _random_projection(output: Any) -> Loss:
    """Weigh every output entry by a fixed normal number: the gradient of a direction picked at random."""
    generator = torch.Generator().manual_seed(0)
    total: Tensor | None = None
    for tensor in tensors_in(output):
        if tensor.is_floating_point() and tensor.requires_grad:
            weights = torch.randn(tensor.shape, generator=generator, dtype=torch.float32).to(
                tensor.device, tensor.dtype
            )
            part = (tensor * weights).sum() / math.sqrt(max(tensor.numel(), 1))
            total = part if total is None else total + part
    if total is None:
        raise ArgumentError(
            "The output must hold a floating-point tensor that depends on the parameters or the inputs.",
            found=f"an output of type {type(output).__name__} without one",
            way_out="Let the module return its logits, or pass `loss_fn=`; check that nothing detaches them.",
        )
    return Loss(tensor=total, name=RANDOM_PROJECTION, is_real=False)


def _scalar(tensor: Any) -> Tensor:
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        raise ArgumentError(
            "The loss must be a floating-point tensor.",
            found=f"{type(tensor).__name__}",
            way_out="Let `loss_fn` return the mean loss as a tensor.",
        )
    if tensor.numel() != 1:
        tensor = tensor.mean()
    if not tensor.requires_grad:
        raise ArgumentError(
            "The loss must depend on the parameters or the inputs.",
            found="a loss without a gradient",
            way_out="Check that nothing between output and loss calls `detach`, `item` or numpy.",
        )
    scalar: Tensor = tensor.reshape(())
    return scalar


def _node(tracer: Tracer, tensor: Any) -> Node | None:
    return tracer.node(tensor) if isinstance(tensor, Tensor) else None


def _enter(tracer: Tracer, value: Any, name: str) -> None:
    for tensor in tensors_in(value):
        if tensor.is_floating_point() or tensor.is_complex():
            tracer.add_input(tensor, name)


def _shapes(batch: Batch) -> str:
    found = [*tensors_in(batch.inputs), *tensors_in(dict(batch.keywords))]
    return ", ".join(str(tuple(tensor.shape)) for tensor in found)
