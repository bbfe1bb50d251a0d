"""``justfit report``: a stored record, shown once more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from justfit.cli._check_output import rule_texts_of, show_data, show_text, write_file
from justfit.cli._exits import exit_codes
from justfit.cli._output import refuse_taken
from justfit.errors import ArgumentError, JustFitError, StoredModelError

if TYPE_CHECKING:
    from rich.console import Console

ReportFormat = Literal["html", "text", "json", "sarif"]

Record = Annotated[
    Path,
    typer.Argument(
        metavar="PATH",
        help="The folder that fit, cure, watch or sweep wrote, or a file with one record as JSON.",
        show_default=False,
    ),
]
Form = Annotated[ReportFormat, typer.Option("--output-format", help="What to make of it.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="Where it goes.  [default: a page beside the record, everything else to stdout]",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace FILE if it exists.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="As text: all findings and all numbers.")]


def report(
    record: Record,
    *,
    output_format: Form = "html",
    out: Out = None,
    overwrite: Overwrite = False,
    verbose: Verbose = False,
) -> None:
    """Show a stored record once more.

    Recognises what fit, cure, watch, sweep, check, judge and lab stored or printed as JSON, and writes its page, prints
    it, or lists its findings for other programs. Nothing is trained and torch is not loaded. Exit code 0: done,
    2: wrong input, 3: a fault of justfit.
    """
    with exit_codes(if_interrupted="Nothing was written.", if_out_of_memory="Show it where there is more memory."):
        from justfit.report import load_records, render_page

        stored = load_records(record)
        place = out if out is not None or output_format != "html" else stored.page
        refuse_taken(place, overwrite=overwrite)
        with _numbers_belong_together():
            if place is None or output_format != "html":
                _show(stored.records, output_format, place, verbose=verbose)
            else:
                write_file(place, render_page(_single(stored.records)))


def _show(records: Sequence[Any], form: ReportFormat, out: Path | None, *, verbose: bool) -> None:
    from justfit import __version__
    from justfit.report import codes_in, render_json, render_record_text, render_sarif

    if form == "text":

        def render(console: Console) -> None:
            for one in records:
                render_record_text(one, console, verbose=verbose)

        show_text(render, out)
    elif form == "json":
        show_data(render_json(records[0] if len(records) == 1 else records), out)
    else:
        show_data(render_sarif(records, rule_texts_of(codes_in(records)), __version__), out)


@contextmanager
def _numbers_belong_together() -> Iterator[None]:
    """Blame a record that was changed by hand for what no record of justfit does, and say how to tell."""
    try:
        yield
    except JustFitError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise StoredModelError(
            "The numbers of a stored record must belong together.",
            found=f"`{type(error).__name__}: {error}` where they are shown",
            way_out="Store it again. If nobody changed it, justfit is at fault: JUSTFIT_DEBUG=1 shows where.",
        ) from error


def _single(records: Sequence[Any]) -> Any:
    if len(records) > 1:
        raise ArgumentError(
            "A page shows one record.",
            found=f"{len(records)} runs in one file",
            way_out="Judge one log at a time with `justfit judge --html`, or use `--output-format text`.",
        )
    return records[0]
