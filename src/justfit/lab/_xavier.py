"""C16: Xavier's variance, and the square root that is printed in the lecture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from justfit import cures, maths
from justfit.lab._depth import WIDTH, Deep, deep
from justfit.lab._estimate import THEORY_ERRORS, Estimate, predicted
from justfit.lab._judge import Found
from justfit.lab._workbench import Workbench
from justfit.records import LabFigure, LabPlot, LabSeries
from justfit.report import number

FAN_INS = (32, 64, 128, 256, 512)
NUM_OUTPUTS = 256
DEPTH = 30
SMALL = 1e-3  # size at which tanh is linear: its first correction is SMALL²


def draw_xavier(bench: Workbench) -> Found:
    """Draw real layers of five widths, and carry a small and a large signal through deep tanh networks."""
    drawn = {n: _weight(nn.Linear(n, NUM_OUTPUTS), "xavier", bench.seed) for n in FAN_INS}
    worst = worst_of({n: variance(weight) for n, weight in drawn.items()}, {n: 1 / n for n in FAN_INS})
    n = FAN_INS[-1]
    glorot = variance(_weight(nn.Linear(n, NUM_OUTPUTS), "glorot", bench.seed))
    every = torch.cat([weight.flatten() * fan_in**0.5 for fan_in, weight in drawn.items()])
    quiet = deep(bench, _SmallTanh, DEPTH, _xavier, linear=True)
    loud = deep(bench, nn.Tanh, DEPTH, _xavier)
    printed = relative(variance(drawn[n]), math.sqrt(1 / n))
    return Found(
        title="Weights drawn as Xavier's have variance 1/fan_in; the printed √(1/n) would be "
        f"{number(1 / printed.value, 2)} times that at n = {n}",
        measurements=(
            predicted(
                f"Var(w)·fan_in at fan_in = {worst}, the least fitting of {len(FAN_INS)}",
                relative(variance(drawn[worst]), 1 / worst),
                1.0,
                "Var(w) = 1/fan_in",
            ),
            predicted(
                "mean of all weights, in standard deviations",
                Estimate(float(every.mean()), 1 / math.sqrt(len(every))),
                0.0,
                "zero mean",
            ),
            predicted(
                f"Glorot: Var(w)·(fan_in + fan_out)/2 at fan_in = {n}",
                relative(glorot, 2 / sum(maths.fans(nn.Linear(n, NUM_OUTPUTS)))),
                1.0,
                "Var(w) = 2/(fan_in + fan_out)",
            ),
            quiet.predicts(f"ln gain per tanh layer for a signal of size {SMALL:g}", 0.0, "tanh'(0) = 1, so 0"),
            quiet.predicts("ln gain of the gradient per tanh layer, the same signal", 0.0, "0", backward=True),
            predicted(f"Var(w)/√(1/n) at n = {n}", printed, 1.0, "the formula as it is printed", part="literal"),
        ),
        figure=_figure(drawn, {f"signal of size {SMALL:g}": quiet, "signal of size 1": loud}),
        where=f"real layers of fan_in {FAN_INS[0]} to {FAN_INS[-1]}; {DEPTH} tanh layers of {WIDTH} units on rows of "
        f"{bench.sample.name}",
        refinement="√(1/n) is the standard deviation: the factor that multiplies a standard normal draw. The "
        "variance is 1/n. And for tanh it is exact for small signals only: one of size 1 shrinks to "
        f"{number(math.exp(loud.slope().value * (DEPTH - 1)), 2)} of itself over {DEPTH} layers.",
    )


def variance(weight: Tensor) -> Estimate:
    """Mean square of a drawn weight; that of N numbers has a relative standard error of √(2/N)."""
    value = float(weight.double().square().mean())
    return Estimate(value, value * math.sqrt(2 / weight.numel()))


def relative(estimate: Estimate, unit: float) -> Estimate:
    """Express an estimate in units of what it should be."""
    return Estimate(estimate.value / unit, estimate.error / unit)


def worst_of(found: dict[int, Estimate], expected: dict[int, float]) -> int:
    """The entry that lies farthest from what it should be, in its standard errors."""
    return max(found, key=lambda n: abs(found[n].value - expected[n]) / found[n].error)


def variance_plot(
    drawn: Sequence[tuple[str, dict[int, Tensor]]], theory: Sequence[tuple[str, float, float]]
) -> LabPlot:
    """Plot variances of drawn weights against fan_in.

    Args:
        drawn: Name and, by fan_in, weights.
        theory: Name, factor and power of factor·fan_in^power.
    """
    series = [
        LabSeries(
            name=name,
            x=tuple(map(float, weights)),
            y=tuple(variance(weight).value for weight in weights.values()),
            standard_error=tuple(THEORY_ERRORS * variance(weight).error for weight in weights.values()),
            points=True,
        )
        for name, weights in drawn
    ]
    xs = tuple(map(float, FAN_INS))
    series += [LabSeries(name=name, x=xs, y=tuple(factor * x**power for x in xs)) for name, factor, power in theory]
    return LabPlot(title="Variance", x_title="fan_in", y_title="Var(w)", log_x=True, log_y=True, series=tuple(series))


class _SmallTanh(nn.Module):
    """tanh of a signal that is SMALL times its input, brought back to its size: tanh where it is linear."""

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.tanh(SMALL * inputs) / SMALL


def _weight(layer: nn.Linear, scheme: str, seed: int) -> Tensor:
    cures.initialize_(layer, scheme=scheme, seed=seed)  # type: ignore[arg-type]  # one of the schemes
    return layer.weight.detach()


def _xavier(module: nn.Module, seed: int) -> None:
    cures.initialize_(module, scheme="xavier", seed=seed)


def _figure(drawn: dict[int, Tensor], signals: dict[str, Deep]) -> LabFigure:
    return LabFigure(
        title="The variance follows 1/n, not √(1/n), and carries a small signal through thirty tanh layers",
        caption="Variance: of the weights of real layers; error bars of four standard errors are smaller than "
        "the points. Signal: along a deep tanh network.",
        plots=(
            variance_plot([("drawn", drawn)], [("1/n", 1.0, -1.0), ("√(1/n)", 1.0, -0.5)]),
            LabPlot(
                title="Signal",
                x_title="layers from the input",
                y_title="rms, relative to layer 1",
                log_y=True,
                series=tuple(found.signal(name) for name, found in signals.items()),
            ),
        ),
    )
