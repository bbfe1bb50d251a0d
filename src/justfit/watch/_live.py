"""A view of a run in the terminal while it goes on; nothing where standard error is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from justfit.records import Finding

if TYPE_CHECKING:
    from rich.table import Table

MIN_SECONDS = 0.25  # between two refreshes
SHARE = 0.002  # of the time that drawing may take
MOST_FINDINGS = 5


class LiveView:
    """Shows step, loss, gradient norm and the newest findings.

    Example:
        >>> view = LiveView()
        >>> view.is_shown  # tests have no terminal
        False
    """

    def __init__(self) -> None:
        self._live: Any = None
        self._findings: list[Finding] = []
        self._next = 0.0

    @property
    def is_shown(self) -> bool:
        """The view is on."""
        return self._live is not None

    def start(self) -> None:
        """Show the view if there is a terminal to show it in."""
        if not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
        self._live.start()

    def add_finding(self, finding: Finding) -> None:
        """Show a finding from now on."""
        self._findings.append(finding)

    def refresh(self, now: float, numbers: Callable[[], dict[str, str]]) -> float:
        """Draw again, if enough time has passed for what drawing costs.

        Args:
            now: The time.
            numbers: Gives what to show, each under its name.

        Returns:
            How long it took, in seconds.
        """
        if self._live is None or now < self._next:
            return 0.0
        self._live.update(self._table(numbers()), refresh=True)
        end = perf_counter()
        self._next = end + max(MIN_SECONDS, (end - now) / SHARE)
        return end - now

    def stop(self) -> None:
        """Take the view away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _table(self, numbers: dict[str, str]) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        table.add_row(*(Text.assemble((f"{name} ", "dim"), value) for name, value in numbers.items()))
        for finding in self._findings[-MOST_FINDINGS:]:
            style = {"error": "bold red", "warning": "yellow"}.get(finding.severity, "cyan")
            table.add_row(Text(f"{finding.code} {finding.name} {finding.where}", style=style))
        return table
