"""C5: the objective of the lecture, term by term."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from justfit import cures, maths
from justfit.lab._estimate import exactly, rounded
from justfit.lab._judge import Found
from justfit.lab._samples import Sample, loss
from justfit.lab._workbench import BATCH_SIZE, Workbench
from justfit.records import LabFigure, LabPlot, LabSeries
from justfit.report import number
from justfit.sweep import Layout, build_module

L2 = 1.0
EPOCHS = 20
SPACING = 2.0**-53  # of float64


def count_penalty(bench: Workbench) -> Found:
    """Train with the penalty in the loss and hold every J against the equation, summed number by number."""
    sample = bench.sample
    module = network(sample, bench.seed, (32,))
    num_weights = sum(weight.numel() for weight in weights(module))
    trail = list(_train(module, sample, bench.seed))
    worst = max(
        (abs(j - part - _equation(squares, sample.num_train)) / j for j, part, _, squares in trail), default=math.nan
    )
    slope = _slope(module, sample)
    before = _value(module, L2, sample.num_train)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name.endswith("bias"):
                parameter.add_(1.0)
    moved = _value(module, L2, sample.num_train) - before
    limit = num_weights * SPACING
    rounding = f"rounding of {num_weights:,} numbers in float64"
    return Found(
        title=f"After each of {EPOCHS} epochs J − L is λ/(2n)·Σw² to {number(worst, 1)} of J",
        measurements=(
            rounded("largest misfit of J = L + λ/(2n)·Σw², as a share of J", worst, limit, rounding),
            rounded("misfit of ∂J/∂λ = Σw²/(2n), as a share", slope, 1e3 * limit, f"{rounding}, of a difference"),
            exactly("change of the penalty when every bias grows by 1", moved, 0.0, "biases are not counted"),
        ),
        figure=_figure(trail, sample.unit),
        where=f"{sample.name}: {sample.num_train} rows, hidden layer of 32, Adam, λ = {L2:g}, n = {sample.num_train}",
    )


def network(sample: Sample, seed: int, hidden: tuple[int, ...]) -> nn.Sequential:
    """Build a network for the sample in float64, He initialized."""
    problem = sample.problem
    layout = Layout(problem.inputs.shape[1], hidden, problem.num_outputs)
    module = build_module(layout, "relu", 0.0, torch.float64)
    cures.initialize_(module, scheme="he", seed=seed)
    return module


def weights(module: nn.Module) -> list[nn.Parameter]:
    """The weight matrices, found by hand: parameters of two dimensions."""
    return [parameter for parameter in module.parameters() if parameter.dim() == 2]


def batches(sample: Sample, seed: int, epochs: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the same batches of the training rows at every call, in float64."""
    problem, generator = sample.problem, torch.Generator().manual_seed(seed)
    rows = problem.training_rows(0)
    for _ in range(epochs):
        order = rows[torch.randperm(len(rows), generator=generator)]
        for part in order.split(BATCH_SIZE):  # type: ignore[no-untyped-call]  # torch has no types here
            yield problem.inputs[part].double(), problem.targets[part]


def _train(module: nn.Module, sample: Sample, seed: int) -> Iterator[tuple[float, float, float, float]]:
    """Yield J, L, the penalty and Σw² (summed number by number) after each epoch, over all training rows."""
    rows = sample.problem.training_rows(0)
    inputs, targets, task = sample.problem.inputs[rows].double(), sample.problem.targets[rows], sample.problem.task
    optimizer = torch.optim.Adam(module.parameters(), lr=5e-3)
    for epoch in range(EPOCHS):
        for batch, goals in batches(sample, seed + epoch, 1):
            optimizer.zero_grad()
            objective = loss(module(batch), goals, task) + maths.l2_penalty(module, L2, len(rows))
            objective.backward()  # type: ignore[no-untyped-call]  # torch has no types here
            optimizer.step()
        with torch.no_grad():
            part = loss(module(inputs), targets, task)
            penalty = maths.l2_penalty(module, L2, len(rows))
            squares = math.fsum(value * value for weight in weights(module) for value in weight.flatten().tolist())
        yield float(part + penalty), float(part), float(penalty), squares


def _value(module: nn.Module, l2: float, num_examples: int) -> float:
    return float(maths.l2_penalty(module, l2, num_examples).detach())


def _equation(squares: float, num_examples: int) -> float:
    return L2 / (2.0 * num_examples) * squares


def _slope(module: nn.Module, sample: Sample) -> float:
    n = sample.num_train
    rise = (_value(module, 3.0, n) - _value(module, 1.0, n)) / 2.0
    squares = math.fsum(value * value for weight in weights(module) for value in weight.flatten().tolist())
    return rise / (squares / (2.0 * n)) - 1.0


def _figure(trail: list[tuple[float, float, float, float]], unit: str) -> LabFigure:
    epochs = tuple(float(k + 1) for k in range(len(trail)))
    names = ("J = L + penalty", "L, the loss", "λ/(2n)·Σw², the penalty")
    return LabFigure(
        title="The objective is the loss plus the penalty, at every epoch",
        caption="All three over all training rows, after each epoch of one real run.",
        plots=(
            LabPlot(
                x_title="epoch",
                y_title=f"value ({unit})",
                series=tuple(
                    LabSeries(name=name, x=epochs, y=tuple(step[k] for step in trail)) for k, name in enumerate(names)
                ),
            ),
        ),
    )
