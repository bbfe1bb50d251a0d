"""What is held of the step that runs, so that a failure can be traced to its cause: batch, loss, and no more."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from justfit.watch._kept import KeptForward, keep_forward
from justfit.watch._layers import LayerTable
from justfit.watch._loss_trail import LossTrail, trail_of
from justfit.watch._reading import real_entries

MAX_FORWARDS = 4  # calls of the network that one backward pass may go through: siamese, adversarial, two views


class Flight:
    """Looks out for NaN, and holds on to what the network was last called with, no longer than the step lasts.

    What looks out is one small parameter that backward reaches last: NaN in the loss or behind it comes to it.

    Args:
        module: The network.
        table: Its layers.

    Attributes:
        forwards: Calls since the last good backward pass, oldest first.
        trail: What the loss was computed by, once it or its gradient was not finite.
        is_suspicious: Something that is not finite was seen in this step.
        is_lost: It was the loss itself; under a gradient scaler only NaN, as the scaled loss may be too large.
        freezes: The first micro-batch that is suspicious is the one to hold on to. Not under a gradient scaler, which
            may skip a step without anybody hearing of it.
    """

    def __init__(self, module: nn.Module, table: LayerTable) -> None:
        self.forwards: list[KeptForward] = []
        self.trail = LossTrail()
        self.is_suspicious = False
        self.is_lost = False
        self.freezes = True
        self._table = table
        self._device = next((p.device.type for p in module.parameters()), "cpu")
        self._sentinel: nn.Parameter | None = None

    def start(self) -> None:
        """Choose what looks out."""
        for layer in self._table.layers:
            own = [p for p in layer.parameters.values() if p.requires_grad and real_entries(p).numel()]
            if own:
                self._sentinel = min(own, key=lambda p: p.dim() != 1)
                return

    def see_forward(self, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """Take note of a call; those without a gradient train nothing."""
        if (self.is_suspicious and self.freezes) or not torch.is_grad_enabled():
            return
        if len(self.forwards) == MAX_FORWARDS:
            del self.forwards[0]
        self.forwards.append(keep_forward(inputs, keywords, self._device))

    def backward_begins(self, losses: tuple[Tensor, ...]) -> None:
        """Read a loss that costs no waiting; if it is not finite its graph tells why, as long as it is there."""
        if not losses or not losses[0].is_cpu or (self.is_suspicious and self.freezes):
            return
        loss = losses[0].item()
        self.is_lost = not math.isfinite(loss) if self.freezes else math.isnan(loss)
        if self.is_lost:
            self.trail, self.is_suspicious = trail_of(losses[0]), True

    def backward_ended(self, losses: tuple[Tensor, ...]) -> None:
        """Look at the gradient; let go of a batch whose gradient is good."""
        gradient = self._gradient()
        if gradient is None:
            return
        sum_of_squares = torch.dot(gradient, gradient) if gradient.dim() == 1 else gradient.sum()
        if math.isfinite(sum_of_squares.item()):
            if not self.is_lost:
                self.step_done()  # what there was has been zeroed
        elif not self.is_suspicious:
            self.is_suspicious = True
            self.trail = trail_of(losses[0]) if losses else LossTrail()

    def is_broken(self, losses: tuple[float | Tensor, ...]) -> bool:
        """Look once more, right before or after the update; waits for the device."""
        gradient = None if self._sentinel is None or self._sentinel.grad is None else real_entries(self._sentinel.grad)
        finite = gradient is None or bool(torch.isfinite(gradient).all())
        return not finite or not all(math.isfinite(loss) for loss in losses)

    def step_done(self) -> None:
        """Let go of the batch."""
        self.forwards.clear()
        if self.is_suspicious:
            self.is_suspicious, self.is_lost, self.trail = False, False, LossTrail()

    def _gradient(self) -> Tensor | None:
        """Return the gradient to look at, as far as it lies here and reading it waits for nothing."""
        gradient = None if self._sentinel is None else self._sentinel.grad
        if gradient is None or gradient.layout is not torch.strided or not gradient.is_cpu:
            return None
        is_plain = type(gradient) is Tensor and gradient.is_floating_point()
        return gradient if is_plain else real_entries(gradient)


def called_part(module: nn.Module) -> nn.Module:
    """Return the part of a network that gets its inputs as its own code sees them: what lies within DDP."""
    while isinstance(module, DistributedDataParallel):
        module = module.module
    return module
