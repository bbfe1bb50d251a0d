"""Why a history was judged as it was, in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from justfit.rules._history_rule import HistoryEvidence
from justfit.rules._rule import DECISION_PROBABILITY

if TYPE_CHECKING:
    from justfit.records import FitState
    from justfit.rules._history_reading import Reading

FEWEST = 4  # epochs with a validation loss; fewer show no trend
LOST = 0.5  # of what was learned: a train loss that ends this far above its lowest has lost it again
SETTLED = 0.1  # of that rise: a train loss that moved by less in the last fifth of a history stays where it is
UNLEARNED = 4.0  # noises; a train loss that fell by less was not seen to fall
FALLING = 0.02  # of what was learned, in the last fifth of a history


def is_unlearned(reading: Reading) -> bool:
    """The train loss did not fall by more than its noise, in enough epochs to see it."""
    return reading.num_train >= FEWEST and reading.learned < UNLEARNED


def has_lost_it(reading: Reading) -> bool:
    """The train loss fell, and rose again for good, as where l2 is too large."""
    return reading.train_rise > LOST and abs(reading.train_fall) <= SETTLED * reading.train_rise


def is_astray(reading: Reading) -> bool:
    """The train loss rose again and still moves: where it will end is not known."""
    return reading.train_rise > LOST and not has_lost_it(reading) and not is_unlearned(reading)


def can_be_judged(reading: Reading) -> bool:
    """Both losses are there, and training did not end in ruin."""
    ruined = reading.diverged_from is not None or is_astray(reading)
    return reading.num_train > 0 and reading.num_validation > 0 and not ruined


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
            f"The train loss itself ends {reading.train_rise:.2g} of what was learned above its lowest value: training "
            "lost its way, so its last network is not judged."
        )
    if reading.num_validation < FEWEST:
        measured = "one epoch has" if reading.num_validation == 1 else f"{reading.num_validation} epochs have"
        return f"Only {measured} a validation loss, and a trend needs {FEWEST}."
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
        f"{reading.rise:.1%} of what was learned."
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
    if is_unlearned(reading):
        sentences.append(f"The train {kind} never got better than its own noise: nothing was learned.")
    elif has_lost_it(reading):
        lost = f"{reading.train_rise:.2g} of what was learned"
        sentences.append(f"The train {kind} ends {lost} worse than it was, and stays there: training lost what it had.")
    if math.isnan(evidence.reference_loss):
        return sentences or ([_falling(evidence)] if reading.num_validation >= FEWEST else [])
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
        return f"Both were still getting better: the last fifth of the entries brought {share:.1%} of what was learned."
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
    return tuple(notes)
