"""What `justfit check` prints and writes."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from justfit.cli._config import FailOn, OutputFormat
from justfit.cli._exits import say
from justfit.cli._output import open_console, print_data
from justfit.cli._select import Selection
from justfit.records import Checkup, RuleText, SchemeComparison

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
        _show_text(lambda console: report.render_checkup_text(checkup, console, verbose=verbose), out)
    else:
        _show_data(_as_data(checkup, form, selection, fail_on), out)
    if html is not None:
        _write(html, report.render_checkup_html(checkup))


def show_comparison(comparison: SchemeComparison, form: OutputFormat, *, out: Path | None, html: Path | None) -> None:
    """Print a comparison of schemes or write it to a file, and its page if asked for."""
    from justfit import report

    if form == "text":
        _show_text(lambda console: report.render_comparison_text(comparison, console), out)
    else:
        _show_data(report.render_json(comparison), out)
    if html is not None:
        _write(html, report.render_comparison_html(comparison))


def rule_texts(selection: Selection) -> tuple[RuleText, ...]:
    """Put the selected rules that a check runs into the words that reports for programs want."""
    from justfit.rules import RULES, SignalRule, describe

    codes = [code for code, rule in RULES.items() if issubclass(rule, SignalRule) and selection.keeps(code)]
    return tuple(
        RuleText(
            code=rule.code,
            name=rule.name,
            severity=rule.severity,
            summary=rule.summary,
            help="\n\n".join(f"{heading}\n\n{text}" for heading, text in rule.sections.items()),
        )
        for rule in map(describe, codes)
    )


def _as_data(checkup: Checkup, form: OutputFormat, selection: Selection, fail_on: FailOn) -> str:
    from justfit import __version__, report

    if form == "sarif":
        return report.render_sarif(checkup, rule_texts(selection), __version__)
    if form == "github":
        return report.render_github(checkup)
    if form == "junit":  # it has no word for "never": a test that never fails is none
        threshold = "error" if fail_on == "never" else fail_on
        return report.render_junit(checkup, rule_texts(selection), fail_on=threshold)
    return report.render_json(checkup)


def _show_text(render: Callable[[Console], None], out: Path | None) -> None:
    if out is None:
        with open_console() as console:
            render(console)
        return
    from rich.console import Console

    text = io.StringIO()
    render(Console(file=text, width=WIDTH, highlight=False, color_system=None))
    _write(out, text.getvalue())


def _show_data(text: str, out: Path | None) -> None:
    if out is not None:
        _write(out, text if text.endswith("\n") or not text else text + "\n")
    elif text:  # no annotations for GitHub are no line
        print_data(text)


def _write(path: Path, text: str) -> None:
    from justfit.report import write_atomically

    write_atomically(path, text)
    say(f"written: {path}")
