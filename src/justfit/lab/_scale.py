"""C15: the standard deviation for which the gain is 1, and both sides of it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from justfit import cures, maths
from justfit.lab._depth import WIDTH, Deep, deep
from justfit.lab._estimate import Estimate, line, over_draws, over_rows, positive, predicted
from justfit.lab._judge import Found
from justfit.lab._workbench import BATCH_SIZE, Workbench, train_losses
from justfit.records import LabFigure, LabPlot, LabSeries
from justfit.report import number
from justfit.sweep import Program, Recipe, Variant

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "ReLU": nn.ReLU,
    "leaky 0.2": lambda: nn.LeakyReLU(0.2),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "ELU": nn.ELU,
    "SELU": nn.SELU,
    "GELU": nn.GELU,
    "SiLU": nn.SiLU,
    "softplus": nn.Softplus,
}
NUM_UNITS, NUM_EXAMPLES, NUM_DRAWS = 256, 128, 24
DEPTH = 30
SIDES = {"too small, σ/2": 0.5, "too large, 2σ": 2.0, "right, σ": 1.0}
TRAINED_DEPTH, TRAINED_WIDTH, LARGE = 8, 32, 2.5
TRAINED: dict[str, tuple[cures.Scheme, float]] = {  # scheme, and what its weights are multiplied by
    "too small": ("normal", 1.0),
    "right": ("he", 1.0),
    "too large": ("he", LARGE),
}
Losses = NDArray[np.float64]
EPOCHS = (1, 2, 4, 7, 12, 20, 30, 40)
SLOW = 4  # which of them shows that training is slow: the right σ has long left the start, logarithms tame the tails


def scale(bench: Workbench) -> Found:
    """Measure the gain of nine activations through real layers, deep networks on both sides, and their training."""
    gains = {name: _preserved(make(), bench.seed) for name, make in ACTIVATIONS.items()}
    worst = max(gains, key=lambda name: abs(gains[name].value - 1) / gains[name].error)
    sides = {name: deep(bench, nn.ReLU, DEPTH, _Normal(factor)) for name, factor in SIDES.items()}
    losses = _train(bench)
    ends = {name: each[-1] for name, each in losses.items()}
    late = {name: each[SLOW] for name, each in losses.items()}
    unit = bench.sample.unit
    return Found(
        title=f"σ = g/√fan_in keeps nine activations at size 1 (to {number(abs(gains[worst].value - 1), 1)}); half of "
        f"it leaves {number(_left(sides, 0.5), 1)} of a signal after {DEPTH} layers, twice of it makes "
        f"{number(_left(sides, 2.0), 1)}",
        measurements=(
            predicted(
                f"E[z²] of the next layer for {worst}, the least fitting of {len(gains)}",
                gains[worst],
                1.0,
                "g²·E[φ²] = 1",
            ),
            *(
                sides[name].predicts(f"ln gain per layer, {name}", math.log(factor), f"ln {factor:g}")
                for name, factor in SIDES.items()
            ),
            positive(
                f"too small (σ = 0.01): training loss after {EPOCHS[-1]} epochs above that of the right σ",
                over_rows(ends["too small"] - ends["right"]),
                unit,
            ),
            positive(
                f"too large ({LARGE:g}σ): mean ln(1 + training loss) after {EPOCHS[SLOW - 1]} epochs above that of "
                "the right σ",
                over_rows(np.log1p(late["too large"]) - np.log1p(late["right"])),
            ),
        ),
        figure=_figure(gains, sides, losses, unit),
        where=f"gains: layers of {NUM_UNITS} units; depth: {DEPTH} layers of {WIDTH} ReLU units on rows of "
        f"{bench.sample.name}; training: {TRAINED_DEPTH} hidden layers of {TRAINED_WIDTH}",
    )


@torch.no_grad()
def _preserved(activation: nn.Module, seed: int) -> Estimate:
    """Mean square of a layer's output, from activations of N(0, 1) and weights of std gain/√fan_in."""
    layer = nn.Linear(NUM_UNITS, NUM_UNITS, bias=False)
    generator = torch.Generator().manual_seed(seed)
    squares = []
    for draw in range(NUM_DRAWS):
        std = maths.gain(activation) / math.sqrt(maths.fans(layer)[0])
        cures.initialize_(layer, scheme="normal", std=std, seed=seed + draw)
        z = torch.randn(NUM_EXAMPLES, NUM_UNITS, generator=generator)
        squares.append(float(layer(activation(z)).double().square().mean()))
    return over_draws(squares)


