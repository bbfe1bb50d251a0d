"""A repair in a terminal: what came of it, the patch, before and after, and what was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from justfit.records import CureRecord
from justfit.report._checkup_text import print_found
from justfit.report._checkup_words import SENTENCE
from justfit.report._cure_words import (
    LIKELY_CAUSE,
    before_and_after,
    code_line,
    cost_words,
    headline,
    is_far_short,
    repeated_words,
    tried_table,
)
from justfit.report._names import shown
from justfit.report._terminal import print_list, print_table, writer

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {"cured": "bold green", "nothing to repair": "bold green"}


def render_cure_text(record: CureRecord, console: Console, *, verbose: bool = False) -> None:
    """Print a repair for people.

    Args:
        record: What was found out.
        console: Where to print; rich obeys NO_COLOR, FORCE_COLOR, COLUMNS and TERM there.
        verbose: Print every finding as well.

    Example:
        >>> from rich.console import Console
        >>> render_cure_text(cure.record, Console())  # doctest: +SKIP
    """
    write = writer(console)
    said, notes = headline(record), list(record.notes)
    if notes and notes[0] in said:
        del notes[0]
    console.print(write(said, "bold yellow" if is_far_short(record) else _STYLES.get(record.state, "bold yellow")))
    for note in [note for note in notes if note.startswith(LIKELY_CAUSE)]:
        console.print(write(shown(note, SENTENCE), "bold"))
        notes.remove(note)
    for line in record.patch.splitlines():
        console.print(write(f"  {code_line(line)}".rstrip(), "" if line.startswith(" ") else "bold"))
    console.print(write(before_and_after(record)))
    if record.repeated is not None:
        console.print(write(repeated_words(record.repeated)))
    print_list("What spoke for a fault", tuple(shown(r, SENTENCE) for r in record.reasons), console, write)
    if record.tried:
        console.print()
        print_table(tried_table(record), console, write, narrow=(0, 3), words=(0, 1), whole=(1,))
    for note in notes:
        console.print(write(f"Note: {shown(note, SENTENCE)}"))
    console.print(write(cost_words(record), "dim"))
    for finding in record.findings if verbose else ():
        console.print()
        print_found(finding, console, write, verbose=True)
