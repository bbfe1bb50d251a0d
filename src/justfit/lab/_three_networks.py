"""C4: under, right and over, side by side: three networks of one sweep over two moons."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from justfit.lab._estimate import Estimate, line, over_rows, positive
from justfit.lab._judge import Found
from justfit.lab._samples import NUM_MOON_ROWS, NUM_MOON_TEST_ROWS
from justfit.lab._workbench import Path, Workbench, train_path
from justfit.records import LabFigure, LabPlot, LabSeries, LabSurface
from justfit.report import number, setting
from justfit.sweep import Problem

Losses = NDArray[np.float64]
NAMES = ("under", "right", "over")
RESOLUTION = 48  # squares of a surface along either axis


def compare_three(bench: Workbench) -> Found:
    """Sweep λ on a hundred moons, judge on two thousand fresh ones, and draw three of the networks."""
    problem = bench.moons
    num_seeds, epochs = (3, 120) if bench.quick else (5, 300)
    path = train_path(problem, bench.seed, num_seeds=num_seeds, epochs=epochs, num_folds=1)
    places = (len(path.l2) - 1, path.chosen, 0)
    held = path.validation_losses
    under, right, over = (path.modules(place)[0] for place in places)
    shown_losses = [
        float(value[place, 0])
        for losses in (path.result.train_loss, path.result.validation_loss)
        for value in losses
        for place in places
    ]
    titles = [f"{name}: λ = {setting(path.l2[place], 2)}" for name, place in zip(NAMES, places, strict=True)]
    surfaces = [surface(title, net, problem) for title, net in zip(titles, (under, right, over), strict=True)]
    train = path.train_losses
    overfit, seen = over_rows(held[0] - held[path.chosen]), over_rows(train[path.chosen] - train[0])
    return Found(
        title=f"On fresh rows the chosen λ = {setting(path.l2[path.chosen], 2)} loses "
        f"{number(held[path.chosen].mean(), 2)} nats, λ = 0 {number(held[0].mean(), 2)}, λ = "
        f"{setting(path.l2[-1], 2)} {number(held[-1].mean(), 2)}",
        measurements=(
            positive("over: loss on fresh rows at λ = 0 above that at the chosen λ", overfit, "nats"),
            positive(
                "under: loss on fresh rows at the largest λ above that at the chosen λ",
                over_rows(held[-1] - held[path.chosen]),
                "nats",
            ),
            positive("generalization gap at λ = 0 above that at the chosen λ", _sum(overfit, seen), "nats"),
            positive(
                "training loss at the largest λ above that at the chosen λ",
                over_rows(train[-1] - train[path.chosen]),
                "nats",
            ),
        ),
        figure=LabFigure(
            title="Too large a λ sees no moons, the chosen λ sees two, λ = 0 bends around single rows",
            caption="Top: probability of the second moon, with the rows that were learned from; the line is where it "
            "is one half. Below: learning curves of the same three networks; the bands are one standard error.",
            plots=tuple(
                _curves(path, title, place, max(shown_losses)) for title, place in zip(titles, places, strict=True)
            ),
            surfaces=tuple(surfaces),
        ),
        where=f"two moons: {NUM_MOON_ROWS} rows to learn from, {NUM_MOON_TEST_ROWS:,} fresh ones to judge on; "
        f"{num_seeds} seeds",
    )


@torch.no_grad()
def surface(title: str, module: nn.Module, problem: Problem) -> LabSurface:
    """Run a network of two inputs over the plane around the rows that it learned from."""
    rows = problem.training_rows(0)
    points, labels = problem.inputs[rows], problem.targets[rows]
    (x_low, y_low), (x_high, y_high) = (points.amin(0) - 0.3).tolist(), (points.amax(0) + 0.3).tolist()
    centres = (torch.arange(RESOLUTION) + 0.5) / RESOLUTION
    xs, ys = x_low + centres * (x_high - x_low), y_low + centres * (y_high - y_low)
    grid = torch.cartesian_prod(ys, xs).flip(1)
    share = torch.softmax(module(grid), -1)[:, 1].view(RESOLUTION, RESOLUTION)
    rounded = np.round(share.double().numpy(), 3)
    return LabSurface(
        title=title,
        x_low=x_low,
        x_high=x_high,
        y_low=y_low,
        y_high=y_high,
        rows=tuple(tuple(map(float, row)) for row in rounded),
        x=tuple(round(float(x), 3) for x in points[:, 0]),
        y=tuple(round(float(y), 3) for y in points[:, 1]),
        label=tuple(map(int, labels)),
    )


def _sum(first: Estimate, second: Estimate) -> Estimate:
    """Add two estimates from different rows."""
    return Estimate(first.value + second.value, (first.error**2 + second.error**2) ** 0.5)


def _curves(path: Path, title: str, place: int, highest: float) -> LabPlot:
    result = path.result

    def curve(name: str, losses: list[Losses], errors: list[Losses]) -> LabSeries:
        estimates = [Estimate(float(a[place, 0]), float(b[place, 0])) for a, b in zip(losses, errors, strict=True)]
        return line(name, [float(epoch) for epoch in result.epochs], estimates)

    return LabPlot(
        title=title,
        x_title="epoch",
        y_title="mean loss (nats)",
        y_low=0.0,
        y_high=highest,
        series=(
            curve("training", result.train_loss, result.train_loss_se),
            curve("validation", result.validation_loss, result.validation_loss_se),
        ),
    )
