"""What a sweep over any network measured and chose, in sentences and one table; text and page share them."""

from __future__ import annotations

import math
from collections import Counter

from justfit.records import CellRecord, ModuleSweepRecord
from justfit.report._checkup_words import SENTENCE
from justfit.report._document import Table
from justfit.report._names import shown
from justfit.report._numbers import count, number, percent, probability, setting, with_se

_MOST_ROWS = 8  # of the ridge: the rest is in the frame
# Share of the standard error from which on the optimism of picking an epoch is worth a sentence.
_NOTICED = 0.1
_STOPPED = {
    "not finite": "was not finite",
    "plateau": "learned nothing",
    "overfitting": "overfitted",
    "futility": "could not catch up",
}


def varying(record: ModuleSweepRecord) -> tuple[str, ...]:
    """Fields of the setting in which the cells differ, λ first."""
    fields = ("l2", "dropout", "learning_rate", "init")
    return tuple(name for name in fields if len({getattr(cell.setting, name) for cell in record.cells}) > 1)


def setting_words(record: ModuleSweepRecord, cell: CellRecord, names: tuple[str, ...] | None = None) -> str:
    """Say with what a cell was trained, as far as cells differ in it; λ always.

    Args:
        record: The sweep.
        cell: One of its cells.
        names: In what cells differ, where that is known already.
    """
    names = varying(record) if names is None else names
    words = [f"λ = {setting(cell.setting.l2)}"]
    words += [f"{n.replace('_', ' ')} {value_words(getattr(cell.setting, n))}" for n in names if n != "l2"]
    return ", ".join(words)


def value_words(value: float | str | None) -> str:
    """Write the value of a setting."""
    return "as built" if value is None else shown(value, 20) if isinstance(value, str) else setting(value)


def headline(record: ModuleSweepRecord) -> str:
    """Say with what to train and what that is worth; one sentence."""
    chosen = record.chosen_cell
    gain = with_se(record.improvement, record.improvement_se, shown(record.unit, 40))
    if record.helps:
        corner = setting_words(record, record.cells[0])
        if math.isnan(record.improvement):
            return f"Train with {setting_words(record, chosen)}: with {corner} networks did not stay finite."
        return f"Train with {setting_words(record, chosen)}: {gain} better than {corner}."
    words = setting_words(record, chosen)
    nearest = f"distinguishably better (the nearest by {gain})" if record.improvement > 0 else "better"
    return f"Keep {words}: nothing tried is {nearest}."


def sentences(record: ModuleSweepRecord) -> list[str]:
    """Say what the choice is worth, how sure it is, and what the sweep cost."""
    chosen = record.chosen_cell
    ridge = f"{len(record.ridge)} of the {count(len(record.cells), 'setting')} trained"
    judged = f"{count(record.num_folds, 'fold')}, {count(chosen.num_seeds, 'seed')}"
    said = [
        f"Validation loss {with_se(chosen.loss, chosen.loss_se, shown(record.unit, 40))} after epoch "
        f"{chosen.best_epoch} of {record.num_epochs} ({judged}, {count(record.num_examples, 'example')}).",
        f"Confidence {probability(record.confidence)} that it is as good as the best; {ridge} cannot be told from the "
        f"best (grid: {record.num_grid_cells}).",
    ]
    if record.epoch_optimism > _NOTICED * chosen.loss_se:
        optimism = number(record.epoch_optimism, 2)
        said.append(f"Picking the epoch makes this loss look better by about {optimism}.")
    stopped = Counter(cell.stopped_reason for cell in record.cells if cell.stopped_reason)
    if stopped:
        why = ", ".join(f"{number_of} {_STOPPED[reason]}" for reason, number_of in sorted(stopped.items()))
        said.append(f"Stopped early: {why}.")
    share = record.variant_epochs / record.full_variant_epochs
    said.append(
        f"{count(record.num_variants, 'network')} of {shown(record.module)} in {number(record.cpu_seconds)} CPU s, "
        f"{percent(share)} of the epochs of the whole grid; {record.tier} tier: {shown(record.tier_reason, SENTENCE)}"
    )
    return said


def ridge_table(record: ModuleSweepRecord) -> Table:
    """List the choice, what cannot be told from the best, and the least regularized setting."""
    first = [record.chosen_cell, *(cell for cell in record.ridge if cell is not record.chosen_cell)][:_MOST_ROWS]
    corner = [record.cells[0]] if all(cell is not record.cells[0] for cell in first) else []
    return Table(
        caption="The chosen setting, those that cannot be told from the best, and the least regularized one.",
        columns=("setting", "epochs", "validation loss", "minus the best", "best in resamples"),
        rows=tuple(
            (
                setting_words(record, cell),
                str(cell.best_epoch),
                with_se(cell.loss, cell.loss_se),
                with_se(cell.difference, cell.difference_se),
                percent(cell.bootstrap_share),
            )
            for cell in [*first, *corner]
        ),
    )
