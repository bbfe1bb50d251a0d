"""The loss that targets ask for where the user gave none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from justfit.errors import ArgumentError

if TYPE_CHECKING:
    from justfit.checkup._load_subject import Subject


def default_loss(output: Any, targets: Tensor) -> Tensor:
    """Compute the loss that goes with the targets' type.

    Whole numbers are classes: cross entropy, over dimension 1 or the last one, or the binary one where the network has
    one output and the classes are 0 and 1. Other numbers: mean squared error.

    Args:
        output: Of the network; of several results the one named `logits`, or the first tensor.
        targets: [batch, ...].
    """
    logits = tensor_of(output)
    if targets.is_floating_point():
        same = logits.numel() == targets.numel()
        return functional.mse_loss(logits.reshape(targets.shape) if same else logits, targets)
    if logits.numel() == targets.numel() and int(targets.max()) <= 1:
        return functional.binary_cross_entropy_with_logits(logits.reshape(targets.shape), targets.to(logits.dtype))
    if logits.ndim > 2 and logits.shape[2:] != targets.shape[1:]:
        logits = logits.movedim(-1, 1)
    return functional.cross_entropy(logits, targets)


def draw_labels(subject: Subject, num_classes: int, *, seed: int) -> Tensor:
    """Draw one random label per prediction of the network.

    Raises:
        ArgumentError: The network does not run, or its output has no dimension of `num_classes`.
    """
    output = tensor_of(replace(subject, targets=None).rehearse())
    shape = _label_shape(tuple(output.shape), num_classes)
    if shape is None:
        raise ArgumentError(
            "`--classes` must be the size of the output's second or last dimension.",
            found=f"`--classes {num_classes}` and an output of shape {tuple(output.shape)}",
            way_out="Give the number of outputs, or leave `--classes` out to check without a loss.",
        )
    labels = torch.randint(num_classes, shape, generator=torch.Generator().manual_seed(seed + 1))
    return labels.to(output.device)


def tensor_of(output: Any) -> Tensor:
    """Find the predictions in a network's output: the tensor, the entry named `logits`, or the first tensor.

    Raises:
        ArgumentError: There is none.
    """
    if isinstance(output, Tensor):
        return output
    named = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    values = output.values() if isinstance(output, Mapping) else output if isinstance(output, tuple | list) else ()
    for value in (named, *values):
        if isinstance(value, Tensor):
            return value
    raise ArgumentError(
        "A default loss needs an output that is a tensor, or holds one.",
        found=f"a value of type {type(output).__name__}",
        way_out="Return (module, inputs, targets, loss_fn), with your own loss.",
    )


def _label_shape(shape: tuple[int, ...], num_classes: int) -> tuple[int, ...] | None:
    if len(shape) > 1 and shape[1] == num_classes:
        return (shape[0], *shape[2:])
    if len(shape) > 1 and shape[-1] == num_classes:
        return shape[:-1]
    if num_classes == 2 and shape[1:] in ((), (1,)):
        return shape[:1]
    return None
