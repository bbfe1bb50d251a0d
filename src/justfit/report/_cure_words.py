"""What a repair found out, in sentences and one table; text and page share them."""

from __future__ import annotations

import math

from justfit.records import CureRecord, TriedChange
from justfit.report._document import Table
from justfit.report._names import shown
from justfit.report._numbers import number, percent, setting

# So far below a closed-form fit of the same rows, in shares of the learnable, what helped is called better, not cured.
FAR_SHORT = 0.1
# Below the best constant prediction by more than rounding and chance, in shares of the learnable.
WORSE_THAN_CONSTANT = -0.02
LIKELY_CAUSE = "The likely cause: "
_OVER = "over 100 %"


def repeated_words(again: TriedChange) -> str:
    """Say what the cure gained with other draws of weights and batches."""
    gains = f"{points(again.gain, _OVER)} more, at least {points(again.gain_lower, _OVER)}"
    return f"With two draws of weights and batches, at epoch {setting(again.epochs)}: {gains}."


def headline(record: CureRecord) -> str:
    """Say what came of the repair, in one sentence or two."""
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
    if not is_far_short(record):
        return f"{name} is cured; the cause: {record.cause}."
    short = record.reference_share - max(record.share_after, 0.0)
    missing = f"still {percent(short)} of the learnable short of a closed-form fit of the same rows"
    if record.share_after < WORSE_THAN_CONSTANT:
        missing += ", and worse than the best constant prediction"
    return f"{name} is better, and {missing}. What helped: {record.cause}."


def is_far_short(record: CureRecord) -> bool:
    """A proven change that leaves much to be learned; never where there is no reference."""
    return record.state == "cured" and record.reference_share - record.share_after > FAR_SHORT


def before_and_after(record: CureRecord) -> str:
    """Say what share of the learnable the user's training and the cured one learned."""
    before = f"Before: {_share(record.share_before)} after {setting(record.epochs_before)} epochs"
    if record.gain is None:
        return f"{before}."
    gain = record.gain
    lower = points(gain.gain_lower, _OVER)
    at = f"{points(gain.gain, _OVER)} more at epoch {setting(gain.epochs)}, at least {lower}"
    after = f"after: {_share(record.share_after)} after {setting(record.epochs_after)} epochs"
    return f"{before}; {after} ({at})."


def _share(value: float) -> str:
    if math.isnan(value):
        return "not known what share of the learnable"
    worse = ", worse than the best constant prediction," if value < WORSE_THAN_CONSTANT else ""
    return f"{points(max(value, 0.0))} of the learnable{worse}"


def points(share: float, above: str = "> 100 %") -> str:
    """A gain in shares of the learnable: a tenth of a percent is the least that is told, and no more than all."""
    if share > 1:
        return above
    if share < -1:
        return "far worse"
    return "0 %" if abs(share) < 0.0005 else percent(share)


def code_line(line: str) -> str:
    """Make one line of a patch safe to show, with its indentation."""
    indent = len(line) - len(line.lstrip(" "))
    return " " * min(indent, 40) + shown(line, 300) if line.strip() else ""


def tried_table(record: CureRecord) -> Table:
    """List every change that was tried, with its interval."""
    rows = tuple(_row(tried) for tried in record.tried)
    caption = "Gain in shares of what can be learned, against your training at the same epoch, paired by example."
    if any(tried.gain > 1 for tried in record.tried):
        caption += " It is above 100 % where your training is worse than the best constant prediction."
    return Table(caption=caption, columns=("Tried", "Cause", "Epochs", "Gain", "At least", "At most"), rows=rows)


def _row(tried: TriedChange) -> tuple[str, ...]:
    name = ("★ " if tried.chosen else "") + shown(tried.name, 160)
    if math.isnan(tried.gain):
        return (name, tried.cause, "0", "failed", "", "")
    numbers = (points(value) for value in (tried.gain, tried.gain_lower, tried.gain_upper))
    return (name, tried.cause, setting(tried.epochs), *numbers)


def cost_words(record: CureRecord) -> str:
    """Say what the repair cost."""
    cost = record.cost
    return (
        f"Cost: {number(cost.trainings, 3)} of {cost.budget:g} trainings, {setting(cost.network_epochs)} epochs; "
        f"{number(cost.seconds)} s CPU time; one training takes {number(cost.training_seconds)} s."
    )
