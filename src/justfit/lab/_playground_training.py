"""Training of all cells of a playground, and their losses after every epoch.

Random draws are named by seed, purpose and epoch, and shared by all cells: neighbouring cells see the same rows in the
same order, and what is dropped at 0.1 is dropped at 0.4 too.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from justfit.lab._playground_options import DROPOUT, L2
from justfit.lab._playground_points import Points
from justfit.lab._playground_settings import Settings
from justfit.lab._playground_stack import FlatOptimizer, Stack, build_network
from justfit.sweep import named_generator

MOST_KEPT = 2_000  # losses of so many epochs: a page that plays all night must not fill the memory


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean loss per row of every cell in eval mode, nats, after one epoch; [K] each.

    Attributes:
        epoch: After which; 0 is before training.
        train, validation: Means.
        train_se, validation_se: Standard errors over the rows.
    """

    epoch: int
    train: Tensor
    train_se: Tensor
    validation: Tensor
    validation_se: Tensor


class StackTraining:
    """Train the grid λ × dropout on some points.

    Args:
        settings: How.
        points: On what.
        dtype: Of weights and losses.

    Attributes:
        stack: The networks as they are now.
        epoch: Epochs trained so far.
        history: Losses before training and after every epoch; of a long training after every second, every fourth, …,
            and the latest.
        lowest: The lowest validation loss of any cell after any epoch, nats.
    """

    def __init__(self, settings: Settings, points: Points, dtype: torch.dtype = torch.float32) -> None:
        self.settings = settings
        inputs = points.standardised(points.inputs)
        self.inputs, self.labels = inputs.to(dtype), points.labels.to(dtype)
        self.num_train = points.num_train
        network = build_network(settings, inputs[: self.num_train].float()).to(dtype)
        self.stack = Stack(network, len(L2) * len(DROPOUT))
        decay_K = torch.tensor(L2, dtype=dtype).repeat_interleave(len(DROPOUT)) / self.num_train
        self._optimizer = FlatOptimizer(settings.optimizer, settings.learning_rate, self.stack.per_element(decay_K))
        self._dropout_P11 = torch.tensor(DROPOUT, dtype=dtype).view(-1, 1, 1)
        self._steps_left: list[tuple[Tensor, Tensor]] = []  # of an epoch that was paused, the next one last
        self.lowest = math.inf
        self.epoch = 0
        self.history: list[Losses] = []
        self._kept_every = 1  # epochs
        self._measure()

    @property
    def num_steps_left(self) -> int:
        """Steps of the epoch that was paused; 0 between two epochs."""
        return len(self._steps_left)

    def advance(self, epochs: int, most_seconds: float = math.inf) -> None:
        """Train whole epochs, fewer where the time is over; a first one that takes longer is paused between steps."""
        end = time.monotonic() + most_seconds
        for number in range(epochs):
            self._train_epoch(end if number == 0 else math.inf)
            if time.monotonic() >= end:
                return

    def is_finite(self) -> Tensor:
        """[K] whether the weights of a cell are numbers."""
        return torch.stack([leaf.detach().flatten(1).isfinite().all(1) for leaf in self.stack.leaves]).all(0)

    def _train_epoch(self, end: float) -> None:
        """Go on with the epoch that was paused, or begin one; measure where it is done before the time is over."""
        if not self._steps_left:
            self._steps_left = self._deal()
        while self._steps_left:
            rows, uniforms_BDO = self._steps_left.pop()
            outputs = self.stack.outputs(self.inputs[rows], self._masks(uniforms_BDO))
            loss = cross_entropy(outputs, self.labels[rows]).mean(1).sum()  # the gradient of a sum is each cell's own
            self._optimizer.step(self.stack.flat, self.stack.gradient(loss))
            if self._steps_left and time.monotonic() >= end:
                return
        self.epoch += 1
        self._measure()

    def _deal(self) -> list[tuple[Tensor, Tensor]]:
        """Rows and uniform numbers for the masks of each step of an epoch, the last step first."""
        seed, epoch, size = self.settings.seed, self.epoch, self.settings.batch_size
        order = torch.randperm(self.num_train, generator=named_generator(seed, "order", epoch))
        uniforms_BDO = torch.rand(
            (self.num_train, self.settings.depth, self.settings.width),
            generator=named_generator(seed, "mask", epoch),
        )  # of all layers, so that choosing others does not change the masks of one
        return list(zip(torch.split(order, size), torch.split(uniforms_BDO, size), strict=True))[::-1]

    def _masks(self, uniforms_BDO: Tensor) -> list[Tensor | None]:
        scale_P11 = 1.0 / (1.0 - self._dropout_P11)
        return [
            torch.where(uniforms_BO >= self._dropout_P11, scale_P11, 0.0) if dropped else None
            for uniforms_BO, dropped in zip(uniforms_BDO.unbind(1), self.settings.is_dropped, strict=True)
        ]

    @torch.no_grad()
    def _measure(self) -> None:
        losses = cross_entropy(self.stack.outputs(self.inputs), self.labels).double()
        train, validation = losses[:, : self.num_train], losses[:, self.num_train :]
        now = Losses(self.epoch, train.mean(1), _standard_error(train), validation.mean(1), _standard_error(validation))
        self._keep(now)
        self.lowest = min(self.lowest, float(now.validation.nan_to_num(math.inf).min()))

    def _keep(self, now: Losses) -> None:
        """Remember the latest losses; which others are kept depends on the epoch alone, not on how it was reached."""
        if self.history and self.history[-1].epoch % self._kept_every:
            self.history.pop()  # was kept as the latest only
        self.history.append(now)
        if len(self.history) > MOST_KEPT:
            self._kept_every *= 2
            self.history = [one for one in self.history if one.epoch % self._kept_every == 0 or one is now]


def cross_entropy(outputs_KB: Tensor, labels_B: Tensor) -> Tensor:
    """Compute the loss of every row, nats."""
    return functional.binary_cross_entropy_with_logits(outputs_KB, labels_B.expand_as(outputs_KB), reduction="none")


def _standard_error(losses_KB: Tensor) -> Tensor:
    return losses_KB.std(1) / math.sqrt(losses_KB.shape[1])
