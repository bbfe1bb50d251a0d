"""The loss of each step: what the loop logged, or else what backward was called on."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from justfit.watch._backward import keep_losses, losses_of_step


class StepLosses:
    """Makes one loss of what was logged or differentiated before a step.

    Attributes:
        reads_backward: Take what backward was called on where nothing was logged.
        adds: The losses of micro-batches are added, because the loop divides each by their number; else their mean.
        scaler: By whose scale losses were multiplied; None for none.
    """

    def __init__(self) -> None:
        self.reads_backward = True
        self.adds = False
        self.scaler: Any = None
        self._logged: list[float | Tensor] = []
        self._logs_afterwards: bool | None = None  # does the loop log a loss after its step
        self._scale_version = -1

    def backward_begins(self, num_losses: int) -> None:
        """Forget the losses of a step that the gradient scaler did not take: it has changed its scale since.

        Args:
            num_losses: That are about to be differentiated.
        """
        scale = self.scale()
        if scale is not None and scale._version != self._scale_version:
            self._scale_version = scale._version
            keep_losses(num_losses)

    def log(self, value: float | Tensor, *, num_steps: int, fresh: bool) -> bool:
        """Take a loss that the loop logs.

        Args:
            value: The loss.
            num_steps: Steps done so far.
            fresh: Backward ran since the last one.

        Returns:
            Whether it is that of the step just done: a loop logs before its steps or after them, and the first call
            shows which.
        """
        if self._logs_afterwards is None:
            self._logs_afterwards = num_steps > 0 and not fresh
        if self._logs_afterwards and not fresh:
            return True
        self._logged.append(value)
        return False

    def take(self) -> float | Tensor:
        """Return the loss of the step just done; NaN if none was seen."""
        if self._logged:
            mean = _total(tuple(self._logged)) / len(self._logged)
            self._logged.clear()
            return mean
        return self.mean(losses_of_step())

    def mean(self, losses: tuple[float | Tensor, ...]) -> float | Tensor:
        """Make one loss of those that backward was called on; NaN of none."""
        if not losses or not self.reads_backward:
            return math.nan
        loss = losses[0] if len(losses) == 1 else _total(losses) / (1 if self.adds else len(losses))
        scale = self.scale()
        if scale is None:
            return loss
        return loss / (scale.item() if isinstance(loss, float) else scale)

    def scale(self) -> Tensor | None:
        """Return by what losses and gradients are multiplied; None for nothing."""
        return None if self.scaler is None else getattr(self.scaler, "_scale", None)


def _total(losses: tuple[float | Tensor, ...]) -> float | Tensor:
    return sum(losses[1:], losses[0])
