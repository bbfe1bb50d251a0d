"""The first line of a CSV file: separator and column names."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter

from justfit.errors import ColumnError, TableFormatError
from justfit.tables._nearest import list_names

SEPARATORS = {",": "a comma", "\t": "a tab", ";": "a semicolon", "|": "a vertical bar"}


def decode_head(head: bytes, file_name: str) -> str:
    """Decode the beginning of a text file as UTF-8; a byte order mark is dropped.

    Raises:
        TableFormatError: It is empty, not text, or text in another encoding.
    """
    if not head.strip():
        raise TableFormatError(
            "A table file must hold a line of column names and at least one row.",
            found=f"the empty file `{file_name}`",
            way_out="Write the table again.",
        )
    if b"\x00" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise TableFormatError(
            "A CSV or TSV file must be text.",
            found=f"zero bytes in `{file_name}`",
            way_out="Give it the ending of what it is (.parquet, .csv.gz), or save it as CSV.",
        )
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(head)  # a character cut at the end is fine
    except UnicodeDecodeError as error:
        raise not_utf8(file_name, f"the byte 0x{head[error.start]:02x} at position {error.start}") from error


def not_utf8(file_name: str, found: str) -> TableFormatError:
    """Return the error for text in another encoding."""
    return TableFormatError(
        "A CSV or TSV file must be UTF-8.",
        found=f"{found} in `{file_name}`",
        way_out="Save it as UTF-8, for instance with `iconv -f cp1252 -t utf-8 old.csv > new.csv`.",
    )


def choose_separator(first_line: str, expected: str) -> str:
    """Take the separator that the file's ending names; another one only if the first line has none of it.

    >>> choose_separator('"acidity";"sugar";"quality"', ",")
    ';'
    """
    if expected in first_line:
        return expected
    counts = {separator: first_line.count(separator) for separator in SEPARATORS}
    best = max(counts, key=lambda separator: counts[separator])
    return best if counts[best] else expected


def read_names(text: str, separator: str) -> list[str]:
    """Read the column names from the first line that is not blank; spaces around them are dropped.

    Raises:
        ColumnError: A name occurs twice.
        TableFormatError: The line is no header, or its quotes do not close.
    """
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        names = [name.strip() for name in next(row for row in rows if row)]
    except csv.Error as error:
        raise TableFormatError(
            "The first line of a table must name its columns.",
            found=f"a line that cannot be split: {error}",
            way_out="Check its quotes.",
        ) from error
    repeated = [name for name, count in Counter(names).items() if count > 1 and name]
    if _looks_like_numbers(names):
        raise TableFormatError(
            "The first line of a table must name its columns.",
            found=f"only numbers, {list_names(names, limit=3)}",
            way_out="Put a line of column names above it.",
        )
    if repeated:
        raise duplicate_names(repeated)
    return names


def duplicate_names(names: list[str]) -> ColumnError:
    """Return the error for names that several columns share."""
    return ColumnError(
        "Every column must have its own name.",
        found=f"{list_names(names)} more than once",
        way_out="Rename or remove the repeated columns.",
    )


def fill_blank_names(names: list[str]) -> list[str]:
    """Name columns without a name after their position, counted from 1.

    >>> fill_blank_names(["", "age"])
    ['column_1', 'age']
    """
    filled = list(names)
    for position, name in enumerate(names):
        new_name = f"column_{position + 1}"
        while not name and new_name in names:
            new_name += "_"
        filled[position] = name or new_name
    return filled


def _looks_like_numbers(names: list[str]) -> bool:
    try:
        numbers = [float(name) for name in names if name]
    except ValueError:
        return False
    # Frames without names are often written with 0, 1, 2, … or 1, 2, 3, … as their names.
    counted = numbers in ([float(i + start) for i in range(len(numbers))] for start in (0, 1))
    return bool(numbers) and not (counted and len(numbers) > 1)
