"""The loss that belongs to an output, in place of the user's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from justfit.cures import PairedLoss
from justfit.records import Change
from justfit.repair._yardstick import prediction_of
from justfit.sweep import LossFunction


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Another loss, another output, or both.

    Attributes:
        kind: What is wrong with the user's.
        loss_fn: In place of the user's; None keeps it.
        bare_output: Whether the activation is taken off the output.
        change: In words and as code; None where taking off the activation says it all.
    """

    kind: str
    loss_fn: LossFunction | None = None
    bare_output: bool = False
    change: Change | None = None


def default_loss(outputs: Any, targets: Tensor) -> Tensor:
    """Cross entropy for whole numbers, its binary form for zeros and ones with one output each, else squared error."""
    found = prediction_of(outputs)
    if found is None:
        raise TypeError(f"no tensor in an output of type {type(outputs).__name__}")
    kind = _usual_kind(found, targets)
    if kind == "classes":
        return functional.cross_entropy(_classes_second(found, targets), targets.long())
    if found.numel() == targets.numel():
        found = found.reshape(targets.shape)
    if kind == "binary":
        return functional.binary_cross_entropy_with_logits(found, targets.to(found.dtype))
    if found.shape != targets.shape:  # as torch does, and warns of at every step
        shape = torch.broadcast_shapes(found.shape, targets.shape)  # type: ignore[no-untyped-call]  # torch has no types here
        found, targets = found.expand(shape), targets.expand(shape)
    return functional.mse_loss(found, targets)


def _usual_kind(found: Tensor, targets: Tensor) -> Literal["classes", "binary", "numbers"]:
    if found.numel() != targets.numel():
        return "numbers" if targets.is_floating_point() else "classes"
    if targets.is_floating_point() and not bool(((targets == 0) | (targets == 1)).all()):
        return "numbers"
    return "binary"


def _classes_second(found: Tensor, targets: Tensor) -> Tensor:
    return found.movedim(-1, 1) if _classes_last(found, targets) else found


def _classes_last(found: Tensor, targets: Tensor) -> bool:
    return found.ndim > 2 and found.shape[2:] != targets.shape[1:]


def usual_change(outputs: Any, targets: Tensor) -> Change:
    """Say in words and code which of its losses `default_loss` is for such outputs and targets."""
    found = prediction_of(outputs)
    kind = "numbers" if found is None else _usual_kind(found, targets)
    name, module, words = _USUAL[kind]
    output = "outputs" if isinstance(outputs, Tensor) else "outputs.logits"
    target = "y"
    if found is not None and kind == "classes":
        output += ".movedim(-1, 1)" if _classes_last(found, targets) else ""
        target += ".long()" if targets.dtype != torch.int64 else ""
    elif found is not None and found.numel() == targets.numel():
        output += ".reshape(y.shape)" if found.shape != targets.shape else ""
        target += ".to(outputs.dtype)" if not targets.is_floating_point() else ""
    plain = (output, target) == ("outputs", "y")
    code = f"nn.{module}()" if plain else f"lambda outputs, y: F.{name}({output}, {target})"
    return Change(
        kind="loss",
        where="loss",
        before="the loss of this training",
        after=words,
        code=f"loss_fn = {code}",
        why="It is the one that the targets ask for.",
    )


_USUAL = {
    "classes": ("cross_entropy", "CrossEntropyLoss", "cross entropy"),
    "binary": ("binary_cross_entropy_with_logits", "BCEWithLogitsLoss", "binary cross entropy with logits"),
    "numbers": ("mse_loss", "MSELoss", "squared error"),
}


def paired_change(change: Change, loss_fn: LossFunction, own: LossFunction | None) -> Change:
    """Complete an advice: its code is the whole loss, with all that is done to outputs and targets before it."""
    if not isinstance(loss_fn, PairedLoss) or (loss_fn.outputs, loss_fn.targets) == ("as they are", "as they are"):
        return change
    inner, first = _written(loss_fn.loss_fn, own)
    shift = f" - {loss_fn.zero:g}" if loss_fn.zero else ""
    scale = loss_fn.one - loss_fn.zero
    targets = {
        "argmax": "y.argmax(1)",
        "class numbers": f"(y.reshape(outputs.shape[:1] + outputs.shape[2:]){shift}).long()",
        "like the outputs": f"y.reshape(outputs.shape).to(outputs.dtype){shift}",
    }.get(loss_fn.targets, "y")
    if loss_fn.targets == "like the outputs" and scale != 1:
        targets = f"({targets}) / {scale:g}"
    outputs = {
        "log": "outputs.log()",
        "logit": "torch.logit(outputs, eps=1e-7)",
        "log_softmax": "outputs.log_softmax(1)",
    }.get(loss_fn.outputs, "outputs")
    return replace(change, code=f"{first}loss_fn = lambda outputs, y: {inner}({outputs}, {targets})")


def _written(loss_fn: Any, own: LossFunction | None) -> tuple[str, str]:
    """A loss as code, and the line that must come before; the user's own keeps its name."""
    name = type(loss_fn).__name__
    if loss_fn is not own and isinstance(loss_fn, nn.Module) and getattr(nn, name, None) is type(loss_fn):
        return f"nn.{name}()", ""
    return "own_loss", "own_loss = loss_fn\n"


@dataclass(frozen=True, slots=True)
class ScaledLoss:
    """A loss that sees outputs and targets at the targets' mean 0 and standard deviation 1."""

    loss_fn: LossFunction
    mean: Tensor
    std: Tensor

    def __call__(self, outputs: Any, targets: Any) -> Tensor:
        """Scale both, then compute the loss."""
        return self.loss_fn((outputs - self.mean) / self.std, (targets - self.mean) / self.std)
