"""Results to stdout: text for people, UTF-8 for programs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from justfit.errors import OutputError

if TYPE_CHECKING:
    from rich.console import Console


def print_data(text: str) -> None:
    """Write machine-readable text to stdout as UTF-8, whatever the terminal speaks."""
    with _stdout():
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8"))
        if not text.endswith("\n"):
            sys.stdout.buffer.write(b"\n")


@contextmanager
def open_console() -> Iterator[Console]:
    """Open stdout for people; rich obeys NO_COLOR, FORCE_COLOR, COLUMNS and TERM."""
    from rich.console import Console

    with _stdout():
        yield Console(highlight=False)


@contextmanager
def _stdout() -> Iterator[None]:
    # `justfit predict … | head` ends quietly when head has seen enough, as cat does. Only while printing: before,
    # a lost reader must not kill a fit. Windows has no SIGPIPE.
    number = getattr(signal, "SIGPIPE", None)
    before = None if number is None else signal.signal(number, signal.SIG_DFL)
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        raise OutputError(
            "The result must fit where stdout leads.",
            found=f"`{error.strerror or error}`",
            way_out="Lead stdout to another place.",
        ) from error
    finally:
        if number is not None and before is not None:  # None: a handler that Python did not set
            signal.signal(number, before)


def refuse_taken(path: Path | None, *, overwrite: bool) -> None:
    """Refuse a place that cannot or must not be written, before the work and not after.

    Raises:
        OutputError: It exists and may not be replaced, is a folder, or lies in a folder that does not exist.
    """
    if path is not None and path.exists() and (path.is_dir() or not overwrite):
        raise OutputError(
            f"`{path}` must not exist yet.",
            found="a folder" if path.is_dir() else "a file",
            way_out="Choose another FILE with `--out`."
            if path.is_dir()
            else "Add `--overwrite`, or choose another FILE with `--out`.",
        )
    if path is not None and not path.absolute().parent.is_dir():
        raise OutputError(
            f"`{path}` must lie in a folder that exists.",
            found=f"no folder `{path.absolute().parent}`",
            way_out="Make the folder, or choose another FILE with `--out`.",
        )
