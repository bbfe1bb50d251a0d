"""Which columns become features, and how each becomes numbers or categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from justfit.errors import ColumnError
from justfit.tables._nearest import list_names
from justfit.tables._text import parse_numbers, parse_times

MISSING = "(missing)"
MICROSECONDS_PER_DAY = 86_400_000_000

Kind = Literal["number", "number_text", "date", "boolean", "category"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How one column becomes features.

    Attributes:
        name: The column's name.
        kind: `number`; `number_text` (numbers among some text, which counts as missing); `date` (to days since 1970,
            times of day to fractions of a day); `boolean` and `category` (one feature per value).
        is_marked: Whether a feature says where the value was missing (numbers and dates only).
        is_filled: Whether its values are a feature; False if it is constant where it is not missing.
    """

    name: str
    kind: Kind
    is_marked: bool = False
    is_filled: bool = True

    @property
    def is_category(self) -> bool:
        """Whether it becomes one feature per value."""
        return self.kind in ("boolean", "category")


def kind_of(dtype: pl.DataType) -> Kind | None:
    """Return the kind of a column by its type; None for nested and binary ones.

    >>> kind_of(pl.Int64()), kind_of(pl.Date()), kind_of(pl.List(pl.Int64()))
    ('number', 'date', None)
    """
    if dtype.is_numeric():
        return "number"
    if dtype.is_temporal():
        return "date"
    if dtype == pl.Boolean:
        return "boolean"
    return "category" if is_text(dtype) else None


def is_text(dtype: pl.DataType) -> bool:
    """Whether values of this type are words."""
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum)


def prepare(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Bring every column to 64-bit floats (missing: null) or to text (missing: its own word).

    Raises:
        ColumnError: A value of a numeric or date column cannot be read as such.
    """
    return pl.DataFrame([as_text(frame[c.name], c) if c.is_category else as_numbers(frame[c.name], c) for c in columns])


def as_text(series: pl.Series, column: Column) -> pl.Series:
    """Bring a category to text; a missing value becomes a category of its own.

    Raises:
        ColumnError: The values are nested or binary.
    """
    if series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object):
        raise _unreadable(column, str(series.dtype), f"values of type {series.dtype}")
    if column.kind == "boolean" and series.dtype.is_numeric():
        series = (series != 0).alias(series.name)  # another tool's way to write booleans
    if series.dtype.is_float() and bool((series == series.round()).all()):
        series = series.cast(pl.Int64, strict=False)  # whole numbers become floats where one is missing
    text = series.cast(pl.String)
    if column.kind == "boolean":
        text = text.str.to_lowercase()
    return text.fill_null(MISSING)


def as_numbers(series: pl.Series, column: Column) -> pl.Series:
    """Bring a column of numbers or dates to 64-bit floats; missing values become null.

    Raises:
        ColumnError: A value cannot be read (the message shows it) or is the word for infinity.
    """
    dtype = series.dtype
    if dtype == pl.Null:
        return series.cast(pl.Float64)
    if is_text(dtype):
        text = series.cast(pl.String)
        numbers = days(parse_times(text)) if column.kind == "date" else parse_numbers(text)
        if column.kind != "number_text" and numbers.null_count() > text.null_count():
            words = text.filter(numbers.is_null() & text.is_not_null())
            raise _unreadable(column, f"`{words[0]}`", f"`{words[0]}`")
        num_infinite = int(numbers.is_infinite().sum())
        if num_infinite:
            raise infinite({column.name: num_infinite})
    elif column.kind == "date" and dtype.is_temporal():
        numbers = days(series)
    elif column.kind != "date" and (dtype.is_numeric() or dtype == pl.Boolean):
        numbers = series.cast(pl.Float64)
    else:
        raise _unreadable(column, str(dtype), f"values of type {dtype}")
    return numbers.fill_nan(None)


def days(series: pl.Series) -> pl.Series:
    """Turn dates to days since 1970-01-01, durations and times of day to days.

    >>> import datetime
    >>> days(pl.Series([datetime.datetime(1970, 1, 2, 12)])).to_list()
    [1.5]
    """
    if series.dtype == pl.Date:
        return series.cast(pl.Int32).cast(pl.Float64)
    if series.dtype == pl.Time:
        return series.cast(pl.Int64).cast(pl.Float64) / (1_000 * MICROSECONDS_PER_DAY)
    fine = series.dt.total_microseconds() if isinstance(series.dtype, pl.Duration) else series.dt.epoch("us")
    return fine.cast(pl.Float64) / MICROSECONDS_PER_DAY


def refuse_infinite(frame: pl.DataFrame, names: Sequence[str]) -> None:
    """Refuse infinite values, by column and number of rows.

    Raises:
        ColumnError: There are infinite values.
    """
    floats = [name for name in names if frame.schema[name].is_float()]
    counts = frame.select(pl.col(floats).is_infinite().sum()).row(0, named=True) if floats else {}
    bad = {name: count for name, count in counts.items() if count}
    if bad:
        raise infinite(bad)


def infinite(counts: dict[str, int]) -> ColumnError:
    """Return the error for infinite values, given their number by column."""
    listed = [f"`{name}` in {count} rows" for name, count in counts.items()]
    return ColumnError(
        "Every number must be finite.",
        found="infinite values in " + ", ".join(listed[:8]) + (", …" if len(listed) > 8 else ""),
        way_out="Replace them by a number, or leave them empty: empty cells are filled in.",
    )


def refuse_missing_columns(frame: pl.DataFrame, columns: Sequence[Column]) -> None:
    """Refuse a frame that lacks columns the encoder was fitted on.

    Raises:
        ColumnError: Columns are missing; all are named.
    """
    missing = [column.name for column in columns if column.name not in frame.columns]
    if missing:
        raise ColumnError(
            "New rows must have every column that the network was fitted on.",
            found=f"no column {list_names(missing, limit=50)}",
            way_out="Add the missing columns; cells may be empty, names must match.",
        )


def _unreadable(column: Column, example: str, found: str) -> ColumnError:
    what = "dates" if column.kind == "date" else "text" if column.is_category else "numbers"
    return ColumnError(
        f"The column `{column.name}` must hold {what}, as in the rows that were fitted.",
        found=found,
        way_out=f"Correct {example}, or leave the cell empty.",
    )
