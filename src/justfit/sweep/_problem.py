"""What is trained: the data, the recipe, and the variants."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from justfit.cures import BLIND_SCHEMES, Scheme
from justfit.errors import ArgumentError

Task = Literal["classification", "regression"]
Activation = Literal["relu", "tanh", "logistic", "identity"]
ACTIVATIONS: tuple[Activation, ...] = ("relu", "tanh", "logistic", "identity")
NO_FOLD = -1  # a variant of this fold trains on all rows
NEVER_HELD_OUT = -2  # a row of this fold is trained on by every variant


@dataclass(frozen=True, slots=True)
class Problem:
    """Rows to learn from, and the fold each belongs to.

    Attributes:
        inputs: [n, d] float.
        targets: [n] int64 class codes, or [n] float.
        fold_of_rows: [n] int64; a variant of fold f trains on the rows of all other folds.
        task: "classification" (cross entropy, nats) or "regression" (squared error).
        num_outputs: Number of classes, or 1.
        weights: [n] non-negative example weights with mean 1, or None for all ones.
        loss_scale: Reported losses are multiplied by this: the variance that a standardised target was divided by.
    """

    inputs: Tensor
    targets: Tensor
    fold_of_rows: Tensor
    task: Task
    num_outputs: int
    weights: Tensor | None = None
    loss_scale: float = 1.0

    def training_rows(self, fold: int) -> Tensor:
        """Row numbers that a variant of this fold trains on, ascending."""
        return torch.nonzero(self.fold_of_rows != fold).flatten()

    def validation_rows(self, fold: int) -> Tensor:
        """Row numbers that a variant of this fold never sees, ascending."""
        return torch.nonzero(self.fold_of_rows == fold).flatten()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How every variant is trained: Adam with *coupled* l2 and, unless asked otherwise, a cosine learning rate.

    .. math:: g_t = \\nabla L(w_t) + \\frac{\\lambda}{n} w_t, \\qquad
              \\eta_t = \\eta \\cdot \\tfrac12 (1 + \\cos(\\pi t / T))

    Attributes:
        hidden: Width of each hidden layer.
        activation: Hidden activation, one of `ACTIVATIONS`.
        epochs: Passes over the training rows; the last incomplete batch of a pass is dropped.
        batch_size: Examples per step; lowered to the number of training rows where there are fewer.
        learning_rate: Peak learning rate η.
        beta1, beta2, eps: Adam's constants.
        schedule: "cosine", or "constant": η at every step.
        dropped: For each hidden layer, whether dropout follows it; None: all.
    """

    hidden: tuple[int, ...] = (64, 64)
    activation: Activation = "relu"
    epochs: int = 60
    batch_size: int = 32
    learning_rate: float = 5e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    schedule: Literal["constant", "cosine"] = "cosine"
    dropped: tuple[bool, ...] | None = None

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise ArgumentError(
                f"`activation` must be one of {', '.join(ACTIVATIONS)}.",
                found=f"`activation={self.activation!r}`",
                way_out="Sweep any other module with `torch.func` once that tier exists.",
            )
        if self.epochs < 1 or self.batch_size < 1 or any(width < 1 for width in self.hidden):
            raise ArgumentError(
                "`epochs`, `batch_size` and every hidden width must be at least 1.",
                found=f"`epochs={self.epochs}`, `batch_size={self.batch_size}`, `hidden={self.hidden}`",
                way_out="Leave them out to have them chosen from the size of the table.",
            )
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise ArgumentError(
                "`learning_rate` must be positive and finite.",
                found=f"`learning_rate={self.learning_rate}`",
                way_out="Adam's usual 1e-3 is a safe value.",
            )

    def learning_rate_at(self, step: int, num_steps: int) -> float:
        """Learning rate of a step in [0, num_steps)."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * step / num_steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One network to train: one setting, one draw, one split.

    Attributes:
        l2: λ of λ/(2n)·Σw², n = training rows of the variant; ≥ 0.
        dropout: Probability of dropping a hidden unit, the same in every hidden layer, in [0, 1).
        fold: The fold it is validated on; −1 trains on all rows.
        seed: Decides initialization, batch order and masks.
        init: Initialization scheme, one of `justfit.cures.BLIND_SCHEMES`.
    """

    l2: float
    dropout: float
    fold: int = NO_FOLD
    seed: int = 0
    init: Scheme = "he"

    def __post_init__(self) -> None:
        if not (self.l2 >= 0 and math.isfinite(self.l2)):
            raise ArgumentError(
                "`l2` must be finite and at least 0.",
                found=f"`l2={self.l2}`",
                way_out="It is the λ of λ/(2n)·Σw²; 0 means no penalty.",
            )
        if not 0 <= self.dropout < 1:
            raise ArgumentError(
                "`dropout` must lie in [0, 1).",
                found=f"`dropout={self.dropout}`",
                way_out="It is the probability of dropping a unit, not of keeping it.",
            )
        if self.init not in BLIND_SCHEMES:
            raise ArgumentError(
                f"`init` must be one of {', '.join(BLIND_SCHEMES)}.",
                found=f"`init={self.init!r}`",
                way_out="Networks of a sweep are drawn before they see data; auto measures on a batch.",
            )
