"""What a watched run showed, in sentences; text and page share them."""

from __future__ import annotations

import math

from justfit.records import FirstFailure, OverheadFigures, WatchRecord
from justfit.report._checkup_words import SENTENCE, counted
from justfit.report._names import shown
from justfit.report._numbers import count, number, percent, probability, setting

_FIRST_SAMPLES = 5  # a run with so few was over soon after its start
_STATES = {"overfitting": "overfits", "underfitting": "underfits", "just_right": "fits just right"}


def headline(record: WatchRecord) -> str:
    """Count the findings, and say in how many steps of which network; one sentence."""
    evidence = record.evidence
    steps = max((optimizer.num_steps for optimizer in evidence.optimizers), default=0)
    network = f"{count(steps, 'step')} of {shown(evidence.module)} ({count(len(evidence.layers), 'layer')})"
    state = "" if record.finished else ", not closed"
    return f"{counted(record.findings) or 'No findings'} in {network}{state}."


def sentences(record: WatchRecord) -> tuple[str, ...]:
    """Say where it broke first, whether the network fits, and what watching cost."""
    failure = record.evidence.first_failure
    said = ("" if failure is None else failure_words(failure), fit_words(record), cost_words(record.overhead))
    return tuple(sentence for sentence in said if sentence)


def fit_words(record: WatchRecord) -> str:
    """Say whether the network fits, and which epoch was the best; empty without a validation loss."""
    verdict = record.verdict
    if verdict is None:
        return ""
    best = "" if verdict.best_epoch is None else f" Best epoch: {verdict.best_epoch} of {verdict.last_epoch}."
    said = _STATES.get(verdict.state)
    if said is None:
        return f"Whether the network fits cannot be told.{best}"
    return f"The network {said} (probability {probability(verdict.probability)}).{best}"


def failure_words(failure: FirstFailure) -> str:
    """Say where NaN, infinity or divergence came from."""
    words = {"nan": "NaN", "inf": "Infinity", "divergence": "Divergence"}[failure.cause]
    where = "after" if failure.stage == "forward" and failure.source is None else "in"
    place = f" {where} {shown(failure.layer, 100)}" if failure.layer else ""
    operation = f", operation {shown(failure.operation)}" if failure.operation else ""
    batch = "" if failure.batch < 0 else f", batch {failure.batch}"
    how = f" {shown(failure.how, SENTENCE)}" if failure.how else ""
    examples = f", {failure.named_examples}" if failure.named_examples else ""
    return f"{words} first at step {failure.step:,}, epoch {failure.epoch}{batch}{examples}{place}{operation}.{how}"


def cost_words(overhead: OverheadFigures) -> str:
    """Say what watching cost."""
    if not overhead.num_steps or math.isnan(overhead.measured_fraction):
        return "No step was watched."
    allowed = f"{setting(overhead.allowed_fraction * 100)} %"
    steps = f"{count(overhead.num_steps, 'step')} of {number(overhead.step_seconds * 1e3)} ms"
    own = number(overhead.measured_fraction * overhead.step_seconds * overhead.num_steps)
    start = " Most of it was the start, which a longer run earns back." if is_short(overhead) else ""
    return (
        f"Watching took {percent(overhead.measured_fraction)} of the loop's time (allowed {allowed}), about {own} s: "
        f"{count(overhead.num_samples, 'sample')} in {steps}.{start}"
    )


def is_short(overhead: OverheadFigures) -> bool:
    """Say whether the run ended before its first samples, which are always taken, were paid for."""
    return overhead.measured_fraction > overhead.allowed_fraction and overhead.num_samples <= _FIRST_SAMPLES
