"""A judged run in a terminal: the verdict, what to keep, why, the findings, and what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from justfit.records import FitVerdict, History, Judgement
from justfit.report._checkup_text import MOST_FINDINGS, TONE_STYLES, print_found
from justfit.report._judgement_words import (
    best_sentence,
    headline,
    loss_rows,
    note_sentences,
    read_sentence,
    reason_sentences,
    tone,
)
from justfit.report._terminal import writer

if TYPE_CHECKING:
    from rich.console import Console


def render_verdict_text(verdict: FitVerdict, history: History, console: Console, *, verbose: bool = False) -> None:
    """Print a fit verdict on a history for people.

    The first line is the verdict with its probability, the second the epoch to keep; then why, the findings with their
    cures, and which columns were read. Nothing in a name is taken as rich markup or as a terminal escape.

    Args:
        verdict: What was judged.
        history: What it was judged of.
        console: Where to print; rich obeys NO_COLOR, FORCE_COLOR, COLUMNS and TERM there.
        verbose: Print all numbers, all findings, why each matters and when it is wrong.

    Example:
        >>> from rich.console import Console
        >>> render_verdict_text(verdict, history, Console())  # doctest: +SKIP
    """
    judgement = Judgement(history=history, verdict=verdict)
    write = writer(console)
    console.print(write(headline(judgement), TONE_STYLES[tone(judgement)]))
    for sentence in (best_sentence(judgement), *reason_sentences(verdict)):
        if sentence:
            console.print(write(sentence))
    if verbose:
        for name, value, words in loss_rows(judgement):
            console.print(write(f"  {name}: {value} ({words})"))
    printed = verdict.findings if verbose else verdict.findings[:MOST_FINDINGS]
    for finding in printed:
        console.print()
        print_found(finding, console, write, verbose=verbose)
    if len(printed) < len(verdict.findings):
        more = len(verdict.findings) - len(printed)
        console.print(write(f"\n{more:,} more findings; verbose output has all.", "dim"))
    console.print()
    if history.epochs:
        console.print(write(read_sentence(history), "dim"))
    for note in note_sentences(verdict):
        console.print(write(f"Note: {note}", "dim"))
