"""Tables to files, whole or not at all."""

from __future__ import annotations

import gzip
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from justfit.errors import OutputError
from justfit.tables._source import ENDINGS, FileFormat, name_format


def write_table(frame: pl.DataFrame, path: str | Path) -> None:
    """Write a table in the format that the ending of `path` names (.csv, .tsv, .parquet, each also with .gz).

    The table is written under another name in the same directory and then renamed, so `path` never holds half of it.

    Raises:
        OutputError: The ending names no format, or the directory cannot be written to.
    """
    path = Path(path)
    form = name_format(path)
    if form is None:
        raise OutputError(
            f"A table is written to a file that ends in {ENDINGS}.",
            found=f"`{path.name}`",
            way_out="Add one of these endings.",
        )
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with gzip.open(partial, "wb") if form.is_gzip else partial.open("wb") as file:
            _write(frame, file, form)
        partial.replace(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise OutputError(
            "A table must be writable where it was asked for.",
            found=f"`{path}`: {reason}",
            way_out="Name a file in an existing directory that you may write to.",
        ) from error
    finally:
        with suppress(OSError):
            partial.unlink()  # gone already when all went well


def _write(frame: pl.DataFrame, file: Any, form: FileFormat) -> None:
    if form.format == "parquet":
        frame.write_parquet(file)
    else:
        frame.write_csv(file, separator="\t" if form.format == "tsv" else ",")
