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

# So far below a closed-form fit of the same rows, in shares of the learnable, what helped is called better, not cured.
FAR_SHORT = 0.1
# Below the best constant prediction by more than rounding and chance, in shares of the learnable.
WORSE_THAN_CONSTANT = -0.02
LIKELY_CAUSE = "The likely cause: "
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
    headline, notes = _headline(record), list(record.notes)
    if notes and notes[0] in headline:
        del notes[0]
    console.print(write(headline, "bold yellow" if _is_far_short(record) else _STYLES.get(record.state, "bold yellow")))
    for note in [note for note in notes if note.startswith(LIKELY_CAUSE)]:
        console.print(write(shown(note, SENTENCE), "bold"))
        notes.remove(note)
    for line in record.patch.splitlines():
        console.print(write(f"  {line.rstrip()}", "" if line.startswith(" ") else "bold"))
    console.print(write(_before_and_after(record)))
    if record.repeated is not None:
        console.print(write(_repeated(record.repeated)))
    print_list("What spoke for a fault", tuple(shown(r, SENTENCE) for r in record.reasons), console, write)
    if record.tried:
        console.print()
        print_table(_tried(record), console, write, narrow=(0, 3), words=(0, 1), whole=(1,))
    for note in notes:
        console.print(write(f"Note: {shown(note, SENTENCE)}"))
    console.print(write(_cost(record), "dim"))
    for finding in record.findings if verbose else ():
        console.print()
        print_found(finding, console, write, verbose=True)


def _repeated(again: TriedChange) -> str:
    gains = f"{_points(again.gain, _OVER)} more, at least {_points(again.gain_lower, _OVER)}"
    return f"With two draws of weights and batches, at epoch {setting(again.epochs)}: {gains}."


def _headline(record: CureRecord) -> str:
    name = shown(record.module)
    if record.interrupted and not record.tried:
        return f"Interrupted: nothing was tried on {name} yet."
    if record.state == "cured":
        return _of_cured(record, name)
    if record.state == "no cure found" and not record.tried and record.notes:
        return f"No cure found for {name}, and nothing was tried. {record.notes[0]}"
    words = {
        "nothing to repair": f"Nothing to repair: nothing speaks for a fault in the training of {name}.",
        "no cure found": f"No cure found for {name}: no change that was tried is proven to help.",
        "more data, not more regularization": f"{name} needs more data, not more regularization.",
        "undecided": f"Undecided: a change seems to help {name}, but not beyond its interval.",
    }
    return words[record.state]


def _of_cured(record: CureRecord, name: str) -> str:
    if not _is_far_short(record):
        return f"{name} is cured; the cause: {record.cause}."
    short = record.reference_share - max(record.share_after, 0.0)
    missing = f"still {percent(short)} of the learnable short of a closed-form fit of the same rows"
    if record.share_after < WORSE_THAN_CONSTANT:
        missing += ", and worse than the best constant prediction"
    return f"{name} is better, and {missing}. What helped: {record.cause}."


def _is_far_short(record: CureRecord) -> bool:
    """A proven change that leaves much to be learned; never where there is no reference."""
    return record.state == "cured" and record.reference_share - record.share_after > FAR_SHORT


def _before_and_after(record: CureRecord) -> str:
    before = f"Before: {_share(record.share_before)} after {setting(record.epochs_before)} epochs"
    if record.gain is None:
        return f"{before}."
    gain = record.gain
    lower = _points(gain.gain_lower, _OVER)
    at = f"{_points(gain.gain, _OVER)} more at epoch {setting(gain.epochs)}, at least {lower}"
    after = f"after: {_share(record.share_after)} after {setting(record.epochs_after)} epochs"
    return f"{before}; {after} ({at})."


def _share(value: float) -> str:
    if math.isnan(value):
        return "not known what share of the learnable"
    worse = ", worse than the best constant prediction," if value < WORSE_THAN_CONSTANT else ""
    return f"{_points(max(value, 0.0))} of the learnable{worse}"


_OVER = "over 100 %"


def _points(share: float, above: str = "> 100 %") -> str:
    """A gain in shares of the learnable: a tenth of a percent is the least that is told, and no more than all."""
    if share > 1:
        return above
    if share < -1:
        return "far worse"
    return "0 %" if abs(share) < 0.0005 else percent(share)


def _tried(record: CureRecord) -> Table:
    rows = tuple(_row(tried) for tried in record.tried)
    caption = "Gain in shares of what can be learned, against your training at the same epoch, paired by example."
    if any(tried.gain > 1 for tried in record.tried):
        caption += " It is above 100 % where your training is worse than the best constant prediction."
    return Table(caption=caption, columns=("Tried", "Cause", "Epochs", "Gain", "At least", "At most"), rows=rows)


def _row(tried: TriedChange) -> tuple[str, ...]:
    name = ("★ " if tried.chosen else "") + shown(tried.name, 160)
    if math.isnan(tried.gain):
        return (name, tried.cause, "0", "failed", "", "")
    numbers = (_points(value) for value in (tried.gain, tried.gain_lower, tried.gain_upper))
    return (name, tried.cause, setting(tried.epochs), *numbers)


def _cost(record: CureRecord) -> str:
    cost = record.cost
    return (
        f"Cost: {number(cost.trainings, 3)} of {cost.budget:g} trainings, {setting(cost.network_epochs)} epochs; "
        f"{number(cost.seconds)} s CPU time; one training takes {number(cost.training_seconds)} s."
    )
