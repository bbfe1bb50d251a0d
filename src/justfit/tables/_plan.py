"""Looking at the training rows once, to decide what becomes of each column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from justfit.errors import ColumnError
from justfit.tables._columns import Column, as_numbers, is_text, kind_of
from justfit.tables._nearest import list_names
from justfit.tables._text import parse_numbers

MAX_CATEGORIES = 30  # features that one column of words may become
MIN_CATEGORY_ROWS = 5  # rarer words share one feature
MAX_DISTINCT_SHARE = 0.5  # a column of words with more different ones is an identifier
MIN_DISTINCT_NUMBERS = 10  # text with fewer different numbers is a code
MAX_ODD_SHARE = 0.05  # share of entries that may be no numbers …
MAX_ODD_WORDS = 3  # … unless they are these few words for "unknown", up to half the entries
MIN_COUNTER_ROWS = 50
ROW_NUMBER_NAME = re.compile(r"(?i:(^|[\W_])(id|idx|index|row|nr|no|unnamed)($|[\W_\d]))|[a-z](Id|ID)$")
MIN_RELATIVE_SPREAD = 1e-10  # below, scikit-learn's StandardScaler takes a column for constant


@dataclass(frozen=True)
class Plan:
    """What becomes of each column: kept ones, and (name, reason) of the others."""

    columns: tuple[Column, ...]
    dropped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def plan_columns(frame: pl.DataFrame, sample: pl.DataFrame, names: Sequence[str]) -> Plan:
    """Decide what becomes of each column.

    Args:
        frame: All training rows; only where values are missing is read from all of them.
        sample: Some of the same rows, in their order.
        names: The columns to decide on.

    Raises:
        ColumnError: None is left, or a number is infinite.
    """
    columns: list[Column] = []
    dropped: list[tuple[str, str]] = []
    notes: list[str] = []
    for name in names:
        decided = _decide(frame[name], sample[name], notes)
        if isinstance(decided, Column):
            columns.append(decided)
        else:
            dropped.append((name, decided))
    if not columns:
        reasons = "; ".join(f"`{name}` ({reason})" for name, reason in dropped[:8])
        raise ColumnError(
            "At least one column must tell the rows apart.",
            found=f"none that is usable: {reasons}" if dropped else "no column beside the target",
            way_out="Add columns of numbers, dates or categories.",
        )
    marked = [column.name for column in columns if column.is_marked]
    if marked:
        notes.append(f"Missing numbers are filled with the median and marked, in {list_names(marked)}.")
    return Plan(tuple(columns), tuple(dropped), tuple(notes))


def _decide(series: pl.Series, sample: pl.Series, notes: list[str]) -> Column | str:
    """Return how a column becomes features, or the reason why it does not."""
    kind = kind_of(series.dtype)
    if kind is None and series.dtype != pl.Null:
        return f"its values are of type {series.dtype}"
    if series.null_count() == series.len():
        return "it has no values"
    column = Column(name=series.name, kind=kind or "number")
    if column.is_category:
        if is_text(series.dtype) and _is_number_text(sample.cast(pl.String), notes):
            return _decide_numbers(series, sample, replace(column, kind="number_text"))
        return _decide_words(sample, column)
    return _decide_numbers(series, sample, column)


def _decide_numbers(series: pl.Series, sample: pl.Series, column: Column) -> Column | str:
    values = as_numbers(series, column)
    column = replace(column, is_marked=values.null_count() > 0)
    present = (values if sample is series else as_numbers(sample, column)).drop_nulls()
    if not present.len():
        return "it has no values"
    if present.min() == present.max():
        if sample.drop_nulls().n_unique() > 1:
            return "its values differ only in digits that a 64-bit float cannot hold"
        return replace(column, is_filled=False) if column.is_marked else "it is constant"
    numbers = present.to_numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = float(numbers.mean()), float(numbers.std())
    if not np.isfinite([mean, spread]).all():
        raise ColumnError(
            "Every column of numbers must have a variance that a 64-bit float can hold.",
            found=f"values up to {np.abs(numbers).max():.3g} in `{series.name}`",
            way_out="Divide the column by a large constant, or take its logarithm.",
        )
    if spread < MIN_RELATIVE_SPREAD * abs(mean):
        return "its values differ only after the tenth digit; subtract what they share to keep it"
    if series.dtype.is_integer() and ROW_NUMBER_NAME.search(series.name) and _counts_rows(series):
        return "it counts the rows"
    return column


def _decide_words(sample: pl.Series, column: Column) -> Column | str:
    counts = sample.value_counts(name="rows")["rows"]  # a missing value counts as one more word
    if counts.len() < 2:
        return "it is constant"
    num_present = sample.len() - sample.null_count()
    num_words = counts.len() - (1 if sample.null_count() else 0)
    if num_words > MAX_CATEGORIES and num_words > MAX_DISTINCT_SHARE * num_present:
        return f"it has {num_words} different values in {num_present} rows, as an identifier or free text has"
    if (counts >= MIN_CATEGORY_ROWS).sum() == 0:
        return f"none of its {num_words} values occurs in {MIN_CATEGORY_ROWS} rows or more"
    return column


def _is_number_text(text: pl.Series, notes: list[str]) -> bool:
    """Whether a column of text means numbers, with a few entries that are none."""
    present = text.drop_nulls()
    numbers = parse_numbers(present)
    odd = present.filter(numbers.is_null())
    if numbers.drop_nulls().n_unique() < MIN_DISTINCT_NUMBERS:
        return False
    share = odd.len() / present.len()
    few_words = odd.n_unique() <= MAX_ODD_WORDS and share <= 0.5
    if share > MAX_ODD_SHARE and not few_words:
        return False
    if odd.len():
        notes.append(f"`{text.name}` holds numbers; entries such as `{odd[0]}` count as missing.")
    return True


def _counts_rows(series: pl.Series) -> bool:
    """Whether whole numbers only rise from row to row with few gaps, as row numbers of a sorted subset do.

    A row number is no property of what the row describes, and where the rows are sorted by class it gives the class
    away on these rows and on no others. The name is asked too: time may be written as 1, 2, 3, … just as well.
    """
    steps = series.cast(pl.Int64, strict=False).diff().drop_nulls().to_numpy()
    if series.len() < MIN_COUNTER_ROWS or steps.size < series.len() - 1:
        return False
    return bool((steps > 0).all() and steps.mean() <= 2.0)
