"""The document in a terminal: verdict, choice, test, next steps, files; from 40 columns up, with or without colour."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from justfit.records import FitResult, SweepRecord
from justfit.report._build import build_document
from justfit.report._choice import DIVERGED
from justfit.report._document import Document
from justfit.report._names import shown
from justfit.report._numbers import number, setting
from justfit.report._terminal import empty_table, print_finding, print_heading, print_list, writer
from justfit.report._verdict import loss_unit

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_STYLES = {"good": "green", "bad": "yellow", "open": "cyan"}


def render_text(result: FitResult, console: Console, *, files: Mapping[str, object] | None = None) -> None:
    """Print a result for people: verdict, choice, test before and after, next steps, files.

    Nothing in the user's data is taken as rich markup or as a terminal escape. A terminal that cannot show λ or ±
    gets `l2` and `+-`.

    Args:
        result: What a fit found.
        console: Where to print; rich obeys NO_COLOR, FORCE_COLOR, COLUMNS and TERM there.
        files: What each written file is, and where it lies.

    Example:
        >>> from rich.console import Console
        >>> render_text(result, Console(), files={"Report": "digits/report.html"})  # doctest: +SKIP
    """
    document = build_document(result)
    write = writer(console)
    _print_verdict(document, console, write)
    _print_choice(document, result.sweep, console, write)
    _print_test(document, console, write)
    _print_findings(document, console, write)
    print_list("Next steps", document.next_steps, console, write)
    if files:
        print_list(
            "Files", tuple(f"{shown(what)}: {shown(str(path), 400)}" for what, path in files.items()), console, write
        )


def _print_verdict(document: Document, console: Console, write: Callable[..., Text]) -> None:
    from rich.console import Group
    from rich.panel import Panel

    for notice in document.notices:
        console.print(write(f"Note: {notice}", "bold yellow"))
    body = Group(write(document.headline, f"bold {_STYLES[document.tone]}"), write(document.verdict))
    title = write(document.subject, "bold")
    title.truncate(max(console.width - 8, 10), overflow="ellipsis" if console.encoding.startswith("utf") else "crop")
    console.print(Panel(body, title=title, title_align="left", border_style=_STYLES[document.tone], padding=(1, 2)))


def _print_choice(document: Document, record: SweepRecord, console: Console, write: Callable[..., Text]) -> None:
    print_heading("Choice", console, write)
    for sentence in document.choice:
        console.print(write(sentence))
    if len(record.l2) * len(record.dropout) > 1 and 10 + 10 * len(record.dropout) <= console.width:
        console.print()
        console.print(_grid(record, write))


def _grid(record: SweepRecord, write: Callable[..., Text]) -> Table:
    table = empty_table(
        f"Validation loss in {loss_unit(record.unit)}. ★ best, ◆ chosen, ≈ cannot be told from the best", write
    )
    table.add_column(write("λ"), justify="right")
    for dropout in record.dropout:
        table.add_column(write(f"p={setting(dropout, 2)}"), justify="right")
    for i, l2 in enumerate(record.l2):
        cells = []
        for j, loss in enumerate(record.validation_loss[i]):
            mark = "".join(m for m, cell in (("★", record.best), ("◆", record.chosen)) if cell == (i, j))
            mark = mark or ("≈" if record.ridge[i][j] else "")
            value = number(loss) if math.isfinite(loss) else DIVERGED
            cells.append(write(f"{mark}{value}", "bold" if record.ridge[i][j] else "dim"))
        table.add_row(write(setting(l2, 2)), *cells)
    return table


def _print_test(document: Document, console: Console, write: Callable[..., Text]) -> None:
    section = document.test
    print_heading(section.heading, console, write)
    for sentence in section.sentences:
        console.print(write(sentence))
    for content in section.tables:
        console.print()
        table = empty_table(content.caption, write)
        for k, heading in enumerate(content.columns):
            table.add_column(write(heading), justify="right" if k else "left")
        for row in content.rows:
            table.add_row(*(write(cell) for cell in row))
        console.print(table)


def _print_findings(document: Document, console: Console, write: Callable[..., Text]) -> None:
    findings = [finding for section in document.sections for finding in section.findings]
    if findings:
        print_heading("Findings", console, write)
    for finding in findings:
        print_finding(finding, console, write)
