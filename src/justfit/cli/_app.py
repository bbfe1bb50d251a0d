"""The application: its commands, its signals, its streams."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from justfit.cli._check import check
from justfit.cli._cure import cure
from justfit.cli._explain import explain
from justfit.cli._fit import fit
from justfit.cli._judge import judge
from justfit.cli._lab import lab
from justfit.cli._predict import predict
from justfit.cli._report import report
from justfit.cli._rules import rules

_CHECKED_BY_PYDANTIC = "Value error, "


class _Commands(TyperGroup):
    """The commands; what is wrong with an option is said without the name of the library that found it."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's own class of the context
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix(_CHECKED_BY_PYDANTIC)
            raise


app = typer.Typer(
    name="justfit",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain text: wraps at any width, copies well, greps well
    pretty_exceptions_enable=False,  # exceptions are answered in `_exits`, not drawn
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with:  justfit fit digits",
)
app.command(epilog="Example:  justfit fit patients.csv --target outcome --out patients-fit")(fit)
app.command(epilog="Example:  justfit predict patients-fit new_patients.csv --out predictions.csv")(predict)
app.command(epilog="Example:  justfit check nets.py:build --input 64,3,32,32 --classes 10")(check)
app.command(epilog="Example:  justfit cure training.py:recipe --out cure")(cure)
app.command(epilog="Example:  justfit judge metrics.csv --html verdict.html")(judge)
app.command(epilog="Example:  justfit lab --quick --out lab.html")(lab)
app.command(epilog="Example:  justfit report digits-fit --overwrite")(report)
app.command(epilog="Example:  justfit explain JF204")(explain)
app.command(epilog="Example:  justfit rules")(rules)


def _show_version(wanted: bool) -> None:
    if wanted:
        from justfit import __version__

        typer.echo(f"justfit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Does my neural network overfit or underfit, and what cures it?

    justfit trains one network per setting of L2 and dropout on your table, judges the network without
    regularization, chooses the cure, proves it on held-out rows, and keeps the network that fits. Before training it
    checks any PyTorch network as a linter checks code, and afterwards it judges the log of any training run.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process.

    Args:
        arguments: Words after the program's name; those of the process by default.

    Raises:
        SystemExit: Always, with the exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # a stream may be closed, or replaced by one without an encoding
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # λ must not break an ASCII terminal
    signal.signal(signal.SIGTERM, _stop_like_ctrl_c)
    app(args=None if arguments is None else list(arguments), prog_name="justfit")
    raise SystemExit(0)


def _stop_like_ctrl_c(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
