"""One process at a time in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from justfit.errors import OutputError

try:
    import fcntl
except ImportError:  # Windows has none: there nobody is kept out
    fcntl = None  # type: ignore[assignment]

LOCK_FILE = "lock"


@contextmanager
def folder_locked(folder: Path) -> Iterator[None]:
    """Hold a folder; the operating system lets go of it when the process ends, however it ends.

    Args:
        folder: Exists.

    Raises:
        OutputError: Another sweep holds it.
    """
    with (folder / LOCK_FILE).open("ab") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OutputError(
                    "`out` must be the folder of one running sweep.",
                    found=f"`{folder}`, in which another sweep is running",
                    way_out="Wait until it has ended, or choose another folder.",
                ) from error
        yield
