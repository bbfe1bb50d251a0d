"""Pieces of what is printed in a terminal: text that any encoding can carry, headings, lists, findings, tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from justfit.report._document import FindingEntry
from justfit.report._document import Table as Content

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

SEVERITY_STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}
_NARROW = 72  # columns of a terminal below which a table keeps only its most telling columns
_POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
_POWER = re.compile(f"[{_POWERS}]+")
_PLAIN = str.maketrans(
    {
        "λ": "l2", "Σ": "sum ", "±": "+-", "−": "-", "×": "x", "·": "*", "→": "->", "≤": "<=", "…": "...",
        "“": '"', "”": '"', "’": "'", "—": "-", "★": "*", "◆": "#", "≈": "~", "•": "-", "✕": "x", "∞": "inf",
        "∂": "d", "‖": "|", "≥": ">=", "–": "-", "⋮": ":", "√": "sqrt", "σ": "sigma", "φ": "phi", "χ": "chi",
        "▁": "_", "▂": ".", "▃": "-", "▄": "~", "▅": "=", "▆": "+", "▇": "%", "█": "#",
        "\u2068": "", "\u2069": "",
        **dict(zip(_POWERS, "0123456789-", strict=True)),
    }
)  # fmt: skip


def writer(console: Console) -> Callable[..., Text]:
    """Make a function that turns text and style into what `console` can print, in letters that its encoding has."""
    from rich.text import Text

    encoding = console.encoding or "utf-8"

    def write(text: str, style: str = "") -> Text:
        try:
            text.encode(encoding)
        except UnicodeError:
            text = _POWER.sub(r"^\g<0>", text).translate(_PLAIN).encode(encoding, errors="replace").decode(encoding)
        return Text(text, style=style, overflow="fold")

    return write


def print_finding(finding: FindingEntry, console: Console, write: Callable[..., Text]) -> None:
    """Print a finding with its numbers and sentences."""
    from rich.padding import Padding

    heading = write(f"{finding.severity}: ", SEVERITY_STYLES[finding.severity])
    heading.append_text(write(finding.heading, "bold"))
    console.print(heading)
    for line in (finding.measured, *(f"{what}: {sentence}" for what, sentence in finding.details)):
        console.print(Padding(write(line), (0, 0, 0, 2)))


def print_list(heading: str, points: tuple[str, ...], console: Console, write: Callable[..., Text]) -> None:
    """Print a heading and points under it; nothing if there are none."""
    from rich.table import Table

    if not points:
        return
    print_heading(heading, console, write)
    grid = Table.grid(padding=(0, 1))
    for point in points:
        grid.add_row(write("•"), write(point))
    console.print(grid)


def print_heading(heading: str, console: Console, write: Callable[..., Text]) -> None:
    """Print a heading after an empty line."""
    console.print()
    console.print(write(heading, "bold underline"))


def empty_table(caption: str, write: Callable[..., Text]) -> Table:
    """Make a table without rows, in the style of all tables here."""
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, caption=write(caption, "dim"), caption_justify="left", pad_edge=False)


def print_table(
    content: Content,
    console: Console,
    write: Callable[..., Text],
    *,
    narrow: tuple[int, ...],
    words: tuple[int, ...],
    whole: tuple[int, ...] = (),
) -> None:
    """Print a table.

    Args:
        content: The table.
        console: Where to print.
        write: What `writer` made.
        narrow: Indices of the columns that a narrow terminal shows.
        words: Indices of the columns that are set flush left; the others hold numbers.
        whole: Indices of those among them that must not wrap.
    """
    kept = tuple(range(len(content.columns))) if console.width >= _NARROW else narrow
    table = empty_table(content.caption, write)
    for k in kept:
        is_number = k not in words
        # A number that wraps is read wrong: 1.4·10⁻³⁹ would become 1.4·10⁻³.
        table.add_column(
            write(content.columns[k]), justify="right" if is_number else "left", no_wrap=is_number or k in whole
        )
    for row in content.rows:
        table.add_row(*(write(row[k]) for k in kept))
    console.print(table)
