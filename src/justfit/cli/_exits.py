"""Exit codes, and the one place where an exception becomes one."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import typer

from justfit.errors import JustFitError

FOUND = 1
BAD_INPUT = 2
INTERNAL = 3
INTERRUPTED = 130  # 128 + SIGINT, as shells count


@contextmanager
def exit_codes(
    *, if_interrupted: str, if_out_of_memory: str = "Use `--quick`, or give the table fewer rows or columns."
) -> Iterator[None]:
    """End a command with one clear message and its exit code, whatever was raised inside.

    Args:
        if_interrupted: What Ctrl-C leaves behind, as one sentence.
        if_out_of_memory: What to do then, as one sentence.

    Raises:
        Exit: 2 for a JustFitError, 130 for Ctrl-C or SIGTERM, 3 for every other exception.
    """
    try:
        yield
    except JustFitError as error:
        _stop(BAD_INPUT, f"error: {error}")
    except KeyboardInterrupt:
        _stop(INTERRUPTED, f"interrupted: {if_interrupted}")
    except typer.Exit:
        raise
    except MemoryError:
        _stop(INTERNAL, f"error: The memory does not suffice. {if_out_of_memory}")
    except Exception as error:
        advice = "This is a fault of justfit, not of your input; set JUSTFIT_DEBUG=1 to see where it happened."
        _stop(INTERNAL, f"internal error: {type(error).__name__}: {error}. {advice}")


def say(text: str) -> None:
    """Write one line to stderr; a reader that went away is no reason to stop."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201  # typer.echo would exit on a closed pipe


def _stop(code: int, message: str) -> NoReturn:
    if os.environ.get("JUSTFIT_DEBUG", "") not in ("", "0"):
        traceback.print_exc()
    say(message)
    raise typer.Exit(code)
