"""A watched run in a terminal: what was found and since when, whether the network fits, what watching cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from justfit.records import FirstFailure, OverheadFigures, WatchRecord
from justfit.report._checkup_text import print_found
from justfit.report._checkup_words import SENTENCE, counted
from justfit.report._names import shown
from justfit.report._numbers import count, number, percent, probability, setting
from justfit.report._terminal import print_list, writer

if TYPE_CHECKING:
    from rich.console import Console

_FIRST_SAMPLES = 5  # a run with so few was over soon after its start
_STATES = {"overfitting": "overfits", "underfitting": "underfits", "just_right": "fits just right"}


def render_watch_text(record: WatchRecord, console: Console, *, verbose: bool = False) -> None:
    """Print a watched run for people.

    Args:
        record: What was measured and found.
        console: Where to print; rich obeys NO_COLOR, FORCE_COLOR, COLUMNS and TERM there.
        verbose: Print why each finding matters and when it is wrong, and why which rules could not judge.

    Example:
        >>> from rich.console import Console
        >>> render_watch_text(record, Console())  # doctest: +SKIP
    """
    write = writer(console)
    alarms = any(finding.severity != "info" for finding in record.findings)
    console.print(write(_headline(record), "bold yellow" if alarms else "bold green"))
    for finding in record.findings:
        console.print()
        print_found(finding, console, write, verbose=verbose)
    console.print()
    for sentence in _sentences(record):
        console.print(write(sentence))
    for note in record.evidence.notes:
        console.print(write(f"Note: {shown(note, SENTENCE)}", "dim"))
    unjudged = tuple(f"{shown(rule.code, 12)}: {shown(rule.reason, SENTENCE)}" for rule in record.unjudged)
    if verbose:
        print_list("Rules that could not judge", unjudged, console, write)


def _headline(record: WatchRecord) -> str:
    evidence = record.evidence
    steps = max((optimizer.num_steps for optimizer in evidence.optimizers), default=0)
    network = f"{count(steps, 'step')} of {shown(evidence.module)} ({count(len(evidence.layers), 'layer')})"
    state = "" if record.finished else ", not closed"
    return f"{counted(record.findings) or 'No findings'} in {network}{state}."


def _sentences(record: WatchRecord) -> list[str]:
    sentences = []
    if record.evidence.first_failure is not None:
        sentences.append(_failure(record.evidence.first_failure))
    if record.verdict is not None:
        verdict = record.verdict
        sure = f"(probability {probability(verdict.probability)})"
        best = "" if verdict.best_epoch is None else f" Best epoch: {verdict.best_epoch} of {verdict.last_epoch}."
        said = _STATES.get(verdict.state)
        sentences.append(
            f"Whether the network fits cannot be told.{best}" if said is None else f"The network {said} {sure}.{best}"
        )
    sentences.append(_cost(record.overhead))
    return sentences


def _failure(failure: FirstFailure) -> str:
    words = {"nan": "NaN", "inf": "Infinity", "divergence": "Divergence"}[failure.cause]
    where = "after" if failure.stage == "forward" and failure.source is None else "in"
    place = f" {where} {shown(failure.layer, 100)}" if failure.layer else ""
    operation = f", operation {shown(failure.operation)}" if failure.operation else ""
    batch = "" if failure.batch < 0 else f", batch {failure.batch}"
    how = f" {shown(failure.how, SENTENCE)}" if failure.how else ""
    examples = f", {failure.named_examples}" if failure.named_examples else ""
    return f"{words} first at step {failure.step:,}, epoch {failure.epoch}{batch}{examples}{place}{operation}.{how}"


def _cost(overhead: OverheadFigures) -> str:
    if not overhead.num_steps or math.isnan(overhead.measured_fraction):
        return "No step was watched."
    allowed = f"{setting(overhead.allowed_fraction * 100)} %"
    steps = f"{count(overhead.num_steps, 'step')} of {number(overhead.step_seconds * 1e3)} ms"
    own = number(overhead.measured_fraction * overhead.step_seconds * overhead.num_steps)
    start = " Most of it was the start, which a longer run earns back." if _is_short(overhead) else ""
    return (
        f"Watching took {percent(overhead.measured_fraction)} of the loop's time (allowed {allowed}), about {own} s: "
        f"{count(overhead.num_samples, 'sample')} in {steps}.{start}"
    )


def _is_short(overhead: OverheadFigures) -> bool:
    """Say whether the run ended before its first samples, which are always taken, were paid for."""
    return overhead.measured_fraction > overhead.allowed_fraction and overhead.num_samples <= _FIRST_SAMPLES
