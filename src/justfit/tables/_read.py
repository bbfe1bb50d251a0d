"""One door for every kind of table."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from justfit.errors import TableFormatError
from justfit.tables._csv import read_csv
from justfit.tables._frames import from_frame, load_set
from justfit.tables._source import bare_name, find_source, name_format, read_bytes
from justfit.tables._table import Table, require_columns


def read_table(source: str | Path | Any, *, columns: Sequence[str] | None = None) -> Table:
    """Read a table.

    Integers and text keep their types; numbers stay 64-bit, because a 32-bit float holds only 7 digits: dates in
    seconds or customer numbers would change before they are standardised.

    Args:
        source: A CSV, TSV or Parquet file, each also with .gz; or the name of a shipped set (digits, breast_cancer,
            wine, diabetes), unless a file has that name; or a data frame of polars, pandas or pyarrow.
        columns: Keep only these, in this order; None keeps all.

    Returns:
        The table, with notes on what was guessed.

    Raises:
        TableNotFoundError: There is neither a file nor a shipped set of that name.
        TableFormatError: The file is not what its ending promises, or has no rows.
        ColumnError: Column names repeat, or one of `columns` is missing.
        ArgumentError: `source` is neither a path nor a data frame.

    >>> table = read_table("wine")
    >>> table.frame.shape, table.target
    ((178, 14), 'target')
    """
    if isinstance(source, str | Path):
        found = find_source(source)
        table = load_set(found) if isinstance(found, str) else _read_file(found)
    else:
        table = Table("table", from_frame(source), None)
    if table.frame.height == 0 or table.frame.width == 0:
        raise TableFormatError(
            "A table must have at least one row.",
            found=f"{table.frame.width} columns and no rows in `{table.name}`",
            way_out="Check that the program that wrote it had finished.",
        )
    if columns is not None:
        require_columns(table.frame, list(columns))
        table = replace(table, frame=table.frame.select(columns))
    return table


def _read_file(path: Path) -> Table:
    form = name_format(path)
    assert form is not None  # noqa: S101  # find_source has refused all others
    if form.format == "parquet":
        return Table(bare_name(path), _read_parquet(path, is_gzip=form.is_gzip), None)
    separator = "\t" if form.format == "tsv" else ","
    frame, notes = read_csv(path, is_gzip=form.is_gzip, expected_separator=separator)
    return Table(bare_name(path), frame, None, tuple(notes))


def _read_parquet(path: Path, *, is_gzip: bool) -> pl.DataFrame:
    source = io.BytesIO(read_bytes(path, is_gzip=True)) if is_gzip else path
    try:
        return pl.read_parquet(source) if is_gzip else pl.read_parquet(source, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise TableFormatError(
            "A file that ends in .parquet must be an intact Parquet file.",
            found=f"`{path.name}`: {str(error).partition(chr(10))[0].rstrip('.')}",
            way_out="It may have been cut short while copying; write it again.",
        ) from error
