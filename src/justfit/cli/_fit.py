"""``justfit fit``: a table in, a network that fits out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from justfit.cli._exits import INTERRUPTED, exit_codes, say
from justfit.cli._output import open_console, print_data
from justfit.cli._progress import show_progress

if TYPE_CHECKING:
    from justfit.estimators import TableFit


Table = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="A CSV, TSV or Parquet file (also .gz), or a set that is always there: digits, breast_cancer, wine, "
        "diabetes.",
    ),
]
Target = Annotated[
    str | None,
    typer.Option("--target", "-t", metavar="COLUMN", help="The column to predict. Not needed for the named sets."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="Where to write.  [default: ./justfit-<name of the table>]"),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace DIR if it exists.")]
Task = Annotated[
    Literal["auto", "classification", "regression"],
    typer.Option("--task", help="What to learn; auto looks at the target and says what it took."),
]
Quick = Annotated[bool, typer.Option("--quick", help="A coarse first look: fewer settings and epochs.")]
Budget = Annotated[
    float | None,
    typer.Option("--budget", metavar="SECONDS", min=1.0, help="Stop after this time with the best so far."),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Same seed, same result.")]
Hidden = Annotated[
    str | None, typer.Option("--hidden", metavar="64,64", help="Units per hidden layer; chosen by default.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON instead of the report.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Neither progress nor report; the result is in DIR.")]


def fit(
    table: Table,
    *,
    target: Target = None,
    out: Out = None,
    overwrite: Overwrite = False,
    task: Task = "auto",
    quick: Quick = False,
    budget: Budget = None,
    seed: Seed = 0,
    hidden: Hidden = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find the network that fits your table.

    Says whether the network overfits or underfits without regularization, tries a grid of L2 and dropout settings
    with cross-validation, keeps them only where they are distinguishably better than none, compares before and after on
    rows that no network has seen, and writes report.html, result.json and the model to DIR.
    """
    hidden_layer_sizes = _read_sizes(hidden)
    with exit_codes(if_interrupted="Nothing was written."):
        with show_progress(quiet=quiet) as on_progress:
            from justfit.estimators import fit_table

            fitted = fit_table(
                table,
                target=target,
                task=task,
                out=out,
                overwrite=overwrite,
                quick=quick,
                budget_seconds=budget,
                seed=seed,
                hidden_layer_sizes=hidden_layer_sizes,
                on_progress=on_progress,
            )
        _print_fit(fitted, as_json=as_json, quiet=quiet)
        if fitted.interrupted_by_user:
            say("interrupted: This is the best network so far; a full run may choose differently.")
            raise typer.Exit(INTERRUPTED)


def _print_fit(fitted: TableFit, *, as_json: bool, quiet: bool) -> None:
    from justfit.report import render_json, render_text

    if as_json:
        print_data(render_json(fitted.result))
    elif not quiet:
        with open_console() as console:
            render_text(fitted.result, console)
            console.print()
            for name, path in fitted.files.items():
                console.print(f"{name:<14} {path}", markup=False, soft_wrap=True)


def _read_sizes(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        sizes = tuple(int(word) for word in text.split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise typer.BadParameter(f"{text!r} is not a list of layer sizes such as 64,64.", param_hint="'--hidden'")
    return sizes
