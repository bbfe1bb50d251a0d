"""Any module's training, as a sweep sees it: what is trained, on what, in which settings.

Notation: K variants of one unit, n examples, R measured epochs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from justfit.cures import Scheme
from justfit.errors import ArgumentError
from justfit.sweep._far import FarTensors, joined_rows
from justfit.sweep._problem import NO_FOLD

LearningRateSchedule = Literal["constant", "cosine"]
Tier = Literal["batched", "vectorised", "loop"]
LossFunction = Callable[[Any, Any], Tensor]
OptimizerFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What may differ between two cells of a sweep.

    Attributes:
        l2: λ of λ/(2n)·Σw² over weights (no biases, no norm scales), n = training examples of the variant; ≥ 0.
        dropout: p of every dropout site of the network, in [0, 1); None leaves each as it was built.
        learning_rate: Peak learning rate, > 0; None leaves the optimizer's own.
        init: Scheme of `justfit.initialize_`; None leaves the network as it was built.
    """

    l2: float = 0.0
    dropout: float | None = None
    learning_rate: float | None = None
    init: Scheme | None = None

    def __post_init__(self) -> None:
        if not (self.l2 >= 0 and math.isfinite(self.l2)):
            raise ArgumentError(
                "`l2` must be finite and at least 0.",
                found=f"`l2={self.l2}`",
                way_out="It is the λ of λ/(2n)·Σw²; 0 means no penalty.",
            )
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise ArgumentError(
                "`dropout` must lie in [0, 1).",
                found=f"`dropout={self.dropout}`",
                way_out="It is the probability of dropping a unit, not of keeping it.",
            )
        if self.learning_rate is not None and not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise ArgumentError(
                "`learning_rate` must be positive and finite.",
                found=f"`learning_rate={self.learning_rate}`",
                way_out="Leave it out to keep the optimizer's own.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepVariant:
    """One network to train: one setting, one draw, one split.

    Attributes:
        setting: What it is trained with.
        seed: Decides initial weights, batch order, dropout masks and every other random number.
        fold: The fold it is validated on; `NO_FOLD` (−1) trains on all rows.
    """

    setting: Setting
    seed: int = 0
    fold: int = NO_FOLD


@dataclass(frozen=True, slots=True)
class Examples:
    """All examples in memory.

    Attributes:
        inputs: A tensor [n, …], or a tuple, list or dict of such: what `module(...)` is called with (a tuple or list
            as positional arguments, a dict as keywords).
        targets: A tensor [n, …], or a tuple, list or dict of such.
        fold_of_rows: [n] int64; a variant of fold f trains on the rows of all other folds and is judged on those of f;
            rows of `NEVER_HELD_OUT` (−2) are trained on by every variant. A given validation set is fold 0.
    """

    inputs: Any
    targets: Any
    fold_of_rows: Tensor

    def training_rows(self, fold: int) -> Tensor:
        """Row numbers that a variant of this fold trains on, ascending."""
        return torch.nonzero(self.fold_of_rows != fold).flatten()

    def validation_rows(self, fold: int) -> Tensor:
        """Row numbers that a variant of this fold never sees, ascending."""
        return torch.nonzero(self.fold_of_rows == fold).flatten()


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How every variant is trained: all that a worker needs besides the variants.

    Attributes:
        build: Makes the network; called with the random state seeded by the variant.
        examples: What it learns from.
        loss_fn: `loss_fn(outputs, targets)`, a mean over the examples of a batch.
        optimizer: "adam", "adamw", "sgd", "momentum" (SGD, momentum .9), "rmsprop", or a function of parameters.
        learning_rate: Of a named optimizer; ignored where the optimizer is a function (its own counts).
        epochs: Passes over the training rows; the last incomplete batch of a pass is dropped.
        batch_size: Lowered to the smallest training part where that is smaller.
        schedule: "constant", or "cosine" from the peak to 0 at the end of `epochs`.
        clip_norm: Each network's gradient is scaled down to this norm; None does not clip.
        device: Where it trains.
    """

    build: Callable[[], nn.Module]
    examples: Examples
    loss_fn: LossFunction
    optimizer: str | OptimizerFactory = "adam"
    learning_rate: float = 1e-3
    epochs: int = 30
    batch_size: int = 32
    schedule: LearningRateSchedule = "constant"
    clip_norm: float | None = None
    device: str = "cpu"


@dataclass(slots=True)
class UnitState:
    """Where K networks stand: everything needed to go on as if they had never stopped.

    Attributes:
        epoch: Epochs done.
        tensors: Parameters, buffers and optimizer state by name; dimension 0 of each is the K variants, in order. So
            dropping variants is `index_select`, and joining units is `cat`. What the names are is the tier's affair.
            An executor on many machines gives tensors that are fetched when they are looked at, not before.
    """

    epoch: int
    tensors: Mapping[str, Tensor]

    def select(self, indices: list[int]) -> UnitState:
        """Keep some variants; their numbers are copied bit for bit."""
        if isinstance(self.tensors, FarTensors):
            return UnitState(self.epoch, self.tensors.select(indices))
        return UnitState(self.epoch, joined_rows([(self.tensors, indices)]))

    @staticmethod
    def join(states: list[UnitState]) -> UnitState:
        """Put the variants of several units of one epoch side by side."""
        far = [state.tensors for state in states if isinstance(state.tensors, FarTensors)]
        if len(far) == len(states):
            return UnitState(states[0].epoch, far[0].beside(far[1:]))
        names = states[0].tensors
        return UnitState(
            states[0].epoch, {name: torch.cat([state.tensors[name] for state in states]) for name in names}
        )


@dataclass(slots=True)
class UnitReport:
    """What was measured while a unit trained, all in eval mode.

    Attributes:
        epochs: [R] epochs at which it was measured.
        validation_losses: For each variant, [R, rows of its fold] float32 per-example losses, in the order of
            `Examples.validation_rows`; NaN throughout an epoch at which the network was not finite. Empty for NO_FOLD.
        train_loss, train_loss_se: [K, R] mean over (at most 2,000 of) the variant's training rows, and its standard
            error; float64.
        seconds: CPU seconds that the unit took.
    """

    epochs: tuple[int, ...]
    validation_losses: list[Tensor]
    train_loss: Tensor
    train_loss_se: Tensor
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A piece of work that one worker does alone: K variants of one seed, from where they stand to an epoch.

    Attributes:
        variants: The K variants; all of one seed, so that they can share batch order and masks.
        tier: Which program trains them.
        until: Epoch to stop at.
        measure: Epochs at which to measure.
        state: Where they stand; None starts them.
    """

    variants: tuple[SweepVariant, ...]
    tier: Tier
    until: int
    measure: tuple[int, ...] = ()
    state: UnitState | None = field(default=None)


def named_optimizers() -> Mapping[str, Callable[[Iterable[nn.Parameter], float], torch.optim.Optimizer]]:
    """The optimizers that can be asked for by name, each a function of parameters and learning rate."""
    optim = torch.optim
    return {
        "adam": lambda parameters, lr: optim.Adam(parameters, lr=lr, fused=True),
        "adamw": lambda parameters, lr: optim.AdamW(parameters, lr=lr, fused=True),
        "momentum": lambda parameters, lr: optim.SGD(parameters, lr=lr, momentum=0.9, fused=True),
        "rmsprop": lambda parameters, lr: optim.RMSprop(parameters, lr=lr),
        "sgd": lambda parameters, lr: optim.SGD(parameters, lr=lr, fused=True),
    }
