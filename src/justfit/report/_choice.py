"""The choice in words: which λ and dropout, how sure that is, what it is worth."""

from __future__ import annotations

import math

from justfit.records import SweepRecord
from justfit.report._document import Section
from justfit.report._names import shown
from justfit.report._numbers import count, number, probability, setting, with_se, with_unit
from justfit.report._verdict import loss_unit

DIVERGED = "diverged"


def cell_name(l2: float, dropout: float) -> str:
    """Name a cell of the sweep."""
    return f"λ = {setting(l2)}, dropout = {setting(dropout)}"


def choice_sentences(record: SweepRecord) -> tuple[str, ...]:
    """Say what was chosen, what the data cannot tell apart from it, and what it is worth."""
    unit = loss_unit(record.unit)
    worth = with_se(record.improvement, record.improvement_se, unit)
    chosen = cell_name(record.chosen_l2, record.chosen_dropout)
    sure = (
        "The probability that this choice is as good as the best cell, to within one standard error of their "
        f"difference, is {probability(record.confidence)}. " + _ridge_sentence(record)
    )
    i, j = record.chosen
    if not math.isfinite(record.improvement):
        loss = with_unit(number(record.validation_loss[i][j]), unit)
        return f"Use {chosen}: validation loss there is {loss}; without regularization it could not be measured.", sure
    if record.helps:
        change = (
            f"from {number(record.validation_loss[0][0])} to {with_unit(number(record.validation_loss[i][j]), unit)}"
        )
        return f"Use {chosen}: validation loss falls by {worth}, {change}.", sure
    kept = cell_name(record.l2[0], record.dropout[0])
    return (
        f"No tried λ and dropout is distinguishably better, so {kept} is kept: the best candidate gains {worth}.",
        sure,
    )


def _ridge_sentence(record: SweepRecord) -> str:
    size = sum(sum(row) for row in record.ridge)
    cells = len(record.l2) * len(record.dropout)
    if size == 1:
        return f"None of the other {cells - 1} cells is within one standard error of the best."
    return (
        f"{size} of {cells} cells cannot be told from the best; they lie at λ {_interval(record.l2_interval)} and "
        f"dropout {_interval(record.dropout_interval)}."
    )


def rule_section(record: SweepRecord) -> Section:
    """Say by which rule the cell was chosen, and on how much evidence."""
    evidence = (
        f"{count(record.num_variants, 'network')} were trained: {count(len(record.l2), 'λ value')} × "
        f"{count(len(record.dropout), 'dropout')} × {count(record.num_folds, 'fold')} × "
        f"{count(record.num_seeds, 'seed')}, {count(record.num_epochs, 'epoch')} each, judged on "
        f"{count(record.num_examples, 'held-out example')}."
    )
    return Section(key="rule", heading="How the choice was made", sentences=(shown(record.rule, 400), evidence))


def _interval(interval: tuple[float, float]) -> str:
    low, high = (setting(value) for value in interval)
    return f"= {low}" if low == high else f"from {low} to {high}"
