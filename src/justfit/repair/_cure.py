"""Repair a training: find by intervention what is wrong with it, and prove what cures it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from torch import nn

from justfit.records import OnProgress
from justfit.repair._arguments import check_arguments
from justfit.repair._case import Case, Recorded, with_optimizer_read
from justfit.repair._pairing import default_loss
from justfit.repair._repair import Repair
from justfit.repair._result import Cure
from justfit.repair._write import prepare_folder, write_cure
from justfit.sweep import LearningRateSchedule, LossFunction, OptimizerFactory, Setting, Training, as_examples

# Where no validation set is given, the first of so many folds is held out.
FOLDS = 5


def cure(
    build: Callable[[], nn.Module],
    train: Any,
    validation: Any = None,
    *,
    loss_fn: LossFunction | None = None,
    optimizer: str | OptimizerFactory = "adam",
    learning_rate: float = 1e-3,
    epochs: int = 30,
    batch_size: int = 32,
    schedule: LearningRateSchedule = "constant",
    l2: float = 0.0,
    clip_norm: float | None = None,
    budget: float = 3.0,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    on_progress: OnProgress | None = None,
) -> Cure:
    r"""Find out by intervention why a training fails, and prove what cures it.

    Checks the network, trains it as given under `justfit.watch`, and holds it against a closed-form fit of the same
    rows. Where nothing speaks for a fault, nothing is tried. Else each hypothesis is a counterfactual run with the same
    draws of weights, batches and masks, first on a short horizon, the best few on longer ones. With d_i the gain on
    validation example i, in shares of what there is to learn,

    .. math:: \text{share} = 1 - \frac{\bar s}{\bar s_{constant}}, \quad \bar d - z_{1-\alpha_h}\,SE > 0, \quad
              \bar d \ge 0.02

    is asked of a cure; α_h sums to 5 % over all hypotheses. s is the squared error of the prediction, of classes that
    of calibrated probabilities, so that the scale of outputs and the loss do not count. The cure is the smallest change
    that is as good as the best. No target accuracy is needed.

    Args:
        build: Makes the network; called with torch's random state seeded.
        train: A pair (inputs, targets) of tensors, arrays or data frames, a Dataset or a DataLoader; held in memory.
        validation: The same on rows that are not trained on; a fifth of `train` where not given.
        loss_fn: `loss_fn(outputs, targets)`, a mean over the examples. By default cross entropy of whole numbers,
            squared error of others.
        optimizer: "adam", "adamw", "sgd", "momentum", "rmsprop", or a function of parameters.
        learning_rate: Of a named optimizer, > 0.
        epochs: Of one training, at least 1.
        batch_size: Examples in a step, at least 1; that of a DataLoader does not count.
        schedule: "constant" or "cosine".
        l2: λ of the term λ/(2n)·Σw² that this training has, at least 0.
        clip_norm: Norm that gradients are clipped to in this training; None does not clip.
        budget: Trainings of this network that may be spent in all, the first included, at least 1. They are counted in
            steps, never in seconds, so that a busy machine finds the same.
        seed: Of everything random; the same seed finds the same.
        out: New or empty folder for record.json, report.html, patch.md and model.safetensors.
        on_progress: Called at each tick.

    Returns:
        What was wrong, what cures it, the repaired network, and everything that was tried.

    Raises:
        ArgumentError: An argument lies outside its contract, `build` makes no network or one without parameters, class
            codes do not run from 0 to C − 1, or the loss is no mean.
        DataError: The examples cannot be trained on.
        OutputError: `out` cannot be written, or holds something already.

    Example:
        >>> import torch
        >>> inputs = torch.randn(300, 4, generator=torch.Generator().manual_seed(0))
        >>> targets = (inputs.sum(1) > 0).long()
        >>> network = lambda: nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
        >>> found = cure(network, (inputs, targets), learning_rate=1e-5, epochs=20)
        >>> found.state, found.cause, round(found.training["learning_rate"], 5)
        ('cured', 'learning rate', 0.001)

    References:
        Pearl 2009, "Causality", chapter 1.4 (counterfactuals); Jamieson and Talwalkar 2016, "Non-stochastic best arm
        identification and hyperparameter optimization" (halving).
    """
    check_arguments(
        build=build, loss_fn=loss_fn, optimizer=optimizer, learning_rate=learning_rate, epochs=epochs,
        batch_size=batch_size, schedule=schedule, l2=l2, clip_norm=clip_norm, budget=budget, seed=seed,
    )  # fmt: skip
    folder = None if out is None else prepare_folder(out)
    training = Training(
        build=Recorded(build),
        examples=as_examples(train, validation, folds=FOLDS, seed=seed),
        loss_fn=loss_fn or default_loss,
        optimizer=optimizer,
        learning_rate=learning_rate,
        epochs=epochs,
        batch_size=batch_size,
        schedule=schedule,
        clip_norm=clip_norm,
    )
    case = with_optimizer_read(Case(training=training, setting=Setting(l2=l2), seed=seed))
    found = Repair(case, budget, on_progress).run()
    if folder is not None:
        write_cure(found, folder)
    return found
