"""Results to stdout: text for people, UTF-8 for programs."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
