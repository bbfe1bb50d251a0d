"""A watched run in a terminal: what was found and since when, whether the network fits, what watching cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from justfit.records import WatchRecord
from justfit.report._checkup_text import print_found
from justfit.report._checkup_words import SENTENCE
from justfit.report._names import shown
from justfit.report._terminal import print_list, writer
from justfit.report._watch_words import headline, sentences

if TYPE_CHECKING:
    from rich.console import Console


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
    console.print(write(headline(record), "bold yellow" if alarms else "bold green"))
    for finding in record.findings:
        console.print()
        print_found(finding, console, write, verbose=verbose)
    console.print()
    for sentence in sentences(record):
        console.print(write(sentence))
    for note in record.evidence.notes:
        console.print(write(f"Note: {shown(note, SENTENCE)}", "dim"))
    unjudged = tuple(f"{shown(rule.code, 12)}: {shown(rule.reason, SENTENCE)}" for rule in record.unjudged)
    if verbose:
        print_list("Rules that could not judge", unjudged, console, write)
