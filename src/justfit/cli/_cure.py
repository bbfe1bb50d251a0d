"""``justfit cure``: why a training fails, and what is proven to cure it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from justfit.cli._check_run import prints_to_stderr
from justfit.cli._exits import FOUND, INTERRUPTED, exit_codes, say
from justfit.cli._output import open_console, print_data
from justfit.cli._progress import show_progress

if TYPE_CHECKING:
    from justfit.repair import Cure

Recipe = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="package.module:name or path/to/file.py:name of a function that returns the arguments of justfit.cure "
        "(build, train, validation, loss_fn, optimizer, learning_rate, epochs, …), or of a mapping of them.",
    ),
]
Budget = Annotated[
    float | None,
    typer.Option("--budget", metavar="TRAININGS", min=1.0, help="Trainings that may be spent in all.  [default: 3]"),
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", min=0, help="Same seed, same result.  [default: 0]")]
Json = Annotated[bool, typer.Option("--json", help="Print the record as JSON instead of the report.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="DIR", help="New or empty folder for record, report, patch and weights."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Neither progress nor report.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="All findings as well.")]


def cure(
    recipe: Recipe,
    *,
    budget: Budget = None,
    seed: Seed = None,
    as_json: Json = False,
    out: Out = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find out by intervention why a training fails, and prove what cures it.

    Checks the network, trains it as given, tries what the findings point to in counterfactual runs with the same random
    draws, and names the smallest change that is as good as the best. Exit code 0: nothing to repair, 1: a fault was
    seen, cured or not, 2: wrong input, 3: a fault of justfit.
    """
    with exit_codes(
        if_interrupted="Nothing was written.",
        if_out_of_memory="Give fewer rows, or a smaller batch.",
    ):
        with prints_to_stderr():
            from justfit.repair import cure as find_cure
            from justfit.repair import load_recipe

            arguments = load_recipe(recipe, seed=seed or 0)
        given = {"budget": budget, "seed": seed, "out": out}
        arguments |= {name: value for name, value in given.items() if value is not None}
        with show_progress(quiet=quiet) as on_progress, prints_to_stderr():
            found = find_cure(**{**arguments, "on_progress": on_progress})
        _print(found, as_json=as_json, quiet=quiet, verbose=verbose)
        if arguments.get("out") is not None and not quiet:
            say(f"written: {Path(arguments['out']) / 'report.html'}")
        if found.record.interrupted:
            say("interrupted: This is the best so far; a full run may choose differently.")
            raise typer.Exit(INTERRUPTED)
        if found.state != "nothing to repair":
            raise typer.Exit(FOUND)


def _print(found: Cure, *, as_json: bool, quiet: bool, verbose: bool) -> None:
    from justfit.records import to_json

    if as_json:
        print_data(to_json(found.record))
    elif not quiet:
        with open_console() as console:
            found.summary(console, verbose=verbose)
