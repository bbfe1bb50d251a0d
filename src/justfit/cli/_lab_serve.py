"""``justfit lab --serve``: the live lab until Ctrl-C."""

from __future__ import annotations

import csv
import os
import sys
import threading
import webbrowser
from collections.abc import Mapping

from justfit.cli._exits import say
from justfit.cli._output import print_data
from justfit.errors import ArgumentError


def serve(
    *, data: str | None, target: str | None, columns: str | None, seed: int, port: int, browser: bool, quiet: bool
) -> None:
    """Open the live lab and say where it is; return when it is ended.

    Args:
        data: As `LabServer` takes it.
        target: As `LabServer` takes it.
        columns: The two to show, with a comma between them.
        seed: As `LabServer` takes it.
        port: As `LabServer` takes it.
        browser: Whether to show it in the browser, where there is a screen.
        quiet: Whether to print the address alone.
    """
    from justfit.lab import LabServer

    lab = LabServer(data, target=target, columns=columns_in(columns), seed=seed, port=port)
    print_data(lab.url if quiet else f"The lab is open at\n\n    {lab.url}\n\nOnly this machine reaches it.")
    if not quiet:
        say("Ctrl-C ends it.")
    if browser and _has_screen(os.environ):
        threading.Timer(0.5, webbrowser.open, [lab.new_url()]).start()
    lab.run()
    if not quiet:
        say("The lab is closed.")


def refuse_with_serve(given: Mapping[str, bool]) -> None:
    """Refuse the options of the page, which `--serve` does not write.

    Args:
        given: For each such option whether it was given.

    Raises:
        ArgumentError: One was.
    """
    for name, is_given in given.items():
        if is_given:
            raise ArgumentError(
                "`--serve` goes with `--data`, `--target`, `--columns`, `--seed`, `--port`, `--no-browser` and "
                "`--quiet` only.",
                found=f"`{name}`",
                way_out="Leave it out: the live page has a button for the claims, in short and in full.",
            )


def refuse_without_serve(given: Mapping[str, bool]) -> None:
    """Refuse the options of the server where there is none.

    Raises:
        ArgumentError: One was given.
    """
    for name, is_given in given.items():
        if is_given:
            raise ArgumentError(
                f"`{name}` belongs to the live lab.", found="no `--serve`", way_out="Add `--serve`, or leave it out."
            )


def columns_in(words: str | None) -> list[str] | None:
    """Take names apart at their commas; one that has a comma itself stands in double quotes.

    >>> columns_in('age, "weight, kg"')
    ['age', 'weight, kg']
    """
    return None if words is None else next(csv.reader([words], skipinitialspace=True), [])


def _has_screen(environment: Mapping[str, str]) -> bool:
    """Whether a browser could show itself; one that runs in the terminal would take it away."""
    return sys.platform in ("win32", "darwin") or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
