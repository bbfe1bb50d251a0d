"""What is held of the step that runs, so that a failure can be traced to its cause: batch, loss, and no more."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from justfit.watch._kept import KeptForward, keep_forward
from justfit.watch._loss_trail import LossTrail, trail_of

MAX_FORWARDS = 4  # calls of the network that one backward pass may go through: siamese, adversarial, two views


class Flight:
    """Holds on to what the network was last called with, no longer than until the step is done.

    Args:
        module: The network.
        keeps_batch: Hold on to the inputs; without, a failure can only be told from what it left behind.

    Attributes:
        forwards: Calls since the last good backward pass, oldest first.
        loss: Of the last backward pass; None where it lies on a device or was not seen.
        previous_loss: Of the step before.
        trail: What the loss was computed by, once it or its gradient was not finite.
    """

    def __init__(self, module: nn.Module, *, keeps_batch: bool) -> None:
        self.keeps_batch = keeps_batch
        self.forwards: list[KeptForward] = []
        self.loss: float | None = None
        self.previous_loss: float | None = None
        self.trail = LossTrail()
        self._device = next((p.device.type for p in module.parameters()), "cpu")
        self._frozen = False

    def see_forward(self, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """Take note of a call; those without a gradient train nothing."""
        if self._frozen or not torch.is_grad_enabled():
            return
        if len(self.forwards) == MAX_FORWARDS:
            del self.forwards[0]
        self.forwards.append(keep_forward(inputs, keywords, self._device))

    def backward_begins(self, losses: tuple[Tensor, ...]) -> None:
        """Read a loss that costs no waiting; if it is not finite, its graph tells why, as long as it is there."""
        if len(losses) != 1 or not losses[0].is_cpu or self._frozen:
            return
        self.loss = losses[0].item()
        if not math.isfinite(self.loss):
            self.trail = trail_of(losses[0])

    def backward_ended(self, losses: tuple[Tensor, ...], *, suspicious: bool, freezes: bool) -> None:
        """Hold on to what led to a gradient that is not finite, and let go of what led to a good one.

        Args:
            losses: What was differentiated.
            suspicious: The gradient is not finite.
            freezes: Later micro-batches of the step shall not take the place of this one.
        """
        if not suspicious:
            self._frozen = False
            if self._device == "cpu":  # elsewhere nobody has looked yet
                self.forwards.clear()
            return
        if len(losses) == 1 and not self._frozen and not self.trail.operation:
            self.trail = trail_of(losses[0])
        self._frozen = freezes

    def step_done(self) -> None:
        """Let go of everything."""
        self.forwards.clear()
        self.previous_loss, self.loss = self.loss, None
        self._frozen = False
        if self.trail.operation:
            self.trail = LossTrail()


def called_part(module: nn.Module) -> nn.Module:
    """Return the part of a network that sees the inputs as its own code gets them: what lies within DDP."""
    while isinstance(module, DistributedDataParallel):
        module = module.module
    return module
