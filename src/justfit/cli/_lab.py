"""``justfit lab``: the lecture's claims, each an experiment that runs now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from justfit.cli._exits import FOUND, INTERRUPTED, exit_codes, say
from justfit.cli._lab_serve import refuse_with_serve, refuse_without_serve, serve
from justfit.cli._output import open_console, print_data, refuse_taken
from justfit.cli._progress import show_progress

if TYPE_CHECKING:
    from justfit.records import LabRecord

DEFAULT_PAGE = Path("justfit-lab.html")

Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help=f"Where the page goes.  [default: ./{DEFAULT_PAGE}]"),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace FILE if it exists.")]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer seeds and epochs: under a minute.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Same seed, same numbers.")]
Data = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="TABLE", help="Measure on this table, as `justfit fit` takes it.  [default: digits]"
    ),
]
Target = Annotated[str | None, typer.Option("--target", "-t", metavar="COLUMN", help="The column of TABLE to predict.")]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns", metavar="A,B", help="Of the live lab: the two columns of TABLE to play with.  [default: by merit]"
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print all numbers as JSON; a page is then written only where --out says.")
]
Serve = Annotated[
    bool, typer.Option("--serve", help="Open the live lab in the browser instead: a playground, and the claims.")
]
Port = Annotated[
    int, typer.Option("--port", metavar="N", min=0, max=65_535, help="Of the live lab; 0 takes one that is free.")
]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Print the address of the live lab, open no browser.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Neither progress nor summary.")]


def lab(
    *,
    out: Out = None,
    overwrite: Overwrite = False,
    quick: Quick = False,
    seed: Seed = 0,
    data: Data = None,
    target: Target = None,
    columns: Columns = None,
    as_json: Json = False,
    as_server: Serve = False,
    port: Port = 0,
    no_browser: NoBrowser = False,
    quiet: Quiet = False,
) -> None:
    """See the 17 claims of the lecture, measured now.

    Runs one experiment a claim on real rows (digits, or your table), holds every number against the range that theory,
    its standard error or rounding gives it, and writes one page with the pictures. With --serve nothing is written: a
    playground opens in the browser, for this machine only, where the claims can be measured too. Exit code 0: no claim
    is refuted, 1: a claim is, 2: wrong input, 3: a fault of justfit.
    """
    if as_server:
        with exit_codes(if_interrupted="The lab did not open."):
            refuse_with_serve({"--out": out is not None, "--overwrite": overwrite, "--json": as_json, "--quick": quick})
            serve(
                data=data,
                target=target,
                columns=columns,
                seed=seed,
                port=port,
                browser=not no_browser,
                quiet=quiet,
            )
        return
    page = out if out is not None or as_json else DEFAULT_PAGE
    with exit_codes(if_interrupted="Nothing was written."):
        refuse_without_serve({"--columns": columns is not None, "--port": port != 0, "--no-browser": no_browser})
        refuse_taken(page, overwrite=overwrite)
        with show_progress(quiet=quiet) as on_progress:
            from justfit.lab import run_lab

            record = run_lab(data, target=target, quick=quick, seed=seed, on_progress=on_progress)
        _show(record, page, as_json=as_json, quiet=quiet)
        if record.interrupted:
            say(f"interrupted: {len(record.claims)} claims are done and kept.")
            raise typer.Exit(INTERRUPTED)
        if record.refuted:
            raise typer.Exit(FOUND)


def _show(record: LabRecord, page: Path | None, *, as_json: bool, quiet: bool) -> None:
    from justfit.report import render_json, render_lab_html, render_lab_text, write_atomically

    if page is not None:
        write_atomically(page, render_lab_html(record))
    if as_json:
        print_data(render_json(record))
    elif not quiet:
        with open_console() as console:
            render_lab_text(record, console, files={"Page": page})
