"""``justfit explain``: one rule's page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from justfit.cli._exits import exit_codes
from justfit.cli._output import open_console, print_data

if TYPE_CHECKING:
    from rich.console import Console

    from justfit.rules import Alias, RuleDescription

PageFormat = Annotated[Literal["text", "json"], typer.Option("--output-format", help="What to print.")]


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A rule's code, such as JF204.")],
    *,
    output_format: PageFormat = "text",
) -> None:
    """Explain a rule.

    Says how it is detected, with its thresholds, why it matters, when it is wrong, and what helps. The name of a rule
    of SageMaker Debugger, such as DeadRelu, leads to the rules that look at the same thing.
    """
    with exit_codes(if_interrupted="Nothing was printed."):
        from justfit.rules import codes_of, describe, find_alias

        pages = [describe(found) for found in codes_of(code) or (code,)]
        alias = find_alias(code)
        if output_format == "json":
            page = asdict(pages[0]) if alias is None else {**asdict(alias), "pages": [asdict(page) for page in pages]}
            print_data(json.dumps(page, ensure_ascii=False, indent=2))
        else:
            _print_pages(pages, alias)


def _print_pages(pages: list[RuleDescription], alias: Alias | None) -> None:
    from rich.text import Text

    with open_console() as console:
        if alias is not None:
            console.print(Text(f"{alias.name} of SageMaker Debugger: {', '.join(alias.codes)}", style="bold"))
            console.print(Text(f"\nThere it fires when: {alias.fires}.\n\n{alias.note}\n"))
        for number, page in enumerate(pages):
            if number:
                console.print()
            _print_page(page, console)


def _print_page(rule: RuleDescription, console: Console) -> None:
    from rich.padding import Padding
    from rich.text import Text

    console.print(Text(f"{rule.code}  {rule.name} ({rule.severity})", style="bold"))
    console.print(Text(f"\n{rule.summary}"))
    for heading, text in rule.sections.items():
        console.print(Text(f"\n{heading}", style="bold underline"))
        for number, (is_formula, paragraph) in enumerate(paragraphs(text)):
            if number:
                console.print()
            line = Text(paragraph)
            console.print(Padding(line, (0, 0, 0, 4), expand=False) if is_formula else line)


def paragraphs(text: str) -> Iterator[tuple[bool, str]]:
    r"""Split the reStructuredText of a section into paragraphs of one line; formulas are marked.

    >>> list(paragraphs(".. math:: a\n          > b\n\nwith :math:`b`\n= 3."))
    [(True, 'a > b'), (False, 'with b = 3.')]
    """
    for block in re.split(r"\n\s*\n", text):
        is_formula = block.startswith(".. math::")
        words = " ".join(block.removeprefix(".. math::").split())
        yield is_formula, re.sub(r":\w+:`([^`]*)`", r"\1", words)
