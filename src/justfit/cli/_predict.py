"""``justfit predict``: the kept network on new rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from justfit.cli._exits import exit_codes, say
from justfit.cli._output import print_data


def predict(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="What `justfit fit --out DIR` wrote.")],
    table: Annotated[str, typer.Argument(metavar="TABLE", help="New rows with the columns of the first table.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="CSV, TSV or Parquet by its ending.  [default: CSV to stdout]"
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes on how the columns were matched.")] = False,
) -> None:
    """Predict new rows with the network in DIR.

    Writes one row per row of TABLE: the prediction and, for classes, their probabilities. Columns that the network
    never saw are left out and said; a column that it needs and does not find is an error.
    """
    with exit_codes(if_interrupted="No predictions were written."):
        from justfit.estimators import predict_table

        predicted = predict_table(directory, table, out=out)
        if out is None:
            print_data(predicted.frame.write_csv())
        if not quiet:
            for note in predicted.notes:
                say(f"note: {note}")
            if out is not None:
                say(f"{predicted.frame.height} predictions written to {out}")
