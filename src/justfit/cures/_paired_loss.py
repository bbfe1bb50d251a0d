"""A loss that fits what the network gives and what it is compared with: an object to use as `loss_fn` right away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

OutputStep = Literal["as they are", "log", "logit", "log_softmax"]
TargetStep = Literal["as they are", "class numbers", "argmax", "like the outputs"]


class PairedLoss(nn.Module):
    """A loss function behind what makes outputs and targets fit it.

    Args:
        loss_fn: Function of outputs and targets.
        outputs: What is done to the outputs first. "log" turns probabilities into log-probabilities, "logit" undoes a
            sigmoid, "log_softmax" turns logits into log-probabilities; classes are counted by dimension 1.
        targets: What is done to the targets first. "class numbers" gives them the shape of the outputs without their
            dimension 1 and type int64, "argmax" reads class numbers out of one-hot rows, "like the outputs" gives them
            the outputs' shape and dtype.
        zero: The target that stands for 0: it is subtracted.
        one: The target that stands for 1: what is left is divided by one − zero; for class numbers zero + 1.

    Example:
        >>> probabilities, classes = torch.tensor([[0.25, 0.75]]), torch.tensor([1])
        >>> round(float(PairedLoss(nn.CrossEntropyLoss(), outputs="log")(probabilities, classes)), 4)  # −ln 0.75
        0.2877
    """

    def __init__(
        self,
        loss_fn: Callable[..., Tensor],
        *,
        outputs: OutputStep = "as they are",
        targets: TargetStep = "as they are",
        zero: float = 0.0,
        one: float = 1.0,
    ) -> None:
        super().__init__()
        self.loss_fn = loss_fn
        self.outputs, self.targets = outputs, targets
        self.zero, self.one = zero, one

    @property
    def reduction(self) -> str:
        """How the loss function brings its examples together; it has none where this is empty."""
        return str(getattr(self.loss_fn, "reduction", ""))

    @reduction.setter
    def reduction(self, value: str) -> None:
        self.loss_fn.reduction = value  # type: ignore[attr-defined]  # a loss module; a function raises by itself

    def forward(self, outputs: Tensor, targets: Tensor) -> Any:
        """Return the loss of outputs and targets as they come."""
        return self.loss_fn(self._prepare(outputs), self._compare(outputs, targets))

    def extra_repr(self) -> str:
        """Show the steps."""
        return f"outputs {self.outputs!r}, targets {self.targets!r}"

    def _prepare(self, outputs: Tensor) -> Tensor:
        limits = torch.finfo(outputs.dtype)
        if self.outputs == "log":
            return outputs.clamp_min(limits.tiny).log()
        if self.outputs == "logit":
            return torch.logit(outputs, eps=limits.eps)
        return outputs.log_softmax(1) if self.outputs == "log_softmax" else outputs

    def _compare(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if self.targets == "argmax":
            return targets.argmax(1)
        if self.targets == "class numbers":
            return (targets.reshape(outputs.shape[:1] + outputs.shape[2:]) - self.zero).round().long()
        if self.targets == "like the outputs":
            return (targets.reshape(outputs.shape).to(outputs.dtype) - self.zero) / (self.one - self.zero)
        return targets
