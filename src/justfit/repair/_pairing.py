"""The loss that belongs to an output, in place of the user's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from justfit.repair._yardstick import prediction_of
from justfit.sweep import LossFunction

_LEAST = 1e-7  # of a probability, so that its logarithm is finite


def default_loss(outputs: Any, targets: Tensor) -> Tensor:
    """Cross entropy for whole numbers, its binary form for zeros and ones with one output each, else squared error."""
    found = _found(outputs)
    if targets.is_floating_point():
        return functional.mse_loss(found.reshape(targets.shape), targets)
    if found.numel() == targets.numel():
        return functional.binary_cross_entropy_with_logits(found.reshape(targets.shape), targets.to(found.dtype))
    if found.ndim > 2 and found.shape[2:] != targets.shape[1:]:
        found = found.movedim(-1, 1)
    return functional.cross_entropy(found, targets)


def _softmax_output(outputs: Any, targets: Tensor) -> Tensor:
    return functional.nll_loss(_found(outputs).clamp_min(_LEAST).log(), targets)


def _sigmoid_output(outputs: Any, targets: Tensor) -> Tensor:
    return functional.cross_entropy(torch.logit(_found(outputs), _LEAST), targets)


def _probability(outputs: Any, targets: Tensor) -> Tensor:
    found = _found(outputs)
    return functional.binary_cross_entropy(found.reshape(targets.shape), targets.to(found.dtype))


def _binary_logit(outputs: Any, targets: Tensor) -> Tensor:
    found = _found(outputs)
    return functional.binary_cross_entropy_with_logits(found.reshape(targets.shape), targets.to(found.dtype))


def _squared(outputs: Any, targets: Tensor) -> Tensor:
    return functional.mse_loss(_found(outputs).reshape(targets.shape), targets)


def _found(outputs: Any) -> Tensor:
    found = prediction_of(outputs)
    if found is None:
        raise TypeError(f"no tensor in an output of type {type(outputs).__name__}")
    return found


# Kind of pairing fault (`records.LossFaultKind`, or "default") → the loss that belongs there, and the code for it.
PAIRED: dict[str, tuple[Callable[[Any, Tensor], Tensor], str]] = {
    "default": (default_loss, "loss_fn=None  # the default of justfit: cross entropy of classes, squared error"),
    "softmax_before_cross_entropy": (_softmax_output, "loss = F.nll_loss(outputs.log(), targets)"),
    "sigmoid_before_cross_entropy": (_sigmoid_output, "loss = F.cross_entropy(torch.logit(outputs), targets)"),
    "sigmoid_before_bce_with_logits": (_probability, "loss = F.binary_cross_entropy(outputs, targets)"),
    "no_sigmoid_before_bce": (_binary_logit, "loss = F.binary_cross_entropy_with_logits(outputs, targets)"),
    "no_log_softmax_before_nll": (default_loss, "loss = F.cross_entropy(outputs, targets)"),
    "broadcast_in_regression_loss": (_squared, "loss = F.mse_loss(outputs.reshape(targets.shape), targets)"),
    "one_output_for_cross_entropy": (_binary_logit, "loss = F.binary_cross_entropy_with_logits(outputs, targets)"),
}


def paired_loss(own: LossFunction, pairing: str | None) -> LossFunction:
    """The loss for a kind of pairing fault; the user's own where there is none."""
    return own if pairing is None else PAIRED[pairing][0]
