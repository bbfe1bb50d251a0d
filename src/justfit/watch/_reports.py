"""What the loop tells of, and whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from justfit.watch._kept import KeptForward
from justfit.watch._loss_trail import LossTrail
from justfit.watch._sampler import Sampler


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """NaN or infinity was seen.

    Attributes:
        step: Of the optimizer, from 1.
        epoch: From 1.
        loss: Of the step; None where it was not seen.
        batch: Number within the epoch; −1 where unknown.
        examples: Indices of its examples.
        weights_intact: The weights have not been updated with it yet, and its gradients are still there.
        forwards: Calls of the network since the last good backward pass, oldest first; none if they were not kept.
        trail: What the loss was computed by, if it was seen to be broken.
        previous_loss: Of the step before; None if it was not seen.
        optimizer: Class of the optimizer.
    """

    step: int
    epoch: int
    loss: float | None
    batch: int
    examples: tuple[int, ...]
    weights_intact: bool
    forwards: tuple[KeptForward, ...]
    trail: LossTrail
    previous_loss: float | None
    optimizer: str


@dataclass(slots=True, kw_only=True)
class Reports:
    """Whom the loop tells what.

    Attributes:
        sampled: A step of an optimizer was sampled; with its loss.
        trouble: NaN or infinity was seen for the first time.
        expensive: Steps without a sample take too much of the budget.
        idle: A step is done, at that time; now is a moment to judge and write.
        broken: Watching itself failed; it stops, and training goes on.
        note: Something is not measured, and why.
    """

    sampled: Callable[[Sampler, float], None]
    trouble: Callable[[Trouble], None]
    expensive: Callable[[], None]
    idle: Callable[[float], None]
    broken: Callable[[Exception], None]
    note: Callable[[str], None]
