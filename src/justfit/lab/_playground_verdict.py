"""The live verdict on one cell of a playground."""

from __future__ import annotations

from typing import Any

from justfit.lab._playground_look import spread
from justfit.lab._playground_reference import Reference
from justfit.lab._playground_training import StackTraining
from justfit.records import History, Judgement
from justfit.report import headline
from justfit.rules import judge_history

MOST_ENTRIES = 200  # of a history that is judged while it grows
UNIT = "nats"


def judge_cell(training: StackTraining, cell: int, reference: Reference) -> dict[str, Any] | None:
    """Judge the epochs of one cell so far; None before the first."""
    if training.epoch < 1:
        return None
    trained = training.history[1:]
    chosen = [trained[place] for place in spread(len(trained), MOST_ENTRIES)]
    measured = History(
        epochs=tuple(losses.epoch for losses in chosen),
        train_loss=tuple(float(losses.train[cell]) for losses in chosen),
        train_loss_se=tuple(float(losses.train_se[cell]) for losses in chosen),
        validation_loss=tuple(float(losses.validation[cell]) for losses in chosen),
        validation_loss_se=tuple(float(losses.validation_se[cell]) for losses in chosen),
        train_mode=False,
    )
    loss, name = reference.best(training.lowest)
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
