"""Columns that came as text and are something else."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

NULL_WORDS = ["", "?", "NA", "N/A", "#N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "<NA>"]
"""Cells of a CSV file that mean a missing value."""

PREVIEW = 1_000  # values on which a reading is tried before the whole column is


def settle_text(frame: pl.DataFrame, *, decimal_comma: bool = False) -> pl.DataFrame:
    """Read every text column as integers, numbers or dates if all its values are such; strip spaces otherwise.

    Args:
        frame: What a CSV reader made.
        decimal_comma: Also read 1,5 as a number, as written where a semicolon separates the columns.
    """
    text = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    return frame.with_columns([_settle(frame[name], decimal_comma=decimal_comma) for name in text])


def parse_numbers(series: pl.Series) -> pl.Series:
    """Read text as 64-bit floats; what is no number becomes null.

    >>> parse_numbers(pl.Series(["1e3", " 2", "x"])).to_list()
    [1000.0, 2.0, None]
    """
    return series.str.strip_chars().cast(pl.Float64, strict=False)


def parse_times(series: pl.Series) -> pl.Series:
    """Read text as ISO dates or date-times; what is neither becomes null.

    >>> parse_times(pl.Series(["2024-05-01", "soon"])).to_list()
    [datetime.datetime(2024, 5, 1, 0, 0), None]
    """
    stripped = series.str.strip_chars().str.replace("T", " ", literal=True).str.strip_suffix("Z")
    days = stripped.str.to_datetime("%Y-%m-%d", time_unit="us", strict=False)
    times = [stripped.str.to_datetime(f"%Y-%m-%d %H:%M{s}", time_unit="us", strict=False) for s in (":%S%.f", "")]
    return days.fill_null(times[0]).fill_null(times[1])


def _settle(series: pl.Series, *, decimal_comma: bool) -> pl.Series:
    stripped = series.str.strip_chars()
    stripped = stripped.set(stripped.is_in(NULL_WORDS), None)
    readings: list[Callable[[pl.Series], pl.Series]] = [_integers, parse_numbers, parse_times]
    if decimal_comma:
        readings.append(lambda text: parse_numbers(text.str.replace(",", ".", literal=True)))
    preview = stripped.drop_nulls().head(PREVIEW)
    for read in readings:
        if preview.len() and not read(preview).null_count():
            settled = read(stripped)
            if settled.null_count() == stripped.null_count():
                return settled
    return stripped


def _integers(series: pl.Series) -> pl.Series:
    return series.cast(pl.Int64, strict=False)
