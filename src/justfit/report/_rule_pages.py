"""The pages of rules that a report holds beside its findings, and the figures on which a finding can be seen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from justfit.report._document import Document, FigureKey, FindingEntry, SignalDocument

# By the first digits of a code; of the figures named, a page has some.
_PICTURES: tuple[tuple[str, tuple[FigureKey, ...]], ...] = (
    ("JF101", ("history", "path", "curves")),
    ("JF102", ("history", "path", "curves")),
    ("JF103", ("history", "curves")),
    ("JF104", ("map", "curves")),
    ("JF1", ("history", "curves")),
    ("JF203", ("signal",)),
    ("JF204", ("signal",)),
    ("JF2", ("gradient", "signal", "layer_gradients")),
    ("JF3", ("signal",)),
    ("JF402", ("loss", "last_steps")),
    ("JF403", ("layer_gradients",)),
    ("JF404", ("layer_gradients", "loss")),
    ("JF405", ("layers_off",)),
    ("JF406", ("layers_off",)),
    ("JF407", ("updates", "loss")),
    ("JF408", ("updates", "loss")),
    ("JF415", ("updates", "layer_gradients")),
    ("JF4", ("loss", "layer_gradients", "updates", "history", "curves")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePage:
    """The page of a rule, generated from the rule itself; summary and sections are markup.

    Attributes:
        code, name, severity: Of the rule.
        summary: What it finds.
        sections: (heading, text) pairs.
    """

    code: str
    name: str
    severity: str
    summary: str
    sections: tuple[tuple[str, str], ...]


def rule_page(code: str) -> RulePage | None:
    """Find the page of a rule; None for a code that has none, such as one of an older version."""
    return _pages().get(code)


def rule_pages(document: Document | SignalDocument) -> list[RulePage]:
    """Collect the pages of all rules that found something, each once, by code."""
    codes = {finding.code for section in document.sections for finding in section.findings}
    return [page for code, page in _pages().items() if code in codes]


def pictures_of(code: str) -> tuple[FigureKey, ...]:
    """Name the figures that may show what a rule found, the most telling first."""
    return next((keys for start, keys in _PICTURES if code.startswith(start)), ())


def picture_of(
    finding: FindingEntry, document: Document | SignalDocument, drawings: Mapping[str, Sequence[str]]
) -> FigureKey | None:
    """Choose the figure of a page on which a finding can be seen; None where the page has none."""
    there = {figure.key for section in document.sections for figure in section.figures if drawings.get(figure.key)}
    return next((key for key in finding.pictures if key in there), None)


@cache
def _pages() -> dict[str, RulePage]:
    from markupsafe import Markup

    stored = json.loads((files("justfit.report") / "assets" / "rules.json").read_text(encoding="utf-8"))
    # Safe: the file is ours, written by docs/generate_rules.py, which escapes all text.
    return {
        code: RulePage(
            code=code,
            name=page["name"],
            severity=page["severity"],
            summary=Markup(page["summary"]),  # noqa: S704
            sections=tuple((heading, Markup(text)) for heading, text in page["sections"]),  # noqa: S704
        )
        for code, page in stored.items()
    }
