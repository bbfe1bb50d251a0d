"""What reading gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from justfit.errors import ColumnError
from justfit.tables._nearest import did_you_mean, list_names

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Table:
    """A table and what was noticed while reading it.

    Attributes:
        name: The file's name without its endings, the name of the shipped set, or "table".
        frame: The rows; column names are unique and not blank.
        target: The column to predict where it is known (shipped sets), else None.
        notes: What was changed or guessed while reading, one sentence each.
    """

    name: str
    frame: pl.DataFrame
    target: str | None
    notes: tuple[str, ...] = ()


def require_columns(frame: pl.DataFrame, names: list[str]) -> None:
    """Refuse a frame that lacks some of the columns `names`.

    Raises:
        ColumnError: Columns are missing; all of them are named.
    """
    missing = [name for name in names if name not in frame.columns]
    if missing:
        hint = did_you_mean(missing[0], frame.columns)
        raise ColumnError(
            "The table must have every column that is asked for.",
            found=f"no column {list_names(missing, limit=50)}",
            way_out=hint or f"Its columns are {list_names(frame.columns, limit=12)}.",
        )
