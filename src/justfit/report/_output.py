"""Results to disk: all of a file or nothing of it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from justfit.errors import OutputError
from justfit.records import Checkup, FitResult, Judgement, LabRecord, SchemeComparison, to_json
from justfit.report._names import shown


def render_json(
    record: FitResult | Checkup | SchemeComparison | Judgement | LabRecord | Sequence[Judgement],
) -> str:
    """Render a record, or several, as JSON text that `justfit.records.from_json` reads back.

    A lone surrogate, as file names that are not UTF-8 bring along, is written as its JSON escape, so that the text
    can always be encoded.
    """
    return _encodable(to_json(record)).decode()


def write_atomically(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file so that no reader ever sees half of it and a failure leaves the old one.

    The content goes to a new file in the same folder, which then takes the name in one step. A symbolic link is
    followed.

    Args:
        path: Where to write; its folder must exist.
        content: What to write; text as UTF-8.

    Raises:
        OutputError: The file cannot be written: no such folder, no permission, disk full, a folder of that name.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "report.html"
    >>> write_atomically(path, "λ = 3")
    >>> path.read_text("utf-8")
    'λ = 3'
    """
    target = Path(os.path.realpath(path))
    # A short name of its own: the user's may already be as long as the file system allows.
    draft = target.parent / f".justfit-{os.getpid()}-{secrets.token_hex(4)}.tmp"
    try:
        with draft.open("xb") as file:
            file.write(content if isinstance(content, bytes) else _encodable(content))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise OutputError(
            f"`{shown(str(path), 200)}` must be a place where a file can be written.",
            found=f"`{error.strerror or error}`",
            way_out="Choose another place, or make room or get permission there.",
        ) from error
    except BaseException:  # Ctrl-C: leave nothing behind
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def _encodable(text: str) -> bytes:
    # Inside JSON the replacement, `\udc80`, is that character's own escape.
    return text.encode("utf-8", errors="backslashreplace")
