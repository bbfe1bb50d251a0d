"""C7: what λ does to the network itself."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from justfit import maths
from justfit.lab._estimate import Estimate, line, over_draws, positive, predicted
from justfit.lab._judge import Found
from justfit.lab._workbench import Path, Workbench
from justfit.records import LabFigure, LabMeasurement, LabPlot
from justfit.report import number, setting, with_se


def shrink(bench: Workbench) -> Found:
    """Measure Σw², active units and linearity of every network of the path."""
    path, inputs = bench.path, bench.sample.problem.inputs
    measured = [[_measure(module, inputs) for module in path.modules(index)] for index in range(len(path.l2))]
    squares, active, linear, bending = ([over_draws([m[k] for m in seeds]) for seeds in measured] for k in range(4))
    ends = [over_draws([a[k] - b[k] for a, b in zip(measured[0], measured[-1], strict=True)]) for k in range(4)]
    share = over_draws([b[0] / a[0] for a, b in zip(measured[0], measured[-1], strict=True)])
    return Found(
        title=f"From λ = 0 to {setting(path.l2[-1], 2)}, Σw² falls from {number(squares[0].value)} to "
        f"{number(squares[-1].value)}, and the best linear map explains {number(linear[0].value, 2)}, then "
        f"{number(linear[-1].value, 2)} of the output",
        measurements=(
            positive("Σw² at λ = 0 above that at the largest λ", ends[0]),
            _falls(squares),
            positive("R² of the best linear map at the largest λ above that at λ = 0", _negated(ends[2])),
            positive(
                "bending units (on for some examples, off for others) at λ = 0 above that at the largest λ", ends[3]
            ),
            positive("active fraction at λ = 0 above that at the largest λ", ends[1], part="literal"),
        ),
        figure=_figure(path, squares, active, linear),
        where=f"{bench.sample.words()}; {path.result.grid.num_seeds} seeds, networks of fold 0",
        refinement="Units need not fall silent: the active fraction goes from "
        f"{with_se(active[0].value, active[0].error)} to {with_se(active[-1].value, active[-1].error)}. They lose "
        f"their impact because their weights shrink (Σw² to {number(share.value, 2)} of its size), and the network "
        "becomes linear because a unit that is on for every example, or for none, bends nothing: units that are on "
        f"for some examples only fall from {number(bending[0].value, 2)} to {number(bending[-1].value, 2)} of all.",
    )


@torch.no_grad()
def _measure(module: nn.Sequential, inputs: Tensor) -> tuple[float, float, float, float]:
    """Σw², active fraction, R² of the best linear map, and the share of units that are on for some rows only."""
    values, hidden = inputs, []
    for layer in module:
        values = layer(values)
        if not isinstance(layer, nn.Linear | nn.Dropout):
            hidden.append(values)
    on = torch.cat([(layer != 0).double().mean(0) for layer in hidden])
    bending = float(((on > 0) & (on < 1)).double().mean())
    squares = float(maths.sum_squares(module))
    return squares, maths.active_fraction(hidden), maths.linearity_r2(inputs, values), bending


def _negated(estimate: Estimate) -> Estimate:
    return Estimate(-estimate.value, estimate.error)


def _falls(squares: list[Estimate]) -> LabMeasurement:
    """Σw² must not rise anywhere along λ by more than its standard error allows."""
    rises = [
        Estimate(after.value - before.value, (after.error**2 + before.error**2) ** 0.5)
        for before, after in pairwise(squares)
    ]
    worst = max(rises, key=lambda rise: rise.value / (rise.error or 1e-300))
    expected = predicted("largest rise of Σw² from one λ to the next", worst, 0.0, "no rise")
    return LabMeasurement(
        name=expected.name,
        value=worst.value,
        standard_error=worst.error,
        high=expected.high,
        source=expected.source,
    )


def _figure(path: Path, squares: list[Estimate], active: list[Estimate], linear: list[Estimate]) -> LabFigure:
    def plot(title: str, y_title: str, values: list[Estimate], log_y: bool = False) -> LabPlot:
        return LabPlot(
            title=title,
            x_title="λ",
            y_title=y_title,
            log_x=True,
            log_y=log_y,
            series=(line("", path.l2, values),),
            mark_x=path.l2[path.chosen],
            mark="chosen",
        )

    return LabFigure(
        title="The weights shrink along λ, and the network turns linear",
        caption="Mean over seeds; the bands are one standard error. R² counts how much of the output's variance the "
        "best linear map of the inputs explains; 1 is a linear network.",
        plots=(
            plot("Size of the weights", "Σw²", squares, log_y=True),
            plot("Active units", "share of (unit, example) pairs", active),
            plot("Linearity", "R² of the best linear map", linear),
        ),
    )
