"""Why a history was judged as it was, in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from justfit.rules._history_learned import (
    FEWEST,
    has_lost_it,
    is_astray,
    is_motionless,
    is_unlearned,
    of_learned,
    says_nothing,
)
from justfit.rules._history_reading import RISEN
from justfit.rules._history_rule import HistoryEvidence
from justfit.rules._rule import DECISION_PROBABILITY

if TYPE_CHECKING:
    from justfit.records import FitState

RISEN_LATE = 0.25  # of the range of a series, from the mean of its first third to that of its last
FALLING = 0.02  # of what was learned, in the last fifth of a history


def reasons_of(evidence: HistoryEvidence, state: FitState, shares: dict[str, float]) -> tuple[str, ...]:
    """Explain the verdict, most important first."""
    reading = evidence.reading
    if not reading.num_validation and not reading.num_train:
        return ("There is not one finite loss, so there is nothing to judge.",)
    if not reading.num_validation:
        return ("There is no validation loss, so overfitting cannot be judged.", *_under(evidence))
    if not reading.num_train:
        return ("There is no train loss, so neither gap nor underfitting can be judged.", *_over(evidence))
    sentences = [*_over(evidence), _gap(evidence), *_under(evidence)]
    if state == "underfitting":
        sentences = [*_under(evidence), _gap(evidence), *_over(evidence)]
    if state == "undecided":
        return (_open(evidence, shares), *sentences)
    return tuple(sentences)


def _open(evidence: HistoryEvidence, shares: dict[str, float]) -> str:
    reading, name = evidence.reading, evidence.history.epoch_name
    if reading.diverged_from is not None:
        since = evidence.epoch(reading.diverged_from)
        return f"Training ends in NaN or infinity from {name} {since} on, so its last network is not judged."
    if is_astray(reading):
        return (
            f"The train loss itself ends above its lowest value, by {of_learned(reading.train_rise)}: training lost "
            "its way, so its last network is not judged."
        )
    if reading.num_validation < FEWEST:
        measured = "one epoch has" if reading.num_validation == 1 else f"{reading.num_validation} epochs have"
        return f"Only {measured} a validation loss, and a trend needs {FEWEST}."
    if says_nothing(evidence):
        late = "nothing was learned, or the log begins after the learning"
        if is_motionless(reading):
            return f"The losses moved by only {100 * reading.moved:.2g} % of the first one: {late}."
        return f"The train {evidence.words[0]} never got better than its own noise: {late}."
    if shares["overfitting"] < 1 - DECISION_PROBABILITY and math.isnan(evidence.reference_loss):
        return (
            f"It does not overfit ({shares['overfitting']:.2f}); whether it underfits ({shares['underfitting']:.2f}) "
            f"or is just right ({shares['just_right']:.2f}) cannot be told without a reference."
        )
    listed = ", ".join(f"{state.replace('_', ' ')} {share:.2f}" for state, share in shares.items())
    return f"No state reaches probability {DECISION_PROBABILITY}: {listed}."


def _over(evidence: HistoryEvidence) -> list[str]:
    reading, name = evidence.reading, evidence.history.epoch_name
    kind, _ = evidence.words
    if reading.best is None:
        return []
    best, last = evidence.epoch(reading.best), evidence.history.epochs[(reading.diverged_from or 0) - 1]
    if reading.rise <= reading.rise_error:
        return [f"The validation {kind} is within its noise as good at the end as it ever was."]
    amount = _amount(evidence, reading.rise, reading.rise_error)
    return [
        f"The validation {kind} became worse again after {name} {best}: by {amount} until {name} {last}, "
        f"{of_learned(reading.rise)}."
    ]


def _gap(evidence: HistoryEvidence) -> str:
    reading = evidence.reading
    kind, _ = evidence.words
    side = "above" if (reading.gap > 0) == (kind == "loss") else "below"
    amount = _amount(evidence, abs(reading.gap), reading.gap_error)
    return f"At the end the validation {kind} is {amount} {side} the train {kind}."


def _under(evidence: HistoryEvidence) -> list[str]:
    reading = evidence.reading
    kind, reference = evidence.words
    if not reading.num_train:
        return []
    sentences = []
    if is_unlearned(reading) and not says_nothing(evidence):
        sentences.append(f"The train {kind} never got better than its own noise: nothing was learned.")
    elif has_lost_it(reading):
        sentences.append(
            f"The train {kind} ends worse than it was, by {of_learned(reading.train_rise)}, and stays there: training "
            "lost what it had."
        )
    if math.isnan(evidence.reference_loss):
        tells = reading.num_validation >= FEWEST and reading.diverged_from is None and not says_nothing(evidence)
        return sentences or ([_falling(evidence)] if tells else [])
    side = "worse" if evidence.bias > 0 else "better"
    amount = _amount(evidence, abs(evidence.bias) * evidence.learnable / reading.unit_loss, reading.train_error)
    sentences.append(
        f"The {kind} on its own training rows is {amount} {side} than what {reference} reaches on unseen rows "
        f"({evidence.reference_loss:.3g})."
    )
    return sentences


def _falling(evidence: HistoryEvidence) -> str:
    reading = evidence.reading
    kind, _ = evidence.words
    share = max(0.0, min(reading.train_fall, reading.validation_fall))
    if share >= FALLING:
        return f"Both were still getting better: the last fifth of the entries brought {of_learned(share)}."
    return f"Neither {kind} was still getting better by much, which without a reference is all that tells underfitting."


def _amount(evidence: HistoryEvidence, share: float, error: float) -> str:
    scale = evidence.reading.unit_loss
    words = f"{share * scale:.3g} ± {error * scale:.2g}"
    return f"{words} {evidence.unit}" if evidence.unit else words


def notes_of(evidence: HistoryEvidence) -> tuple[str, ...]:
    """Say what was seen of the history that decides nothing by itself."""
    history, reading = evidence.history, evidence.reading
    total, notes = len(history.epochs), list(history.notes)
    for kind, number in (("train", reading.num_train), ("validation", reading.num_validation)):
        if 0 < number < total:
            notes.append(f"{number} of {total} entries have a {kind} loss.")
    if reading.num_spikes:
        notes.append(f"{reading.num_spikes} of the losses stand out alone and were set aside.")
    if reading.restarts > 1:
        notes.append(f"The train loss jumped up and came back {reading.restarts} times, as with warm restarts.")
    if reading.falls_again:
        notes.append(
            f"After {history.epoch_name} {evidence.epoch(reading.best or 0)} the validation loss rose and fell a "
            f"second time (double descent, or a restart): {reading.recovered:.0%} of the rise is gone again."
        )
    if reading.num_train and reading.num_validation and math.isnan(evidence.reference_loss):
        notes.append(
            "Without a reference (`reference_loss`), underfitting shows only where the losses still fall or never fell."
        )
    if _look_like_scores(evidence):
        notes.append("Both series rise within 0 and 1: if these are scores, pass `direction='maximize'`.")
    return tuple(notes)


def _look_like_scores(evidence: HistoryEvidence) -> bool:
    """Two series that were called losses lie in 0 to 1 and rise together, from their lowest part to their highest."""
    history = evidence.history
    if history.direction == "maximize":
        return False
    for series in (history.train_loss, history.validation_loss):
        known = [value for value in series if math.isfinite(value)]
        if len(known) < FEWEST or min(known) < 0 or max(known) > 1:
            return False
        third = max(1, len(known) // 3)
        first, last = sum(known[:third]) / third, sum(known[-third:]) / third
        if last - first < RISEN_LATE * (max(known) - min(known)) or last - first < RISEN:
            return False
    return True
