"""``justfit judge``: the log of a finished or running training, judged."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from justfit.cli._check import Fail, Form, Html, Ignore, Select
from justfit.cli._config import read_settings
from justfit.cli._exits import FOUND, exit_codes
from justfit.cli._judge_run import Reference, judge_logs, judgement_fails, show_judgements
from justfit.cli._select import selection_of

Logs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE…",
        help="Logs, folders of logs, or patterns such as 'runs/*/metrics.csv'; - reads stdin. CSV, JSON, JSON lines, "
        "Parquet, TensorBoard event files, Trackio and MLflow databases.",
        show_default=False,
    ),
]
Train = Annotated[str | None, typer.Option("--train", metavar="COLUMN", help="Column of the train losses.")]
Validation = Annotated[
    str | None, typer.Option("--validation", metavar="COLUMN", help="That of the validation losses.")
]
Epoch = Annotated[str | None, typer.Option("--epoch", metavar="COLUMN", help="Column that counts epochs or steps.")]
Direction = Annotated[
    Literal["minimize", "maximize"] | None,
    typer.Option("--direction", help="Which way is better; told by the metric's name where it can be."),
]
Kind = Annotated[
    str | None,
    typer.Option("--kind", metavar="TOOL", help="Tool that wrote the log, such as keras; recognised if not."),
]
ReferenceLoss = Annotated[
    float | None,
    typer.Option("--reference", metavar="LOSS", help="Validation loss of a reference, to judge underfitting."),
]
ReferenceName = Annotated[str, typer.Option("--reference-name", metavar="TEXT", help="What the reference is.")]
Constant = Annotated[
    float | None, typer.Option("--constant", metavar="LOSS", help="Validation loss of the best constant prediction.")
]
Unit = Annotated[str, typer.Option("--unit", metavar="TEXT", help="Unit of the losses, such as nats.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write there instead of to stdout.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="All numbers, and when each finding may be wrong.")]


def judge(
    logs: Logs = None,
    *,
    train: Train = None,
    validation: Validation = None,
    epoch: Epoch = None,
    direction: Direction = None,
    kind: Kind = None,
    reference: ReferenceLoss = None,
    reference_name: ReferenceName = "",
    constant: Constant = None,
    unit: Unit = "",
    select: Select = None,
    ignore: Ignore = None,
    fail_on: Fail = None,
    output_format: Form = None,
    out: Out = None,
    html: Html = None,
    verbose: Verbose = False,
) -> None:
    """Judge the log of a training run.

    Says whether the network underfits, fits or overfits, with a probability, which epoch to keep, and which columns it
    took. Reads what Lightning, Keras, Hugging Face, TensorBoard, W&B, Trackio, MLflow, fastai, Ultralytics, skorch and
    justfit itself write. Exit code 0: nothing found, 1: a finding
    reaches --fail-on, or, with --fail-on info or warning, the network overfits or underfits (unless JF105 or JF107 is
    ignored), 2: wrong input, 3: a fault of justfit.
    """
    with exit_codes(
        if_interrupted="Nothing was written.",
        if_out_of_memory="Export only the columns of the losses, or one row per epoch.",
    ):
        settings = read_settings(Path.cwd())
        form = output_format or settings.output_format or "text"
        selection = selection_of(settings, select, ignore)
        threshold = fail_on or settings.fail_on or "warning"
        judgements = judge_logs(
            logs or [],
            (train, validation, epoch),
            direction,
            kind,
            Reference(
                loss=math.nan if reference is None else reference,
                name=reference_name,
                constant=math.nan if constant is None else constant,
                unit=unit,
            ),
            keeps=selection.keeps,
        )
        show_judgements(judgements, form, selection=selection, fail_on=threshold, verbose=verbose, out=out, html=html)
        if any(judgement_fails(judgement, selection, threshold) for judgement in judgements):
            raise typer.Exit(FOUND)
