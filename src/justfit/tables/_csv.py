"""CSV and TSV files, possibly compressed, with the doubts that come with them."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

import polars as pl

from justfit.errors import TableFormatError
from justfit.tables._header import (
    SEPARATORS,
    choose_separator,
    decode_head,
    fill_blank_names,
    not_utf8,
    read_names,
)
from justfit.tables._source import damaged_gzip, read_bytes
from justfit.tables._text import NULL_WORDS, settle_text

HEAD_BYTES = 1 << 22  # room for a header of 100,000 columns


def read_csv(path: Path, *, is_gzip: bool, expected_separator: str) -> tuple[pl.DataFrame, list[str]]:
    """Read a CSV or TSV file.

    Cells that hold one of `NULL_WORDS` are missing. Types are taken from the first 10,000 rows; where a later row
    contradicts them, from all rows.

    Args:
        path: An existing file.
        is_gzip: Whether it is compressed.
        expected_separator: What its ending promises; another one is taken if the first line has none of it.

    Returns:
        The rows, and notes on what was guessed.

    Raises:
        TableFormatError: The file is no such table; the message names the line where it can.
        ColumnError: Two columns share a name.
    """
    text = decode_head(read_bytes(path, is_gzip=is_gzip, limit=HEAD_BYTES), path.name)
    separator = choose_separator(text.lstrip().partition("\n")[0], expected_separator)
    names = read_names(text, separator)
    notes = []
    if separator != expected_separator:
        notes.append(f"The columns are separated by {SEPARATORS[separator]}.")
    frame = _parse(path, separator, width=len(names), is_gzip=is_gzip)
    frame.columns = fill_blank_names(names)
    if frame.height and frame.width > 1 and min(frame.null_count().row(0)) > 0:
        frame = _drop_empty_rows(frame, notes)
    if frame.width > 1 and frame[:, -1].null_count():
        # polars fills lines that end too early with missing values, without a word.
        _refuse_short_lines(path, separator, width=len(names), is_gzip=is_gzip)
    frame = settle_text(frame, decimal_comma=separator == ";")
    return _drop_unnamed(frame, names, notes), notes


def _parse(path: Path, separator: str, *, width: int, is_gzip: bool) -> pl.DataFrame:
    options: dict[str, Any] = {"separator": separator, "null_values": NULL_WORDS, "glob": False}
    try:
        try:
            frame = pl.read_csv(path, infer_schema_length=10_000, try_parse_dates=True, **options)
        except pl.exceptions.ComputeError:
            frame = pl.read_csv(path, infer_schema=False, **options)  # types are settled from all rows
    except pl.exceptions.PolarsError as error:
        if is_gzip:
            read_bytes(path, is_gzip=True)  # damaged bytes can look like damaged text: check the sums first
        raise _explain(path, separator, width, is_gzip=is_gzip, error=error) from error
    except OSError as error:
        raise damaged_gzip(path, str(error)) from error
    if frame.width != width:
        raise _ragged("the lines", f"{frame.width} fields", width)
    return frame


def _explain(path: Path, separator: str, width: int, *, is_gzip: bool, error: Exception) -> TableFormatError:
    first_line = str(error).partition("\n")[0]
    if "utf-8" in first_line:
        return not_utf8(path.name, "an invalid byte")
    uneven = _find_uneven_line(path, separator, width=width, is_gzip=is_gzip)
    if uneven is not None:
        return _ragged(*uneven, width)
    return TableFormatError(
        "A CSV or TSV file must be lines of separated fields.",
        found=f"`{path.name}`: {first_line}",
        way_out="Check that every quote is closed, or save the table again.",
    )


def _ragged(where: str, found: str, width: int) -> TableFormatError:
    return TableFormatError(
        f"Every line must have as many fields as the first, {width}.",
        found=f"{found} on {where}",
        way_out="Complete that line, or put quotes around fields that contain the separator.",
    )


def _refuse_short_lines(path: Path, separator: str, *, width: int, is_gzip: bool) -> None:
    symbol = separator.encode()
    with gzip.open(path, "rb") if is_gzip else path.open("rb") as lines:
        suspicious = any(line.count(symbol) < width - 1 and line.strip() for line in lines)
    # Quoted fields may span lines, so a suspicion is settled by a full parser, ten times as slow.
    uneven = _find_uneven_line(path, separator, width=width, is_gzip=is_gzip) if suspicious else None
    if uneven is not None:
        raise _ragged(*uneven, width)


def _find_uneven_line(path: Path, separator: str, *, width: int, is_gzip: bool) -> tuple[str, str] | None:
    """Find the first line with another number of fields than the header: where, and what is there."""
    with gzip.open(path, "rb") if is_gzip else path.open("rb") as file:
        rows = csv.reader((line.decode("utf-8") for line in file), delimiter=separator)
        try:
            for row in rows:
                if row and len(row) != width:
                    return f"line {rows.line_num}", f"{len(row)} fields"
        except (csv.Error, UnicodeDecodeError):
            return None
    return None


def _drop_empty_rows(frame: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    filled = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    if filled.height < frame.height:
        notes.append(f"{frame.height - filled.height} rows without any value were left out.")
    return filled


def _drop_unnamed(frame: pl.DataFrame, names: list[str], notes: list[str]) -> pl.DataFrame:
    """Leave out columns without a name that hold nothing, or only count the rows, as a saved pandas index does."""
    for position, (name, column) in enumerate(zip(names, frame.columns, strict=True), start=1):
        if name:
            continue
        series = frame[column]
        counts = series.dtype.is_integer() and series.len() > 1 and bool((series.diff().drop_nulls() == 1).all())
        if series.null_count() == series.len() or (counts and series[0] in (0, 1)):
            frame = frame.drop(column)
            what = "counts the rows" if counts else "holds nothing"
            notes.append(f"Column {position} has no name and {what}; it was left out.")
        else:
            notes.append(f"Column {position} has no name; it is called `{column}` here.")
    return frame
