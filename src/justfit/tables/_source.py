"""Which file is meant, and what its ending promises."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from justfit.errors import TableFormatError, TableNotFoundError
from justfit.tables._nearest import did_you_mean, list_names

Format = Literal["csv", "tsv", "parquet"]
SHIPPED_SETS = ("breast_cancer", "diabetes", "digits", "wine")
ENDINGS = ".csv, .tsv, .parquet, each also with .gz"


class FileFormat(NamedTuple):
    """Format and compression, read off a file name."""

    format: Format
    is_gzip: bool


def name_format(path: Path) -> FileFormat | None:
    """Read the format off the endings of a file name; None if they name none.

    >>> name_format(Path("rows.csv.gz"))
    FileFormat(format='csv', is_gzip=True)
    """
    endings = [ending.lower().lstrip(".") for ending in path.suffixes]
    is_gzip = endings[-1:] == ["gz"]
    rest = endings[:-1] if is_gzip else endings
    for known in get_args(Format):
        if rest[-1:] == [known]:
            return FileFormat(known, is_gzip)
    return None


def bare_name(path: Path) -> str:
    """Return the file's name without the endings that name its format."""
    found = name_format(path)
    return path.with_suffix("").stem if found is not None and found.is_gzip else path.stem


def find_source(source: str | Path) -> Path | str:
    """Find what `source` means: an existing file (as a path), else a shipped set (as its name).

    Raises:
        TableNotFoundError: It is neither.
        TableFormatError: It is a directory, or a file whose ending names no known format.
    """
    path = Path(source)
    if str(source).startswith("~/"):
        path = path.expanduser()
    try:
        exists = path.exists()
    except OSError as error:  # a name that is too long, a directory that may not be entered
        raise _not_found(source, path) from error
    if str(source) in SHIPPED_SETS and (path.is_dir() or not exists):
        return str(source)
    if path.is_dir():
        tables = sorted(entry.name for entry in path.iterdir() if name_format(entry) is not None)
        raise TableFormatError(
            "A table must be one file.",
            found=f"the directory `{source}`",
            way_out=f"It holds {list_names(tables)}." if tables else f"Name a file that ends in {ENDINGS}.",
        )
    if not exists:
        raise _not_found(source, path)
    if name_format(path) is None:
        raise TableFormatError(
            f"A table file must end in {ENDINGS}.",
            found=f"`{path.name}`",
            way_out="Rename it if its content is one of these, or save it as CSV.",
        )
    return path


def _not_found(source: str | Path, path: Path) -> TableNotFoundError:
    folder = path.parent
    try:
        files = sorted(entry.name for entry in folder.iterdir() if name_format(entry) is not None)
        hint = did_you_mean(path.name, [*files, *SHIPPED_SETS])
    except OSError as error:
        hint = f"The directory `{folder}` cannot be read: {error.strerror}."
    return TableNotFoundError(
        "A table must be an existing file, or one of the shipped sets.",
        found=f"no file `{source}`",
        way_out=hint or f"The shipped sets are {', '.join(SHIPPED_SETS)}.",
    )


def read_bytes(path: Path, *, is_gzip: bool, limit: int = -1) -> bytes:
    """Read a file, or its first `limit` bytes after decompression.

    Raises:
        TableFormatError: It cannot be read or decompressed.
    """
    try:
        with gzip.open(path, "rb") if is_gzip else path.open("rb") as file:
            return file.read(limit)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged_gzip(path, str(error)) from error
    except OSError as error:
        raise TableFormatError(
            "A table file must be readable.",
            found=f"`{path}`: {error.strerror or error}",
            way_out="Check its permissions.",
        ) from error


def damaged_gzip(path: Path, reason: str) -> TableFormatError:
    """Return the error for a .gz file that does not decompress."""
    return TableFormatError(
        "A file that ends in .gz must be an intact gzip file.",
        found=f"`{path.name}`: {reason.rstrip('.')}",
        way_out="It may have been cut short while copying, or not be compressed at all; make it again.",
    )
