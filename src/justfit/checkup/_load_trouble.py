"""The user's own exceptions as one sentence, with the line of the user's code."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from justfit.errors import ArgumentError, JustFitError

_ADVICE = "Correct it; set JUSTFIT_DEBUG=1 to see the whole traceback."
_OWN = Path(__file__).resolve().parents[1]
_FOREIGN = (_OWN, *(Path(sysconfig.get_path(key)).resolve() for key in ("stdlib", "purelib", "platlib")))
_LONGEST = 500


@contextmanager
def users_trouble(contract: str, advice: str = _ADVICE) -> Iterator[None]:
    """Turn what the user's code raises into an ArgumentError.

    Args:
        contract: What the code must do, as one sentence.
        advice: What to do about it.

    Raises:
        ArgumentError: The code inside raised, or called `sys.exit`; the message has the exception's type and text,
            and the innermost line that belongs neither to Python, to an installed package nor to justfit.
    """
    try:
        yield
    except (JustFitError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise ArgumentError(contract, found=_words(error), way_out=advice) from error


def _words(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:  # its own frame is the importer's
        return f"`{type(error).__name__}: {error.msg}` at {_near(error.filename)}:{error.lineno}"
    text = " ".join(str(error).split()).rstrip(".")
    shown = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    place = users_line(error)
    return f"`{type(error).__name__}{': ' if shown else ''}{shown}`{f' at {place}' if place else ''}"


def users_line(error: BaseException) -> str:
    """Find the innermost line of the user's own code in a traceback, as `net.py:41`; empty if there is none."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if not frame.filename.startswith("<") and not any(path.resolve().is_relative_to(f) for f in _FOREIGN):
            return f"{_near(frame.filename)}:{frame.lineno}"
    return ""


def _near(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else filename