class _Normal:
    """Fill a network with N(0, σ²), σ = factor·gain/√fan_in of each layer."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, module: nn.Module, seed: int) -> None:
        for index, layer in enumerate(module.modules()):
            if isinstance(layer, nn.Linear):
                std = self.factor * maths.gain("relu") / math.sqrt(maths.fans(layer)[0])
                cures.initialize_(layer, scheme="normal", std=std, seed=1000 * seed + index)


def _left(sides: dict[str, Deep], factor: float) -> float:
    name = next(name for name, value in SIDES.items() if value == factor)
    return math.exp(sides[name].slope().value * DEPTH)


def _train(bench: Workbench) -> dict[str, list[Losses]]:
    """Training losses [S, n] of three scales at the start and after some epochs."""
    problem, num_seeds = bench.sample.problem, 2 if bench.quick else 4
    recipe = Recipe(
        hidden=(TRAINED_WIDTH,) * TRAINED_DEPTH, epochs=EPOCHS[-1], batch_size=BATCH_SIZE, learning_rate=1e-3
    )
    found = {}
    for name, (scheme, factor) in TRAINED.items():
        variants = [
            Variant(l2=0.0, dropout=0.0, seed=bench.seed + seed, fold=0, init=scheme) for seed in range(num_seeds)
        ]
        start = Program(problem, recipe, variants)
        program = Program(
            problem, recipe, variants, initial=[_scaled(start.module(k), factor) for k in range(num_seeds)]
        )
        found[name] = [train_losses(program, 1, num_seeds)[0]]
        for epoch in EPOCHS:
            program.advance(epoch - program.epoch)
            found[name].append(train_losses(program, 1, num_seeds)[0])
    return found


def _scaled(module: nn.Sequential, factor: float) -> list[tuple[Tensor, Tensor]]:
    linears = [layer for layer in module if isinstance(layer, nn.Linear)]
    return [(factor * layer.weight.detach().t(), layer.bias.detach()) for layer in linears]


def _figure(
    gains: dict[str, Estimate], sides: dict[str, Deep], losses: dict[str, list[Losses]], unit: str
) -> LabFigure:
    measured = LabSeries(
        name="",
        x=tuple(float(k) for k in range(len(gains))),
        y=tuple(gain.value for gain in gains.values()),
        standard_error=tuple(gain.error for gain in gains.values()),
        points=True,
    )
    epochs = [0.0, *map(float, EPOCHS)]
    return LabFigure(
        title="One σ per activation keeps the signal; half and twice of it lose it, and training with it",
        caption="Any activation: mean square after one layer, with one standard error; 1 is kept. Both sides: signal "
        "along a deep ReLU network. Training: loss on the rows learned from.",
        plots=(
            LabPlot(
                title="Any activation",
                x_title="activation",
                y_title="E[z²] of the next layer",
                series=(measured,),
                categories=tuple(gains),
            ),
            LabPlot(
                title="Both sides",
                x_title="layers from the input",
                y_title="rms, relative to layer 1",
                log_y=True,
                series=tuple(found.signal(name) for name, found in sides.items()),
            ),
            LabPlot(
                title="Training",
                x_title="epoch",
                y_title=f"training loss ({unit})",
                log_y=True,
                series=tuple(
                    line(name, epochs, [over_rows(values) for values in each]) for name, each in losses.items()
                ),
            ),
        ),
    )
