"""The loss that belongs to an output, in place of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional

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


USUAL = Change(
    kind="loss",
    where="loss",
    before="the loss of this training",
    after="the usual loss of these targets",
    code="loss = F.cross_entropy(outputs, targets)  # classes; F.binary_cross_entropy_with_logits, F.mse_loss",
    why="It is the one that the targets ask for.",
)


def default_loss(outputs: Any, targets: Tensor) -> Tensor:
    """Cross entropy for whole numbers, its binary form for zeros and ones with one output each, else squared error."""
    found = prediction_of(outputs)
    if found is None:
        raise TypeError(f"no tensor in an output of type {type(outputs).__name__}")
    if found.numel() == targets.numel():
        found = found.reshape(targets.shape)
        if targets.is_floating_point() and not bool(((targets == 0) | (targets == 1)).all()):
            return functional.mse_loss(found, targets)
        return functional.binary_cross_entropy_with_logits(found, targets.to(found.dtype))
    if targets.is_floating_point():
        return functional.mse_loss(found, targets)
    if found.ndim > 2 and found.shape[2:] != targets.shape[1:]:
        found = found.movedim(-1, 1)
    return functional.cross_entropy(found, targets.long())


@dataclass(frozen=True, slots=True)
class ScaledLoss:
    """A loss that sees outputs and targets at the targets' mean 0 and standard deviation 1."""

    loss_fn: LossFunction
    mean: Tensor
    std: Tensor

    def __call__(self, outputs: Any, targets: Any) -> Tensor:
        """Scale both, then compute the loss."""
        return self.loss_fn((outputs - self.mean) / self.std, (targets - self.mean) / self.std)
