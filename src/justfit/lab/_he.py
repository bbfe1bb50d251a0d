"""C17: He's variance for ReLU and its leaky forms."""

from __future__ import annotations

import math

from torch import Tensor, nn

from justfit import cures
from justfit.lab._depth import WIDTH, Deep, deep
from justfit.lab._estimate import predicted
from justfit.lab._judge import Found
from justfit.lab._workbench import Workbench
from justfit.lab._xavier import FAN_INS, NUM_OUTPUTS, relative, variance, variance_plot, worst_of
from justfit.records import LabFigure, LabPlot
from justfit.report import number

DEPTH = 30
SLOPE = 0.5  # a leak large enough to be seen in the variance
LEAKY = 2 / (1 + SLOPE**2)


def draw_he(bench: Workbench) -> Found:
    """Draw layers before ReLU and leaky ReLU, a convolution, and carry a signal through deep ReLU networks."""
    relu = {n: _weight(nn.Linear(n, NUM_OUTPUTS), nn.ReLU(), bench.seed) for n in FAN_INS}
    leaky = {n: _weight(nn.Linear(n, NUM_OUTPUTS), nn.LeakyReLU(SLOPE), bench.seed) for n in FAN_INS}
    worst = worst_of({n: variance(weight) for n, weight in relu.items()}, {n: 2 / n for n in FAN_INS})
    worst_leaky = worst_of({n: variance(weight) for n, weight in leaky.items()}, {n: LEAKY / n for n in FAN_INS})
    convolution = _weight(nn.Conv2d(16, 64, 3), nn.ReLU(), bench.seed)
    he, xavier = (deep(bench, nn.ReLU, DEPTH, _Scheme(scheme)) for scheme in ("he", "xavier"))
    return Found(
        title=f"2/fan_in carries a signal through {DEPTH} ReLU layers; Xavier's 1/fan_in leaves "
        f"{number(math.exp(xavier.slope().value * (DEPTH - 1)), 1)} of it",
        measurements=(
            predicted(
                f"ReLU: Var(w)·fan_in at fan_in = {worst}, the least fitting of {len(FAN_INS)}",
                relative(variance(relu[worst]), 1 / worst),
                2.0,
                "Var(w) = 2/fan_in",
            ),
            predicted(
                f"leaky slope {SLOPE:g}: Var(w)·fan_in at fan_in = {worst_leaky}, the least fitting",
                relative(variance(leaky[worst_leaky]), 1 / worst_leaky),
                LEAKY,
                "2/(1 + a²)",
            ),
            predicted(
                "3 × 3 convolution of 16 channels: Var(w)·fan_in",
                relative(variance(convolution), 1 / (9 * 16)),
                2.0,
                "Var(w) = 2/fan_in, fan_in = 9·16",
            ),
            he.predicts("ln gain per ReLU layer, He", 0.0, "0"),
            he.predicts("ln gain of the gradient per ReLU layer, He", 0.0, "0", backward=True),
            xavier.predicts("ln gain per ReLU layer, Xavier", -0.5 * math.log(2), "−½ ln 2, since half is cut off"),
        ),
        figure=_figure(relu, leaky, {"He": he, "Xavier": xavier}),
        where=f"real layers of fan_in {FAN_INS[0]} to {FAN_INS[-1]}; {DEPTH} ReLU layers of {WIDTH} units on rows of "
        f"{bench.sample.name}",
    )


class _Scheme:
    """Fill a network by a scheme."""

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme

    def __call__(self, module: nn.Module, seed: int) -> None:
        cures.initialize_(module, scheme=self.scheme, seed=seed)  # type: ignore[arg-type]  # one of the schemes


def _weight(layer: nn.Linear | nn.Conv2d, activation: nn.Module, seed: int) -> Tensor:
    cures.initialize_(nn.Sequential(layer, activation), scheme="he", seed=seed)
    return layer.weight.detach()


def _figure(relu: dict[int, Tensor], leaky: dict[int, Tensor], signals: dict[str, Deep]) -> LabFigure:
    return LabFigure(
        title="Twice Xavier's variance for ReLU, a little less with a leak; deep networks show which is right",
        caption="Variance: of the weights of real layers; error bars of four standard errors are smaller than "
        "the points. Signal: along a deep ReLU network.",
        plots=(
            variance_plot(
                [("before ReLU", relu), (f"before leaky {SLOPE:g}", leaky)],
                [("2/n", 2.0, -1.0), ("2/((1 + a²)·n)", LEAKY, -1.0)],
            ),
            LabPlot(
                title="Signal",
                x_title="layers from the input",
                y_title="rms, relative to layer 1",
                log_y=True,
                series=tuple(found.signal(name) for name, found in signals.items()),
            ),
        ),
    )
