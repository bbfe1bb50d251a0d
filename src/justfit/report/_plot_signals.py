"""Picture for papers: signal and gradient place by place, of one network or of several schemes beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from justfit.records import Checkup, SchemeComparison
from justfit.report._names import shown
from justfit.report._plot import ALARM, SERIES, key, name_axes, plain, say
from justfit.report._plot_scales import count_on
from justfit.report._scheme_words import comparison_title, measured
from justfit.report._signal_figure import common_range
from justfit.report._svg import thinned
from justfit.report._trunk import Quantity, change, change_words, inside, values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_QUANTITIES: tuple[tuple[Quantity, str], ...] = (
    ("signal", "activations, rms (their own units)"),
    ("gradient", "gradient norm ‖∂L/∂a‖ (loss per unit of a)"),
)
_DECADES = 16.0
_MOST_LINES = 8
_SMALLEST, _LARGEST = 1e-305, 1e305


def plot_checkup(checkup: Checkup, axes: list[Axes]) -> None:
    """Draw the size of the signal and the norm of the gradient along the network, findings marked."""
    trunk = checkup.evidence.trunk
    places = {point.name: k for k, point in reversed(list(enumerate(trunk)))}
    marked = [f for f in checkup.findings if f.severity != "info" and f.where in places]
    for one, (quantity, title) in zip(axes, _QUANTITIES, strict=True):
        line = values(trunk, quantity)
        say(one, change_words(change(trunk, quantity), quantity))
        _scale(one, [line], 150.0)
        _draw(one, line, {**SERIES[0], "label": ""})
        spots = sorted({places[f.where] for f in marked if line[places[f.where]] > 0})
        if spots:
            codes = ", ".join(sorted({shown(f.code, 12) for f in marked})[:4])
            one.plot(
                [k + 1 for k in spots], [line[k] for k in spots], "D", color=ALARM, markersize=5, label=plain(codes)
            )
        name_axes(one, "place along the network (order of execution)", title)
        key(one)


def plot_comparison(comparison: SchemeComparison, axes: list[Axes]) -> None:
    """Draw one line a scheme."""
    schemes = measured(comparison)[:_MOST_LINES]
    for one, (quantity, title) in zip(axes, _QUANTITIES, strict=True):
        lines = [values(inside(checkup.evidence.trunk), quantity) for _, checkup in schemes]
        say(one, comparison_title(comparison, quantity))
        _scale(one, lines, _DECADES)
        for k, ((scheme, _), line) in enumerate(zip(schemes, lines, strict=True)):
            _draw(one, line, {**SERIES[k], "label": plain(scheme, 24)})
        name_axes(one, "place along the network (order of execution)", title)
    key(axes[-1])


def _draw(axes: Axes, line: Sequence[float], style: dict[str, Any]) -> None:
    kept = thinned(len(line))
    # 0 and infinity have no place on a logarithmic axis: there the line leaves the plot.
    drawn = [min(max(line[k], _SMALLEST), _LARGEST) for k in kept]
    axes.plot([k + 1 for k in kept], drawn, linewidth=1.8, marker="o" if len(kept) == 1 else "", **style)


def _scale(axes: Axes, lines: Sequence[Sequence[float]], decades: float) -> None:
    ends = common_range(lines, decades)
    if ends is not None:
        axes.set_yscale("log")
        axes.set_ylim(ends[0] / 1.3, ends[1] * 1.3)
    count_on(axes)
