"""The lab in a terminal: one row a claim, and what does not hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from justfit.records import LabRecord
from justfit.report._lab_document import ClaimEntry, build_lab_document
from justfit.report._names import shown
from justfit.report._terminal import empty_table, print_list, writer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_STYLES = {"good": "green", "open": "cyan", "bad": "bold red"}


def render_lab_text(record: LabRecord, console: Console, *, files: Mapping[str, object] | None = None) -> None:
    """Print the claims for people: number, mark and finding, then conditions and refinements, then files.

    Args:
        record: What the lab measured.
        console: Where to print.
        files: What each written file is, and where it lies.

    Example:
        >>> from rich.console import Console
        >>> render_lab_text(record, Console())  # doctest: +SKIP
    """
    document, write = build_lab_document(record), writer(console)
    console.print(write(document.subject, "bold"))
    for notice in document.notices:
        console.print(write(f"Note: {notice}", "yellow"))
    table = empty_table("", write)
    table.add_column(write("claim"), no_wrap=True)
    table.add_column(write("mark"))
    table.add_column(write("what was found"))
    for claim in document.claims:
        table.add_row(write(claim.id), write(f"{claim.sign} {claim.mark}", _STYLES[claim.tone]), _found(claim, write))
    console.print(table)
    console.print(write(document.headline, f"bold {_STYLES[document.tone]}"))
    remarks = tuple(f"{claim.id}: {claim.remark}" for claim in document.claims if claim.remark)
    print_list("Conditions and refinements", remarks, console, write)
    if files:
        print_list(
            "Files", tuple(f"{shown(what)}: {shown(str(path), 400)}" for what, path in files.items()), console, write
        )


def _found(claim: ClaimEntry, write: Callable[..., Text]) -> Text:
    text = write(f"{claim.topic}. ", "bold")
    text.append_text(write(claim.heading))
    return text
