"""A checkup in a terminal, as a linter prints: the verdict, a block a finding, the layers, whether it will train."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from justfit.records import Checkup, Finding
from justfit.report._checkup_layers import layers_table
from justfit.report._checkup_words import (
    SENTENCE,
    loss_sentence,
    note_points,
    tone,
    trainability_sentence,
    unjudged_line,
    unjudged_points,
    verdict,
)
from justfit.report._names import shown
from justfit.report._terminal import SEVERITY_STYLES, print_list, print_table, writer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

MOST_FINDINGS = 100  # nobody reads more; `verbose` prints all
TONE_STYLES = {"good": "bold green", "bad": "bold yellow", "open": "bold cyan"}


def render_checkup_text(checkup: Checkup, console: Console, *, verbose: bool = False) -> None:
    """Print a checkup for people.

    The first line is the verdict. Each finding is a block `net.py:41: JF201 error  features.3  vanishing gradient —
    evidence` with its cure below. Of a deep network the table shows 30 layers. Nothing in the user's names is taken as
    rich markup or as a terminal escape.

    Args:
        checkup: What was measured and found.
        console: Where to print; rich obeys NO_COLOR, FORCE_COLOR, COLUMNS and TERM there.
        verbose: Print all findings, why each matters and when it is wrong, and why which rules could not judge.

    Example:
        >>> from rich.console import Console
        >>> render_checkup_text(checkup, Console(), verbose=True)  # doctest: +SKIP
    """
    write = writer(console)
    console.print(write(verdict(checkup), TONE_STYLES[tone(checkup)]))
    printed = checkup.findings if verbose else checkup.findings[:MOST_FINDINGS]
    for finding in printed:
        console.print()
        print_found(finding, console, write, verbose=verbose)
    if len(printed) < len(checkup.findings):
        console.print(
            write(f"\n{len(checkup.findings) - len(printed):,} more findings; verbose output has all.", "dim")
        )
    table = layers_table(checkup)
    if table is not None:
        console.print()
        print_table(table, console, write, narrow=(0, 2, 3, 6), words=(0, 1))
    console.print()
    console.print(write(trainability_sentence(checkup.trainability)))
    console.print(write(loss_sentence(checkup.evidence.loss)))
    for note in note_points(checkup):
        console.print(write(f"Note: {note}", "dim"))
    _print_unjudged(checkup, console, write, verbose=verbose)


def print_found(finding: Finding, console: Console, write: Callable[..., Text], *, verbose: bool) -> None:
    """Print a finding as a linter does, with its cure below."""
    from rich.padding import Padding

    line = write(f"{shown(finding.source, 400)}: " if finding.source else "")
    line.append_text(write(f"{shown(finding.code, 12)} ", "bold"))
    line.append_text(write(finding.severity, SEVERITY_STYLES[finding.severity]))
    line.append_text(write(f"  {shown(finding.where, 100)}  ", "bold"))
    since = "" if finding.since is None else f"since {shown(finding.since_unit, 12)} {finding.since:,}"
    since = "" if since in finding.evidence else f" {since}"
    line.append_text(write(f"{shown(finding.name)}{since} — {shown(finding.evidence, SENTENCE)}"))
    console.print(line)
    details = [("cure", finding.cure)]
    if verbose:
        details += [("why", finding.why), ("wrong when", finding.when_wrong)]
    for what, sentence in details:
        if sentence:
            console.print(Padding(write(f"{what}: {shown(sentence, SENTENCE)}"), (0, 0, 0, 4)))


def _print_unjudged(checkup: Checkup, console: Console, write: Callable[..., Text], *, verbose: bool) -> None:
    if verbose:
        print_list("Rules that could not judge", unjudged_points(checkup), console, write)
    elif checkup.unjudged:
        console.print(write(f"{unjudged_line(checkup)} Verbose output says why.", "dim"))
