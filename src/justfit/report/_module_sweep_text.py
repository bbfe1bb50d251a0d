"""A sweep over any network in a terminal: the choice, how sure it is, the ridge, and what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from justfit.records import ModuleSweepRecord
from justfit.report._checkup_words import SENTENCE
from justfit.report._module_sweep_words import headline, ridge_table, sentences
from justfit.report._names import shown
from justfit.report._terminal import print_table, writer

if TYPE_CHECKING:
    from rich.console import Console


def render_module_sweep_text(record: ModuleSweepRecord, console: Console) -> None:
    """Print a sweep for people.

    Args:
        record: What was measured and chosen.
        console: Where to print; rich obeys NO_COLOR, FORCE_COLOR, COLUMNS and TERM there.

    Example:
        >>> from rich.console import Console
        >>> render_module_sweep_text(record, Console())  # doctest: +SKIP
    """
    write = writer(console)
    console.print(write(headline(record), "bold green" if record.helps else "bold"))
    for sentence in sentences(record):
        console.print(write(sentence))
    console.print()
    print_table(ridge_table(record), console, write, narrow=(0, 1, 3), words=(0,))
    for note in record.notes:
        console.print(write(f"Note: {shown(note, SENTENCE)}", "dim"))
    if record.interrupted:
        console.print(write(f"The sweep ended early: {shown(record.interrupted, SENTENCE)}.", "yellow"))
