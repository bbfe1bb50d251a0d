"""The user's recipe, and what it becomes under a change."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from justfit.checkup import users_trouble
from justfit.errors import ArgumentError
from justfit.probe import recording_construction
from justfit.repair._alteration import Alteration
from justfit.repair._pairing import ScaledLoss
from justfit.repair._structure import altered_build, num_rows, target_moments
from justfit.sweep import (
    Examples,
    LossFunction,
    Network,
    Setting,
    SweepVariant,
    Training,
    call_arguments,
    default_generator_kept,
    take,
)

# The given validation set, or the held-out fifth, is fold 0: no variant is trained on it.
HELD_OUT = 0
# Rows of the batch on which networks are checked before training.
CHECK_ROWS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the user trains, and how.

    Attributes:
        training: As the user gave it.
        setting: Of the user's own training: its λ; everything else is in `training`.
        seed: Of the baseline; counterfactual runs share it.
        learning_rate: Peak learning rate of the user's optimizer.
        weight_decay: Of the user's optimizer; 0 of a named one.
    """

    training: Training
    setting: Setting
    seed: int
    learning_rate: float = math.nan
    weight_decay: float = 0.0

    @property
    def examples(self) -> Examples:
        """All rows, those that networks are judged on as fold 0."""
        return self.training.examples

    @property
    def batch(self) -> tuple[Any, Any]:
        """Inputs and targets of the first training rows."""
        rows = self.examples.training_rows(HELD_OUT)[: max(CHECK_ROWS, 2)]
        return take(self.examples.inputs, rows), take(self.examples.targets, rows)

    @property
    def validation(self) -> tuple[Any, Any]:
        """Inputs and targets of the rows that networks are judged on."""
        rows = self.examples.validation_rows(HELD_OUT)
        return take(self.examples.inputs, rows), take(self.examples.targets, rows)

    @property
    def training_targets(self) -> Any:
        """Targets of the rows that networks are trained on."""
        return take(self.examples.targets, self.examples.training_rows(HELD_OUT))

    def network(self, alteration: Alteration, seed: int | None = None) -> Network:
        """Build a network under a change, with its optimizer, not trained yet; the same seed shares its draws."""
        training, setting = self.altered(alteration)
        variant = SweepVariant(setting=setting, seed=self.seed if seed is None else seed, fold=HELD_OUT)
        return Network(training, variant, None)

    def optimizer_of_baseline(self) -> torch.optim.Optimizer:
        """The user's optimizer, over a network of its own."""
        with default_generator_kept():
            return self.network(Alteration()).optimizer

    def altered(self, alteration: Alteration) -> tuple[Training, Setting]:
        """Training and setting under a change."""
        rows = self.examples.training_rows(HELD_OUT)
        setting = replace(
            self.setting,
            l2=self.setting.l2 if alteration.l2 is None else alteration.l2,
            dropout=alteration.dropout,
            learning_rate=None if alteration.learning_rate == 1 else self.learning_rate * alteration.learning_rate,
            init=alteration.init,
        )
        training = replace(
            self.training,
            build=altered_build(self.training.build, alteration, self.examples, rows),
            loss_fn=self._loss(alteration),
            optimizer=self._optimizer(alteration),
            epochs=max(1, round(self.training.epochs * alteration.epochs)),
            clip_norm=self.training.clip_norm if alteration.clip_norm is None else alteration.clip_norm,
        )
        return training, setting

    def _loss(self, alteration: Alteration) -> LossFunction:
        pairing, own = alteration.pairing, self.training.loss_fn
        loss = own if pairing is None or pairing.loss_fn is None else pairing.loss_fn
        return ScaledLoss(loss, *target_moments(self.training_targets)) if alteration.standardize_targets else loss

    def _optimizer(self, alteration: Alteration) -> Any:
        own = self.training.optimizer
        if alteration.weight_decay is None or not callable(own):
            return own
        return _Decaying(own, alteration.weight_decay)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The user's build; the lines where its layers are made are remembered, so that a patch can name them."""

    build: Callable[[], nn.Module]

    def __call__(self) -> nn.Module:
        """Build.

        Raises:
            ArgumentError: It fails, makes no network, or one without anything to train.
        """
        with recording_construction(), users_trouble("`build` must make a network."):
            module = self.build()
        if not isinstance(module, nn.Module):
            raise ArgumentError(
                "`build` must return an `nn.Module`.",
                found=f"a {type(module).__name__}",
                way_out="Pass a function that makes a new network each time, `lambda: Net()`.",
            )
        if not any(parameter.requires_grad for parameter in module.parameters()):
            raise ArgumentError(
                "The network must have parameters to train.",
                found=f"`{type(module).__name__}` without any that requires a gradient",
                way_out="Check `requires_grad` of its layers.",
            )
        return module


@dataclass(frozen=True, slots=True)
class _Decaying:
    """The user's optimizer with another weight decay."""

    make: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
    weight_decay: float

    def __call__(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        optimizer = self.make(parameters)
        for group in optimizer.param_groups:
            group["weight_decay"] = self.weight_decay
        return optimizer


def with_optimizer_read(case: Case) -> Case:
    """Read the peak learning rate and weight decay off the optimizer."""
    groups = case.optimizer_of_baseline().param_groups
    decays = [group.get("weight_decay", 0.0) for group in groups]
    decay = 0.0 if case.training.optimizer == "adamw" else max(decays)
    return replace(case, learning_rate=float(groups[0]["lr"]), weight_decay=float(decay))


def outputs_on(module: nn.Module, inputs: Any, rows_at_once: int = 1_024) -> Any:
    """Run a network in eval mode without gradients; the predictions of all rows, as one tensor where they are one."""
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            num = num_rows(inputs)
            pieces = []
            for rows in torch.split(torch.arange(num), rows_at_once):
                positional, keywords = call_arguments(take(inputs, rows))
                pieces.append(module(*positional, **keywords))
    finally:
        module.train(was_training)
    return _joined(pieces)


def _joined(pieces: list[Any]) -> Any:
    from justfit.repair._yardstick import prediction_of

    found = [prediction_of(piece) for piece in pieces]
    return torch.cat([piece for piece in found if piece is not None]) if all(p is not None for p in found) else None
