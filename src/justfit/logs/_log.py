"""One run as columns: what every reader makes of its file, before anything is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from justfit.logs._tools import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log of one run.

    Attributes:
        frame: A column of numbers for each quantity, a row for each time something was written; null where nothing was.
        tool: Name of the tool that wrote it, a key of `TOOLS`.
        form: What kind of file it is.
        run: Name of the run where the source holds several; empty otherwise.
        notes: What was left out or repaired on reading.
    """

    frame: pl.DataFrame
    tool: str
    form: Form
    run: str = ""
    notes: tuple[str, ...] = ()
