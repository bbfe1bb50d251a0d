"""CSV and TSV: a header, then a row each time something was logged."""

from __future__ import annotations

import csv
import io

import polars as pl

from justfit.errors import LogFormatError
from justfit.logs._source import Source, read_text

_SEPARATORS = (",", "\t", ";", "|")


def read_csv(source: Source) -> pl.DataFrame:
    """Read a table of text.

    Raises:
        LogFormatError: It is no table with a header, or a row has more fields than the header.

    >>> from justfit.logs._source import Source
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.csv"
    >>> _ = path.write_text("epoch;loss\\n1;0,5\\n")
    >>> read_csv(Source(path=path, name="log.csv"))["loss"].to_list()
    ['0.5']
    """
    text = read_text(source).lstrip("\ufeff \t\r\n")
    header = text.partition("\n")[0].rstrip("\r")
    separator = max(_SEPARATORS, key=header.count)
    _check_header(header, separator, source)
    try:
        frame = pl.read_csv(text.encode(), separator=separator, infer_schema=False, glob=False)
    except pl.exceptions.PolarsError as error:
        raise _explained(text, separator, source, error) from error
    if frame.height == 0:
        raise LogFormatError(
            "A log must hold at least one row.",
            found=f"only a header in `{source.name}`",
            way_out="Check that the program that writes it has logged something.",
        )
    frame = frame.rename({name: name.strip() for name in frame.columns if name.strip() != name}, strict=False)
    if separator == ";":
        frame = frame.with_columns(pl.all().str.replace(",", ".", literal=True))
    return frame


def _check_header(header: str, separator: str, source: Source) -> None:
    names = [name.strip().strip('"') for name in header.split(separator)]
    stripped = [name for name in names if name]
    numbers = [name for name in stripped if _is_number(name)]
    if len(set(stripped)) < len(stripped):
        repeated = next(name for name in stripped if stripped.count(name) > 1)
        raise LogFormatError(
            "Every column of a log must have a name of its own.",
            found=f"`{repeated[:60]}` {stripped.count(repeated)} times in `{source.name}`",
            way_out="Rename one of them in the header.",
        )
    if numbers and len(numbers) >= len(stripped) / 2:
        raise LogFormatError(
            "The first line of a log must name its columns.",
            found=f"the numbers `{header[:60]}` in `{source.name}`",
            way_out="Put a line such as `epoch,train_loss,val_loss` before it.",
        )


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return word.lower().strip("+-") not in ("nan", "inf", "infinity")


def _explained(text: str, separator: str, source: Source, error: Exception) -> LogFormatError:
    where = f"`{source.name}`: {str(error).partition(chr(10))[0].rstrip('.')}"
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        width = len(next(rows))
        for row in rows:
            if len(row) > width:
                where = f"{len(row)} fields on line {rows.line_num:,} of `{source.name}`, and {width} names"
                break
    except (csv.Error, StopIteration):
        pass
    return LogFormatError(
        "A CSV or TSV log must be lines of fields, no line with more fields than the header.",
        found=where,
        way_out="Correct that line, or check that every quote is closed.",
    )
