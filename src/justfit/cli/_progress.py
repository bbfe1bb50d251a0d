"""How far a long job is, on stderr: a bar with the time left on a terminal, one line per stage elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from justfit.cli._exits import say

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from justfit.records import OnProgress, Progress


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[OnProgress | None]:
    """Give what a long job calls at each tick.

    Args:
        quiet: True shows nothing.

    Yields:
        A function of one `Progress`, or None when quiet.
    """
    if quiet:
        yield None
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _new_bar() as bar:
            yield _BarPerStage(bar)
    else:
        yield _LinePerStage()


class _LinePerStage:
    def __init__(self) -> None:
        self.stage = ""

    def __call__(self, progress: Progress) -> None:
        if progress.stage != self.stage:
            self.stage = progress.stage
            say(progress.stage)


class _BarPerStage:
    def __init__(self, bar: Bar) -> None:
        self.bar = bar
        self.stage = ""
        self.task: TaskID | None = None

    def __call__(self, progress: Progress) -> None:
        if self.task is None or progress.stage != self.stage:
            if self.task is not None:
                self.bar.update(self.task, completed=1.0, detail="")
            self.stage = progress.stage
            self.task = self.bar.add_task(progress.stage, total=1.0, detail="")
        self.bar.update(self.task, completed=progress.fraction, detail=progress.detail)


def _new_bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        TextColumn("{task.fields[detail]}", markup=False, table_column=Column(no_wrap=True, ratio=1)),
        console=Console(stderr=True),
        refresh_per_second=4,  # the drawing thread shares the cores with the training
        expand=True,
    )
