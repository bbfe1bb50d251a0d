"""The verdict on a history."""

from __future__ import annotations

import math
from typing import Any

from justfit.records import Finding, FitState, FitVerdict, History
from justfit.rules._history_learned import (
    FEWEST,
    can_be_judged,
    has_lost_it,
    is_at_constant,
    is_motionless,
    is_unlearned,
)
from justfit.rules._history_model import state_probabilities
from justfit.rules._history_non_finite import TrainingEndsNonFinite
from justfit.rules._history_overfitting import OverfittingFromEpoch
from justfit.rules._history_rule import HistoryEvidence, HistoryRule
from justfit.rules._history_underfitting import UnderfittingHistory
from justfit.rules._history_words import notes_of, reasons_of
from justfit.rules._rule import DECISION_PROBABILITY
from justfit.rules._still_improving import StillImproving
from justfit.rules._train_mode import TrainLossInTrainMode

HISTORY_RULES: tuple[type[HistoryRule], ...] = (
    OverfittingFromEpoch,
    TrainLossInTrainMode,
    UnderfittingHistory,
    StillImproving,
    TrainingEndsNonFinite,
)
# Where all was lost again, or nothing was learned beyond the constant predictor, and there is no reference: the rest
# is for a history that starts at a trained network.
UNLEARNED_SHARES = {"overfitting": 0.05, "underfitting": 0.85, "just_right": 0.1}


def judge_history(
    history: History,
    *,
    reference_loss: float = math.nan,
    reference_name: str = "",
    constant_loss: float = math.nan,
    unit: str = "",
) -> FitVerdict:
    """Say whether a network underfits, fits, or overfits at the end of its history, with a probability.

    The probabilities come from a small model (`rules/_history_model.py`) of what the history shows in shares of what
    was learned: how far the validation loss rose again, the gap, how fast both losses still fell, and, where a
    reference is given, excess and avoidable bias against it. Below `DECISION_PROBABILITY` the verdict is "undecided".
    So it is with fewer than four epochs, without a validation loss, where training ended in NaN or infinity, and where
    nothing was learned and neither a reference nor a constant predictor says how bad that is.

    Args:
        history: At least one epoch.
        reference_loss: What a named reference reaches on rows it was not trained on, in the unit of the history.
        reference_name: What it is, in words, such as "gradient boosting".
        constant_loss: What the best constant prediction reaches on the validation rows.
        unit: Of the losses, such as "nats".

    Returns:
        The verdict with its numbers, reasons and findings.

    Raises:
        ArgumentError: The history is empty, or a reference is infinite.

    >>> from justfit.records import History
    >>> epochs = tuple(range(1, 41))
    >>> verdict = judge_history(History(
    ...     epochs=epochs, train_loss=tuple(2 / epoch for epoch in epochs),
    ...     validation_loss=tuple(2 / epoch + 0.02 * epoch for epoch in epochs),
    ... ))
    >>> verdict.state, verdict.best_epoch
    ('overfitting', 10)
    """
    evidence = HistoryEvidence(
        history=history,
        reference_loss=reference_loss,
        reference_name=reference_name,
        constant_loss=constant_loss,
        unit=unit,
    )
    reading = evidence.reading
    shares = _shares(evidence)
    likeliest = max(shares, key=lambda state: shares[state])
    decided = shares[likeliest] >= DECISION_PROBABILITY and reading.num_validation >= FEWEST
    state: FitState = likeliest if decided else "undecided"  # type: ignore[assignment]  # keys are states
    found = [outcome for rule in HISTORY_RULES if isinstance(outcome := rule().check(evidence), Finding)]
    return FitVerdict(
        state=state,
        probability=shares[likeliest],
        probabilities=shares,
        decision_probability=DECISION_PROBABILITY,
        reference_loss=reference_loss,
        reference_name=reference_name,
        constant_loss=constant_loss,
        unit=unit,
        reasons=reasons_of(evidence, state, shares),
        findings=tuple(found),
        last_epoch=history.epochs[-1],
        notes=notes_of(evidence),
        **_numbers(evidence),
    )


def _shares(evidence: HistoryEvidence) -> dict[str, float]:
    """Probability of each state; equal ones where nothing can be said, nearer to equal where little was seen."""
    reading = evidence.reading
    if not can_be_judged(evidence):
        return dict.fromkeys(("overfitting", "underfitting", "just_right"), 1 / 3)
    weight = min(1.0, reading.num_validation / FEWEST)
    nothing = is_unlearned(reading) or (is_motionless(reading) and is_at_constant(evidence))
    alone = math.isnan(evidence.reference_loss)  # a reference says how bad that is
    of_states = UNLEARNED_SHARES if (nothing or has_lost_it(reading)) and alone else state_probabilities(evidence)
    return {state: weight * share + (1 - weight) / 3 for state, share in of_states.items()}


def _numbers(evidence: HistoryEvidence) -> dict[str, Any]:
    """The losses, gaps and epochs of the verdict, in the unit of the history."""
    reading, scale = evidence.reading, evidence.reading.unit_loss
    turned = reading.turn is not None and reading.harm > 0
    return {
        "train_loss": evidence.loss(reading.train),
        "train_loss_se": scale * reading.train_error,
        "validation_loss": evidence.loss(reading.validation),
        "validation_loss_se": scale * reading.validation_error,
        "generalization_gap": evidence.sign * scale * reading.gap,
        "generalization_gap_se": scale * reading.gap_error,
        "avoidable_bias": evidence.loss(reading.train) - evidence.reference_loss,
        "avoidable_bias_se": scale * reading.train_error if math.isfinite(evidence.reference_loss) else math.nan,
        "excess_loss": evidence.loss(reading.validation) - evidence.reference_loss,
        "excess_loss_se": scale * reading.validation_error if math.isfinite(evidence.reference_loss) else math.nan,
        "best_epoch": None if reading.best is None else evidence.epoch(reading.best),
        "further_epochs_cost": scale * reading.rise,
        "further_epochs_cost_se": scale * reading.rise_error,
        "overfitting_since": evidence.epoch(reading.turn) if turned and reading.turn is not None else None,
    }
