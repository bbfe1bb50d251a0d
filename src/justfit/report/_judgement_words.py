"""What was judged of a history, in sentences; text and page share them."""

from __future__ import annotations

import math

from justfit.records import FitState, FitVerdict, History, Judgement
from justfit.report._document import Tone
from justfit.report._names import shown
from justfit.report._numbers import count, number, probability, with_se

_HEADLINES: dict[FitState, str] = {
    "overfitting": "The network overfits",
    "underfitting": "The network underfits",
    "just_right": "The network fits",
    "undecided": "Over- or underfitting cannot be told from this history",
}
_TONES: dict[FitState, Tone] = {"overfitting": "bad", "underfitting": "bad", "just_right": "good", "undecided": "open"}
_LIKELIEST = {"overfitting": "overfitting", "underfitting": "underfitting", "just_right": "just right"}
SENTENCE = 600  # most letters of a sentence that a rule wrote


def headline(judgement: Judgement) -> str:
    """Say the verdict, since when, and how sure it is; one sentence."""
    verdict, history = judgement.verdict, judgement.history
    since = ""
    if verdict.state == "overfitting" and verdict.overfitting_since is not None:
        since = f" from {shown(history.epoch_name, 40)} {verdict.overfitting_since:,} on"
    if verdict.state != "undecided":
        return f"{_HEADLINES[verdict.state]}{since} (probability {probability(verdict.probability)})."
    likeliest = max(verdict.probabilities, key=lambda state: verdict.probabilities[state])
    if verdict.probability <= 0.34:  # all three alike: nothing was judged
        return f"{_HEADLINES['undecided']}."
    return (
        f"{_HEADLINES['undecided']}: the likeliest state, {_LIKELIEST[likeliest]}, has probability "
        f"{probability(verdict.probability)}, and {probability(verdict.decision_probability)} is needed."
    )


def judgement_of(verdict: FitVerdict) -> Judgement:
    """Put a verdict beside the history it rests on, or beside an empty one where it rests on none."""
    nothing = History(epochs=(), train_loss=(), validation_loss=())
    return Judgement(history=verdict.history or nothing, verdict=verdict)


def tone(judgement: Judgement) -> Tone:
    """Bad where it does not fit or a finding says so, open where that cannot be told, good otherwise."""
    if any(finding.severity != "info" for finding in judgement.verdict.findings):
        return "bad"
    return _TONES[judgement.verdict.state]


def best_sentence(judgement: Judgement) -> str:
    """Say which epoch's network to keep and what the further epochs cost; empty where that cannot be told."""
    verdict, history = judgement.verdict, judgement.history
    name, kind = shown(history.epoch_name, 40), _kind(history)
    if verdict.best_epoch is None or verdict.last_epoch is None:
        return ""
    if verdict.best_epoch == verdict.last_epoch:
        return f"The last {name}, {verdict.last_epoch:,}, has the best validation {kind}."
    cost = with_se(verdict.further_epochs_cost, verdict.further_epochs_cost_se, unit_of(verdict))
    if not verdict.further_epochs_cost > verdict.further_epochs_cost_se:
        return (
            f"The best {name}, {verdict.best_epoch:,} of {verdict.last_epoch:,}, cannot be told from the last: the "
            f"validation {kind} differs by {cost}."
        )
    what = "costs" if history.direction == "minimize" else "loses"
    return f"Keep {name} {verdict.best_epoch:,} of {verdict.last_epoch:,}: going on {what} {cost} of validation {kind}."


def read_sentence(history: History) -> str:
    """Say where the numbers come from and which columns were taken."""
    where = f"Read from {shown(history.source, 200)}" if history.source else "Read"
    kind = f", {shown(history.kind)}" if history.kind else ""
    num = len(history.epochs)
    span = f", {history.epochs[0]:,} to {history.epochs[-1]:,}" if num > 1 else ""
    words = count(num, "entry").replace("entrys", "entries")
    return (
        f"{where}{kind}: training is {shown(history.train_name)}, validation is {shown(history.validation_name)}; "
        f"{words} by {shown(history.epoch_name, 40)}{span}."
    )


def reason_sentences(verdict: FitVerdict) -> tuple[str, ...]:
    """Why the verdict is what it is."""
    return tuple(shown(reason, SENTENCE) for reason in verdict.reasons)


def note_sentences(verdict: FitVerdict) -> tuple[str, ...]:
    """What was seen, chosen or repaired on the way."""
    return tuple(shown(note, SENTENCE) for note in verdict.notes)


def loss_rows(judgement: Judgement) -> tuple[tuple[str, str, str], ...]:
    """Write the numbers that the verdict rests on: name, value, meaning."""
    verdict, kind = judgement.verdict, _kind(judgement.history)
    measured = "at the end, smoothed" if judgement.history.epochs else "mean per example, in eval mode"
    rows = [
        (f"Train {kind}", verdict.train_loss, verdict.train_loss_se, measured),
        (f"Validation {kind}", verdict.validation_loss, verdict.validation_loss_se, measured),
        ("Generalization gap", verdict.generalization_gap, verdict.generalization_gap_se, "validation − train"),
        (
            "Further epochs",
            verdict.further_epochs_cost,
            verdict.further_epochs_cost_se,
            f"what the epochs after the best one cost in validation {kind}",
        ),
        (
            "Reference",
            verdict.reference_loss,
            math.nan,
            shown(verdict.reference_name) if verdict.reference_name else "none was given",
        ),
        ("Avoidable bias", verdict.avoidable_bias, verdict.avoidable_bias_se, "train − reference"),
        ("Constant prediction", verdict.constant_loss, math.nan, "what knowing no features costs"),
    ]
    return tuple((name, with_se(value, se), words) for name, value, se, words in rows if math.isfinite(value))


def unit_of(verdict: FitVerdict) -> str:
    """Show the unit of the losses, if there is one."""
    return shown(verdict.unit, 40) if verdict.unit else ""


def value_of(value: float, verdict: FitVerdict) -> str:
    """Write a loss with its unit."""
    unit = unit_of(verdict)
    return f"{number(value)} {unit}" if unit and math.isfinite(value) else number(value)


def _kind(history: History) -> str:
    return "loss" if history.direction == "minimize" else "score"
