"""What lies behind a path: is it there, may it be read, how large is it, and what kind of file is it."""

from __future__ import annotations

import gzip
import os
import stat
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Literal

from justfit.errors import LogFormatError, LogNotFoundError

MOST_BYTES = 1 << 30  # of a text, read whole; 10⁷ rows of ten numbers
_HEAD = 1 << 16
_CHUNK = 1 << 20

Content = Literal["text", "parquet", "event files", "sqlite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that is there.

    Attributes:
        path: Where it is read from.
        name: What the user calls it.
    """

    path: Path
    name: str


def source_of(path: str | os.PathLike[str]) -> Source:
    """Find the file or folder.

    Raises:
        LogNotFoundError: There is none, or the way to it is barred.
    """
    name = os.fspath(path)
    found = Path(name)
    try:
        found = found.expanduser() if name.startswith("~/") else found
        found.stat()
    except (OSError, ValueError, RuntimeError) as error:  # no file, a name too long, a zero byte, no such user
        raise LogNotFoundError(
            "A log must be an existing file or folder.",
            found=f"no `{_printable(name)}` ({getattr(error, 'strerror', None) or error})",
            way_out=_nearest(found),
        ) from error
    return Source(path=found, name=_printable(name))


@contextmanager
def kept(stream: IO[bytes], name: str) -> Iterator[Source]:
    """Keep what a stream delivers in a file for as long as it is read.

    Raises:
        LogFormatError: It delivers more than `MOST_BYTES`.
    """
    with tempfile.TemporaryDirectory(prefix="justfit-") as folder:
        path = Path(folder) / "log"
        size = 0
        with path.open("wb") as file:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > MOST_BYTES:
                    raise too_large(name, size)
                file.write(chunk)
        yield Source(path=path, name=name)


def is_stream(source: Source) -> bool:
    """Say whether it is a pipe or a device, which can be read only once."""
    mode = source.path.stat().st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def content_of(source: Source) -> Content:
    """Say what kind of file it is, by its first bytes.

    Raises:
        LogFormatError: It is empty, cannot be read, or is of a kind that is not read.
    """
    head = read_head(source)
    if not head.strip():
        raise LogFormatError(
            "A log must hold at least one row.",
            found=f"nothing in `{source.name}`",
            way_out="Check that the program that writes it has logged something.",
        )
    if head.startswith(b"SQLite format 3\x00"):
        return "sqlite"
    if head.startswith(b"PAR1"):
        return "parquet"
    if b"brain.Event:" in head[:64]:
        return "event files"
    for magic, what, way_out in _REFUSED:
        if head.startswith(magic):
            raise _unreadable(source, what, way_out)
    if head.startswith(b"\x80") and head[1:2] in b"\x02\x03\x04\x05":
        raise _unreadable(
            source,
            "a pickle, which may run any program when it is opened",
            "Write the numbers with `json.dump(history.history, file)` instead.",
        )
    if b"\x00" in head:
        raise _unreadable(source, "bytes that are no text", "Name the log of a training run, not a checkpoint.")
    return "text"


def read_head(source: Source) -> bytes:
    """Read the first bytes, decompressed."""
    return _read(source, _HEAD)


def read_text(source: Source, most_bytes: int = 0) -> str:
    """Read a text file, perhaps compressed with gzip.

    Raises:
        LogFormatError: It is too large, damaged, or not UTF-8.
    """
    limit = most_bytes or MOST_BYTES
    data = _read(source, limit + 1)
    if len(data) > limit:
        raise too_large(source.name, len(data), limit)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LogFormatError(
            "A log must be UTF-8 text.",
            found=f"byte {data[error.start]:#04x} at position {error.start:,} of `{source.name}`",
            way_out="Save it as UTF-8.",
        ) from error


def too_large(name: str, size: int, limit: int = 0) -> LogFormatError:
    """Return the error for more bytes than fit."""
    return LogFormatError(
        f"A log must have at most {limit or MOST_BYTES:,} bytes.",
        found=f"{size:,} or more in `{name}`",
        way_out="Export only the columns of the losses, or one row per epoch.",
    )


def _read(source: Source, limit: int) -> bytes:
    try:
        with source.path.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                file.seek(0)
                return file.read(limit)
        with gzip.open(source.path, "rb") as packed:
            return packed.read(limit)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _unreadable(source, f"damaged gzip ({str(error).rstrip('.')})", "Write it again.") from error
    except OSError as error:
        raise LogFormatError(
            "A log must be readable.",
            found=f"`{source.name}`: {error.strerror or error}",
            way_out="Check its permissions.",
        ) from error


_REFUSED = (
    (b"PK\x03\x04", "a zip archive", "Name the log of a training run, not a checkpoint or a workbook."),
    (b":W&B", "a W&B run that was not yet uploaded", "Run `wandb sync`, then `run.history().to_csv(…)`."),
    (b"\xff\xfe", "UTF-16 text", "Save it as UTF-8."),
    (b"\xfe\xff", "UTF-16 text", "Save it as UTF-8."),
    (b"\x89HDF", "HDF5", "Name the log of a training run, not a checkpoint."),
)


def _unreadable(source: Source, what: str, way_out: str) -> LogFormatError:
    return LogFormatError(
        "A log must be CSV, JSON, JSON lines, Parquet, SQLite or TensorBoard event files.",
        found=f"{what} in `{source.name}`",
        way_out=way_out,
    )


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in name)[:300]


def _nearest(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return f"There is no folder `{_printable(str(path.parent))}` that can be read."
    near = get_close_matches(path.name, names, n=1)
    return f"Did you mean `{near[0]}`?" if near else "Name a log, or the folder that a logger wrote."
