"""The live verdict on one cell of a playground."""

from __future__ import annotations

import math
from typing import Any

import torch

from justfit.lab._playground_points import Points
from justfit.lab._playground_training import Losses
from justfit.records import History, Judgement
from justfit.report import headline
from justfit.rules import judge_history

MOST_ENTRIES = 200  # of a history that is judged while it grows
UNIT = "nats"


class Reference:
    """What can be reached on these points: by a Gaussian process, and by the best cell so far.

    Args:
        points: The rows to learn from, and the validation rows.
    """

    def __init__(self, points: Points) -> None:
        self._points = points
        self._process_loss: float | None = None
        share = points.labels[points.num_train :].double().mean()
        self.constant_loss = float(-(torch.special.xlogy(share, share) + torch.special.xlogy(1 - share, 1 - share)))

    def best(self, history: list[Losses]) -> tuple[float, str]:
        """The lowest validation loss of the two, and whose it is."""
        if self._process_loss is None:
            self._process_loss = process_loss(self._points)
        lowest = min((float(losses.validation.nan_to_num(math.inf).min()) for losses in history[1:]), default=math.inf)
        if lowest < self._process_loss:
            return lowest, "the best λ, dropout and epoch here"
        return self._process_loss, "a Gaussian process"


def process_loss(points: Points) -> float:
    """Fit a Gaussian process with a squared exponential kernel; mean loss on the validation rows, nats.

    Returns:
        Infinity where the training rows are of one class.
    """
    from sklearn.gaussian_process import GaussianProcessClassifier
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel

    inputs, labels = points.standardised(points.inputs).numpy(), points.labels.numpy()
    train, validation = slice(points.num_train), slice(points.num_train, None)
    if len(set(labels[train].tolist())) < 2:
        return math.inf
    process = GaussianProcessClassifier(ConstantKernel(4.0) * RBF(0.5), random_state=0)
    process.fit(inputs[train], labels[train])
    chances = torch.from_numpy(process.predict_proba(inputs[validation])).gather(1, points.labels[validation, None])
    return float(-chances.clamp_min(1e-15).log().mean())


def judge_cell(history: list[Losses], cell: int, reference: Reference) -> dict[str, Any] | None:
    """Judge the epochs of one cell so far; None before the first."""
    last = len(history) - 1
    if last < 1:
        return None
    epochs = sorted({round(1 + place * (last - 1) / (MOST_ENTRIES - 1)) for place in range(MOST_ENTRIES)})
    chosen = [history[epoch] for epoch in epochs]
    measured = History(
        epochs=tuple(epochs),
        train_loss=tuple(float(losses.train[cell]) for losses in chosen),
        train_loss_se=tuple(float(losses.train_se[cell]) for losses in chosen),
        validation_loss=tuple(float(losses.validation[cell]) for losses in chosen),
        validation_loss_se=tuple(float(losses.validation_se[cell]) for losses in chosen),
        train_mode=False,
    )
    loss, name = reference.best(history)
    verdict = judge_history(
        measured, reference_loss=loss, reference_name=name, constant_loss=reference.constant_loss, unit=UNIT
    )
    return {
        "state": verdict.state,
        "probability": verdict.probability,
        "sentence": headline(Judgement(history=measured, verdict=verdict)),
        "reasons": list(verdict.reasons),
        "bestEpoch": verdict.best_epoch,
        "referenceLoss": loss,
        "referenceName": name,
    }
