"""Which two columns of a table the playground shows: those asked for, or those that tell the classes apart."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from justfit.errors import ColumnError
from justfit.report import shown

ALIKE = 0.9  # rank correlation from which on a second column shows little that the first does not
RANKED_ROWS = 5_000  # from which columns are chosen
MOST_LISTED = 12

_HOW = "`justfit lab --serve --columns A,B` shows others."
_CONTRACT = "The playground shows two numeric columns besides the target."


def choose_columns(
    frame: pl.DataFrame, target: str, labels: NDArray[np.int64], asked: Sequence[str] | None
) -> tuple[str, str, str]:
    """Choose the two columns.

    Args:
        frame: The labelled rows.
        target: The column to predict.
        labels: [n] 0 or 1.
        asked: The two that the user named, if any.

    Returns:
        The column across, the column up, and one sentence: why these, and how to see others.

    Raises:
        ColumnError: There are not two, or what was asked for is not two numeric columns besides the target.
    """
    numeric = [name for name in frame.columns if name != target and _is_numeric(frame[name])]
    if asked is not None:
        first, second = _require_two(list(asked), numeric, frame.columns, target)
        return first, second, f"Shown are `{shown(first)}` and `{shown(second)}`, as asked; {_HOW}"
    if len(numeric) < 2:
        raise ColumnError(
            _CONTRACT,
            found=f"the only one `{shown(numeric[0])}`" if numeric else "none",
            way_out="Give a table with at least two, or play with a shape: leave out `--data`.",
        )
    first, second = _most_telling(frame, labels, numeric)
    words = f"`{shown(first)}` and `{shown(second)}`"
    if len(numeric) == 2:
        return first, second, f"Shown are {words}, the only numeric columns."
    return first, second, f"Of {len(numeric)} numeric columns, {words} tell the classes apart best; {_HOW}"


def numbers_of(values: pl.Series) -> NDArray[np.float64]:
    """Give a column as float64; missing values become NaN."""
    numbers: NDArray[np.float64] = values.cast(pl.Float64).to_numpy()
    return numbers


def _require_two(asked: list[str], numeric: list[str], columns: list[str], target: str) -> tuple[str, str]:
    for name in asked:
        if name not in numeric:
            found, way_out = _wrong(name, numeric, columns, target)
            raise ColumnError(_CONTRACT, found=found, way_out=way_out)
    if len(asked) != 2 or asked[0] == asked[1]:
        named = ", ".join(f"`{shown(name)}`" for name in asked[:3]) + (", …" if len(asked) > 3 else "")
        raise ColumnError(
            _CONTRACT,
            found=f"`{shown(asked[0])}` twice" if len(asked) == 2 else f"{len(asked)}: {named}" if asked else "none",
            way_out=f"Name two, like `--columns A,B`. {_listed(numeric)}",
        )
    return asked[0], asked[1]


def _wrong(name: str, numeric: list[str], columns: list[str], target: str) -> tuple[str, str]:
    """What is wrong with a column that cannot be shown, and the way out."""
    told = f"`{shown(name)}`"
    if name == target:
        return f"{told}, which is the target", f"Name another. {_listed(numeric)}"
    if name in columns:
        return f"{told}, which is not numeric or always the same", f"Name another. {_listed(numeric)}"
    lower = {column.lower(): column for column in numeric}
    near = get_close_matches(name.lower(), lower, n=1)
    meant = f"Did you mean `{shown(lower[near[0]])}`? " if near else ""
    return f"{told}, which the table does not have", meant + _listed(numeric)


def _listed(numeric: list[str]) -> str:
    if not numeric:
        return "The table has no numeric columns."
    more = f", … ({len(numeric)} in all)" if len(numeric) > MOST_LISTED else ""
    return f"The numeric columns are {', '.join(f'`{shown(name)}`' for name in numeric[:MOST_LISTED])}{more}."


def _most_telling(frame: pl.DataFrame, labels: NDArray[np.int64], numeric: list[str]) -> tuple[str, str]:
    """The column whose ranks tell the classes apart best, and the next best that is not nearly the same."""
    rows = np.linspace(0, frame.height - 1, min(frame.height, RANKED_ROWS)).astype(int)  # tables often come sorted
    ranks = {name: _ranks(numbers_of(frame[name])[rows]) for name in numeric}
    told = {name: abs(_correlation(values, labels[rows])) for name, values in ranks.items()}
    best, *others = sorted(numeric, key=lambda name: -told[name]) if len(numeric) > 2 else numeric
    return best, next((name for name in others if abs(_correlation(ranks[best], ranks[name])) < ALIKE), others[0])


def _is_numeric(values: pl.Series) -> bool:
    return values.dtype.is_numeric() and values.n_unique() > 1


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks, ties by their mean; a missing value takes the middle."""
    from scipy.stats import rankdata

    known = np.isfinite(values)
    ranks = np.full(len(values), (known.sum() + 1) / 2.0)
    ranks[known] = rankdata(values[known])
    return ranks


def _correlation(first: NDArray[np.float64], second: NDArray[Any]) -> float:
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
