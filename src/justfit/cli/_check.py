"""``justfit check``: a network before training, checked as a linter checks code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from justfit.cli._check_output import show_checkup, show_comparison
from justfit.cli._check_run import prints_to_stderr, run_check, run_compare
from justfit.cli._config import FailOn, OutputFormat, read_settings
from justfit.cli._exits import FOUND, exit_codes
from justfit.cli._select import fails, keep_findings, selection_of
from justfit.errors import ArgumentError

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="MODULE",
        help="package.module:name or path/to/file.py:name of a network, its class, or a function that returns it, or "
        "(module, inputs, targets, loss_fn).",
        show_default=False,
    ),
]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="64,3,32,32",
        help="Shape of random inputs; 64,128:int1000 for whole numbers below 1000, mask=64,128 for a keyword. Repeat "
        "for several inputs.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="FILE", help="Take the batch from .npy, .npz, .safetensors, .pt, CSV or Parquet."),
]
Target = Annotated[
    str | None, typer.Option("--target", "-t", metavar="COLUMN", help="Column of a table that is learned.")
]
Classes = Annotated[
    int | None, typer.Option("--classes", metavar="C", min=2, help="Random labels of C classes, and cross entropy.")
]
BatchSize = Annotated[int | None, typer.Option("--batch", metavar="N", min=1, help="Examples.  [default: 64]")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Same seed, same network and inputs.")]
Select = Annotated[
    list[str] | None,
    typer.Option("--select", metavar="CODES", help="Only these rules: JF204, or JF2 for all that begin so."),
]
Ignore = Annotated[list[str] | None, typer.Option("--ignore", metavar="CODES", help="Not these rules.")]
Fail = Annotated[FailOn | None, typer.Option("--fail-on", help="Least severity for exit code 1.  [default: warning]")]
Form = Annotated[OutputFormat | None, typer.Option("--output-format", help="What to print.  [default: text]")]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write there instead of to stdout.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with figures as well.")]
Compare = Annotated[
    str | None,
    typer.Option("--compare", metavar="SCHEMES", help="Compare initializations: zero,normal:0.01,xavier,he,auto."),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="All layers and all numbers.")]


def check(
    module: Name = None,
    *,
    inputs: Input = None,
    data: Data = None,
    target: Target = None,
    classes: Classes = None,
    batch: BatchSize = None,
    seed: Seed = 0,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: Fail = None,
    output_format: Form = None,
    out: Out = None,
    html: Html = None,
    compare: Compare = None,
    verbose: Verbose = False,
) -> None:
    """Check a network before training.

    Runs one forward and one backward pass and says where signal or gradient vanish or explode, which units are dead,
    which initialization is wrong, and whether the network will train. Exit code 0: nothing found, 1: something found,
    2: wrong input, 3: a fault of justfit. Defaults stand in [tool.justfit] of pyproject.toml.
    """
    with exit_codes(
        if_interrupted="Nothing was written.",
        if_out_of_memory="Use a smaller batch with `--batch`, or smaller inputs.",
    ):
        settings = read_settings(Path.cwd())
        form = output_format or settings.output_format or "text"
        selection = selection_of(settings, select, ignore)
        _refuse_form(form, compare)
        threshold = fail_on or settings.fail_on or "warning"
        with prints_to_stderr():
            from justfit.checkup import load_subject

            subject = load_subject(
                _required(module or settings.module),
                inputs=inputs or (() if data is not None else settings.input),
                data=data,
                target_column=target,
                num_classes=classes,
                batch_size=batch,
                seed=seed,
            )
        if compare is not None:
            show_comparison(run_compare(subject, compare, seed), form, out=out, html=html)
            return
        checkup = keep_findings(run_check(subject), selection)
        show_checkup(checkup, form, selection=selection, fail_on=threshold, verbose=verbose, out=out, html=html)
        if fails(checkup, threshold):
            raise typer.Exit(FOUND)


def _required(module: str | None) -> str:
    if module is None:
        raise ArgumentError(
            "A network must be named.",
            found="none",
            way_out="Write `justfit check package.module:name`, or set `module` in `[tool.justfit]`.",
        )
    return module


def _refuse_form(form: OutputFormat, compare: str | None) -> None:
    if compare is not None and form not in ("text", "json"):
        raise ArgumentError(
            "A comparison is printed as text or json.",
            found=f"`{form}`",
            way_out="Use `--output-format text` with `--compare`, and `--html` for the figures.",
        )
