"""A sweep over any network in a terminal: the choice, how sure it is, the ridge, and what it cost."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from justfit.records import CellRecord, ModuleSweepRecord
from justfit.report._checkup_words import SENTENCE
from justfit.report._document import Table
from justfit.report._names import shown
from justfit.report._numbers import count, number, percent, probability, setting, with_se
from justfit.report._terminal import print_table, writer

if TYPE_CHECKING:
    from rich.console import Console

_MOST_ROWS = 8  # of the ridge: the rest is in the frame
# Share of the standard error from which on the optimism of picking an epoch is worth a sentence.
_NOTICED = 0.1
_STOPPED = {
    "not finite": "was not finite",
    "plateau": "learned nothing",
    "overfitting": "overfitted",
    "futility": "could not catch up",
}


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
    console.print(write(_headline(record), "bold green" if record.helps else "bold"))
    for sentence in _sentences(record):
        console.print(write(sentence))
    console.print()
    print_table(_ridge(record), console, write, narrow=(0, 1, 3), words=(0,))
    for note in record.notes:
        console.print(write(f"Note: {shown(note, SENTENCE)}", "dim"))
    if record.interrupted:
        console.print(write(f"The sweep ended early: {shown(record.interrupted, SENTENCE)}.", "yellow"))


def setting_words(record: ModuleSweepRecord, cell: CellRecord) -> str:
    """Say with what a cell was trained, as far as cells differ in it; λ always."""
    words = [f"λ = {setting(cell.setting.l2)}"]
    for name in ("dropout", "learning_rate", "init"):
        value = getattr(cell.setting, name)
        if any(getattr(other.setting, name) != value for other in record.cells):
            said = "as built" if value is None else setting(value) if isinstance(value, float) else shown(value, 20)
            words.append(f"{name.replace('_', ' ')} {said}")
    return ", ".join(words)


def _headline(record: ModuleSweepRecord) -> str:
    chosen = record.chosen_cell
    gain = with_se(record.improvement, record.improvement_se, record.unit)
    if record.helps:
        corner = setting_words(record, record.cells[0])
        if math.isnan(record.improvement):
            return f"Train with {setting_words(record, chosen)}: with {corner} networks did not stay finite."
        return f"Train with {setting_words(record, chosen)}: {gain} better than {corner}."
    words = setting_words(record, chosen)
    nearest = f"distinguishably better (the nearest by {gain})" if record.improvement > 0 else "better"
    return f"Keep {words}: nothing tried is {nearest}."


def _sentences(record: ModuleSweepRecord) -> list[str]:
    chosen = record.chosen_cell
    ridge = f"{len(record.ridge)} of the {count(len(record.cells), 'setting')} trained"
    judged = f"{count(record.num_folds, 'fold')}, {count(chosen.num_seeds, 'seed')}"
    sentences = [
        f"Validation loss {with_se(chosen.loss, chosen.loss_se, record.unit)} after epoch {chosen.best_epoch} of "
        f"{record.num_epochs} ({judged}, {count(record.num_examples, 'example')}).",
        f"Confidence {probability(record.confidence)} that it is as good as the best; {ridge} cannot be told from it "
        f"(grid: {record.num_grid_cells}).",
    ]
    if record.epoch_optimism > _NOTICED * chosen.loss_se:
        optimism = number(record.epoch_optimism, 2)
        sentences.append(f"Picking the epoch makes this loss look better by about {optimism}.")
    stopped = Counter(cell.stopped_reason for cell in record.cells if cell.stopped_reason)
    if stopped:
        why = ", ".join(f"{number_of} {_STOPPED[reason]}" for reason, number_of in sorted(stopped.items()))
        sentences.append(f"Stopped early: {why}.")
    share = record.variant_epochs / record.full_variant_epochs
    sentences.append(
        f"{count(record.num_variants, 'network')} of {shown(record.module)} in {number(record.cpu_seconds)} CPU s, "
        f"{percent(share)} of the epochs of the whole grid; {record.tier} tier: {shown(record.tier_reason, SENTENCE)}"
    )
    return sentences


def _ridge(record: ModuleSweepRecord) -> Table:
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
