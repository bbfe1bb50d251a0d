"""What `justfit check` prints and writes, and the pieces of it that `justfit judge` shares."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from justfit.cli._config import FailOn, OutputFormat
from justfit.cli._exits import say
from justfit.cli._output import open_console, print_data
from justfit.cli._select import Selection
from justfit.records import Checkup, Judgement, RuleText, SchemeComparison

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 120  # of text in a file


def show_checkup(
    checkup: Checkup,
    form: OutputFormat,
    *,
    selection: Selection,
    fail_on: FailOn,
    verbose: bool,
    out: Path | None,
    html: Path | None,
) -> None:
    """Print a checkup or write it to a file, and its page if asked for."""
    from justfit import report

    if form == "text":
        show_text(lambda console: report.render_checkup_text(checkup, console, verbose=verbose), out)
    else:
        from justfit.rules import SignalRule

        show_data(as_data(checkup, form, rule_texts(selection, SignalRule), fail_on), out)
    if html is not None:
        write_file(html, report.render_checkup_html(checkup))


def show_comparison(comparison: SchemeComparison, form: OutputFormat, *, out: Path | None, html: Path | None) -> None:
    """Print a comparison of schemes or write it to a file, and its page if asked for."""
    from justfit import report

    if form == "text":
        show_text(lambda console: report.render_comparison_text(comparison, console), out)
    else:
        show_data(report.render_json(comparison), out)
    if html is not None:
        write_file(html, report.render_comparison_html(comparison))


def rule_texts(selection: Selection, kind: type) -> tuple[RuleText, ...]:
    """Put the selected rules of a kind into the words that reports for programs want."""
    from justfit.rules import RULES

    return rule_texts_of([code for code, rule in RULES.items() if issubclass(rule, kind) and selection.keeps(code)])


def rule_texts_of(codes: Iterable[str]) -> tuple[RuleText, ...]:
    """Put rules into the words that reports for programs want; what is no code of a rule is left out."""
    from justfit.rules import RULES, describe

    return tuple(
        RuleText(
            code=rule.code,
            name=rule.name,
            severity=rule.severity,
            summary=rule.summary,
            help="\n\n".join(f"{heading}\n\n{text}" for heading, text in rule.sections.items()),
        )
        for rule in map(describe, [code for code in codes if code in RULES])
    )


def as_data(
    found: Checkup | Sequence[Judgement], form: OutputFormat, rules: Sequence[RuleText], fail_on: FailOn
) -> str:
    """Render for programs."""
    from justfit import __version__, report

    if form == "sarif":
        return report.render_sarif(found, rules, __version__)
    if form == "github":
        return report.render_github(found)
    if form == "junit":  # it has no word for "never": a test that never fails is none
        threshold = "error" if fail_on == "never" else fail_on
        return report.render_junit(found, rules, fail_on=threshold)
    if isinstance(found, Checkup):
        return report.render_json(found)
    return report.render_json(found[0] if len(found) == 1 else found)


def show_text(render: Callable[[Console], None], out: Path | None) -> None:
    """Print for people, or write the text to a file."""
    if out is None:
        with open_console() as console:
            render(console)
        return
    from rich.console import Console

    text = io.StringIO()
    render(Console(file=text, width=WIDTH, highlight=False, color_system=None))
    write_file(out, text.getvalue())


def show_data(text: str, out: Path | None) -> None:
    """Print for programs, or write the text to a file."""
    if out is not None:
        write_file(out, text if text.endswith("\n") or not text else text + "\n")
    elif text:  # no annotations for GitHub are no line
        print_data(text)


def write_file(path: Path, text: str) -> None:
    """Write a file and say so."""
    from justfit.report import write_atomically

    write_atomically(path, text)
    say(f"written: {path}")
