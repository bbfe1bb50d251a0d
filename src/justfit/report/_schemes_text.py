"""Initialization schemes beside each other in a terminal: a table, and a small plot of each on one common scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from justfit.records import SchemeComparison
from justfit.report._names import shown
from justfit.report._scheme_words import comparison_sentences, comparison_subject, measured
from justfit.report._schemes import schemes_table
from justfit.report._signal_figure import common_range
from justfit.report._svg import thinned
from justfit.report._terminal import print_heading, print_table, writer
from justfit.report._trunk import Quantity, inside, tidy, values

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDEST = 40
_DECADES = 8.0  # eight blocks cannot show more: one block is two powers of ten at most
_ENDS = 30  # columns beside the plot: the scheme and the two ends


def render_comparison_text(comparison: SchemeComparison, console: Console) -> None:
    """Print schemes beside each other for people.

    Args:
        comparison: The same network on the same batch under each scheme.
        console: Where to print.

    Example:
        >>> from rich.console import Console
        >>> render_comparison_text(comparison, Console())  # doctest: +SKIP
    """
    write = writer(console)
    for k, sentence in enumerate(comparison_sentences(comparison)):
        console.print(write(sentence, "bold" if k == 0 else ""))
    console.print(write(comparison_subject(comparison), "dim"))
    console.print()
    print_table(schemes_table(comparison), console, write, narrow=(0, 1, 2, 3), words=(0,))
    for quantity in ("signal", "gradient"):
        _print_sparklines(comparison, quantity, console, write)
    for entry in comparison.schemes:
        if entry.checkup is None:
            console.print(write(f"{shown(entry.scheme, 30)} could not be applied: {shown(entry.error, 400)}", "yellow"))


def sparkline(series: Sequence[float], low: float, high: float, width: int) -> str:
    """Draw a series as blocks on a logarithmic scale from `low` to `high`; 0 as a blank, what is missing as `·`.

    Args:
        series: Values, at least 0; NaN where there is none.
        low: Value of the lowest block, above 0.
        high: Value of the highest block, at least `low`.
        width: Most characters.

    Returns:
        At most `width` characters, one per value or per evenly spaced value.

    >>> sparkline([1e-6, 1e-4, 1e-2, 1.0, 0.0, float("nan")], 1e-6, 1.0, 40)
    '▁▃▆█ ·'
    """
    return "".join(_block(series[k], low, high) for k in thinned(len(series), width))


def _block(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return "·" if math.isnan(value) else "█"
    if value <= 0:
        return " "
    place = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low)) if high > low else 1.0
    return _BLOCKS[min(max(round(place * (len(_BLOCKS) - 1)), 0), len(_BLOCKS) - 1)]


def _print_sparklines(
    comparison: SchemeComparison, quantity: Quantity, console: Console, write: Callable[..., Text]
) -> None:
    from rich.table import Table as Grid

    series = {scheme: values(inside(checkup.evidence.trunk), quantity) for scheme, checkup in measured(comparison)}
    ends = common_range(list(series.values()), _DECADES)
    if ends is None:
        return
    low, high = ends
    what = "Size of the activations (rms)" if quantity == "signal" else "Gradient norm"
    print_heading(f"{what}, first place to last; ▁ {tidy(low, 2)} or less, █ {tidy(high, 2)} or more", console, write)
    grid = Grid.grid(padding=(0, 1))
    width = min(max(console.width - _ENDS, 5), _WIDEST)
    for scheme, line in series.items():
        if line:
            plot = write(sparkline(line, low, high, width))
            plot.no_wrap = True
            grid.add_row(write(shown(scheme, 16)), write(tidy(line[0], 2)), plot, write(tidy(line[-1], 2)))
    console.print(grid)
