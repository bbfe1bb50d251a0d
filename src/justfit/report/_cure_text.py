"""A repair in a terminal: what came of it, the patch, before and after, and what was tried."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from justfit.records import CureRecord, TriedChange
from justfit.report._checkup_text import print_found
from justfit.report._checkup_words import SENTENCE
from justfit.report._document import Table
from justfit.report._names import shown
from justfit.report._numbers import number, percent, setting
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
    console.print(write(_headline(record), _STYLES.get(record.state, "bold yellow")))
    for line in record.patch.splitlines():
        console.print(write(f"  {line.rstrip()}", "" if line.startswith(" ") else "bold"))
    console.print(write(_before_and_after(record)))
    if record.repeated is not None:
        console.print(write(_repeated(record.repeated)))
    print_list("What spoke for a fault", tuple(shown(r, SENTENCE) for r in record.reasons), console, write)
    if record.tried:
        console.print()
        print_table(_tried(record), console, write, narrow=(0, 3), words=(0, 1))
    for note in record.notes:
        console.print(write(f"Note: {shown(note, SENTENCE)}"))
    console.print(write(_cost(record), "dim"))
    for finding in record.findings if verbose else ():
        console.print()
        print_found(finding, console, write, verbose=True)


def _repeated(again: TriedChange) -> str:
    gains = f"{_share(again.gain)} more, at least {_share(again.gain_lower)}"
    return f"With two draws of weights and batches, at epoch {number(again.epochs, 3)}: {gains}."


def _headline(record: CureRecord) -> str:
    name = shown(record.module)
    if record.interrupted and not record.tried:
        return f"Interrupted: nothing was tried on {name} yet."
    if record.state == "cured":
        return f"{name} is cured; the cause: {record.cause}."
    if record.state == "no cure found" and not record.tried:
        return f"No cure for {name}: it is the data, see the note; nothing was tried."
    words = {
        "nothing to repair": f"Nothing to repair: nothing speaks for a fault in the training of {name}.",
        "no cure found": f"No cure found for {name}: no change that was tried is proven to help.",
        "more data, not more regularization": f"{name} needs more data, not more regularization.",
        "undecided": f"Undecided: a change seems to help {name}, but not beyond its interval.",
    }
    return words[record.state]


def _before_and_after(record: CureRecord) -> str:
    before = f"Before: {_share(record.share_before)} of the learnable after {setting(record.epochs_before)} epochs"
    if record.gain is None:
        return f"{before}."
    gain = record.gain
    at = f"{_share(gain.gain)} more at epoch {number(gain.epochs, 3)}, at least {_share(gain.gain_lower)}"
    after = f"after: {_share(record.share_after)} after {setting(record.epochs_after)} epochs"
    return f"{before}; {after} ({at})."


def _share(value: float) -> str:
    return "not known" if math.isnan(value) else percent(max(value, 0.0))


def _tried(record: CureRecord) -> Table:
    rows = tuple(_row(tried) for tried in record.tried)
    caption = "Gain in shares of what can be learned, against your training at the same epoch, paired by example."
    return Table(caption=caption, columns=("Tried", "Cause", "Epochs", "Gain", "At least", "At most"), rows=rows)


def _row(tried: TriedChange) -> tuple[str, ...]:
    name = ("★ " if tried.chosen else "") + shown(tried.name, 80)
    if math.isnan(tried.gain):
        return (name, tried.cause, "0", "failed", "", "")
    numbers = (number(100 * value, 3) + " %" for value in (tried.gain, tried.gain_lower, tried.gain_upper))
    return (name, tried.cause, number(tried.epochs, 3), *numbers)


def _cost(record: CureRecord) -> str:
    cost = record.cost
    return (
        f"Cost: {number(cost.trainings, 3)} of {cost.budget:g} trainings, {setting(cost.network_epochs)} epochs; "
        f"{number(cost.seconds)} s CPU time; one training takes {number(cost.training_seconds)} s."
    )
