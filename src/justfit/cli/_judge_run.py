"""The reading, judging and showing that `justfit judge` asks for."""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from justfit.cli._check_output import as_data, rule_texts, show_data, show_text, write_file
from justfit.cli._config import FailOn, OutputFormat
from justfit.cli._select import Selection, fails
from justfit.errors import ArgumentError, LogNotFoundError
from justfit.records import Direction, Finding, Judgement

if TYPE_CHECKING:
    from rich.console import Console

STDIN = "-"
STATE_CODES = {"overfitting": "JF105", "underfitting": "JF107"}  # the rule that a state belongs to
OPTIONS = (("`reference_loss`", "`--reference`"), ("`direction='maximize'`", "`--direction maximize`"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What the run is held against; NaN where it is not known.

    Attributes:
        loss: Validation loss of a named reference.
        name: What it is, in words.
        constant: Validation loss of the best constant prediction.
        unit: Of the losses.
    """

    loss: float
    name: str
    constant: float
    unit: str


def judge_logs(
    logs: Sequence[str],
    columns: tuple[str | None, str | None, str | None],
    direction: Direction | None,
    kind: str | None,
    reference: Reference,
    *,
    keeps: Callable[[str, str], bool],
) -> list[Judgement]:
    """Read and judge every run of every log, in the order given.

    Args:
        logs: Files, folders, patterns, `-` for stdin.
        columns: Train, validation and epoch column.
        direction: Which way is better.
        kind: Tool that wrote them.
        reference: What they are held against.
        keeps: Which findings are kept, by code and place.

    Raises:
        ArgumentError: No log is named.
        LogError: One cannot be read.
    """
    from justfit.logs import read_runs
    from justfit.rules import judge_history

    judgements = []
    for log in _expanded(logs):
        readable = sys.stdin.buffer if log == STDIN else log
        for history, recorded in read_runs(readable, columns, direction, kind):
            verdict = judge_history(
                history,
                reference_loss=reference.loss,
                reference_name=reference.name,
                constant_loss=reference.constant,
                unit=reference.unit,
            )
            verdict = replace(verdict, notes=tuple(map(_for_the_command_line, verdict.notes)))
            every = _merged(verdict.findings, recorded)
            findings = tuple(finding for finding in every if keeps(finding.code, finding.where))
            judgements.append(Judgement(history=history, verdict=replace(verdict, findings=findings)))
    return judgements


def judgement_fails(judgement: Judgement, selection: Selection, fail_on: FailOn) -> bool:
    """Say whether a finding is of severity `fail_on` or above, or the fit is wrong, which counts as a warning.

    Where the rule of a state is not selected (JF105 of overfitting, JF107 of underfitting), its state does not count.
    """
    code = STATE_CODES.get(judgement.verdict.state)
    wrong = code is not None and fail_on in ("info", "warning") and selection.keeps(code, "network")
    return wrong or fails(judgement.verdict, fail_on)


def _for_the_command_line(note: str) -> str:
    """Name the options of the command line in place of the arguments of `justfit.judge`."""
    return reduce(lambda text, names: text.replace(*names), OPTIONS, note)


def show_judgements(
    judgements: Sequence[Judgement],
    form: OutputFormat,
    *,
    selection: Selection,
    fail_on: FailOn,
    verbose: bool,
    out: Path | None,
    html: Path | None,
) -> None:
    """Print the verdicts or write them to a file, and the page if asked for.

    Raises:
        ArgumentError: A page is asked for of more than one run.
    """
    from justfit import report
    from justfit.rules import HistoryRule

    if html is not None and len(judgements) > 1:
        raise ArgumentError(
            "`--html` makes the page of one run.",
            found=f"{len(judgements)} runs",
            way_out="Name one log with `--html`.",
        )

    def render(console: Console) -> None:
        for number, judgement in enumerate(judgements):
            if number:
                console.print()
            if len(judgements) > 1:
                console.rule(judgement.history.source.replace("[", r"\["), align="left", characters="-")
            report.render_verdict_text(judgement.verdict, judgement.history, console, verbose=verbose)

    if form == "text":
        show_text(render, out)
    else:
        show_data(as_data(judgements, form, rule_texts(selection, HistoryRule), fail_on), out)
    if html is not None:
        write_file(html, report.render_verdict_html(judgements[0].verdict, judgements[0].history))


def _expanded(logs: Sequence[str]) -> list[str]:
    if not logs:
        raise ArgumentError(
            "A log must be named.", found="none", way_out="Write `justfit judge metrics.csv`, or `-` to read stdin."
        )
    found: list[str] = []
    for log in logs:
        if log == STDIN or not glob.has_magic(log) or Path(log).exists():
            found.append(log)
            continue
        matched = sorted(glob.glob(log, recursive=True))  # noqa: PTH207 - absolute patterns, which Path.glob refuses
        if not matched:
            raise LogNotFoundError(
                "A pattern must match at least one log.", found=f"none for `{log}`", way_out="Check the pattern."
            )
        found += matched
    return list(dict.fromkeys(found))


def _merged(judged: Sequence[Finding], recorded: Sequence[Finding]) -> list[Finding]:
    """Put what was found while the run was watched before what its history shows, each rule and place once."""
    places = {(finding.code, finding.where) for finding in judged}
    return [*(f for f in recorded if (f.code, f.where) not in places), *judged]
