"""What λ does to the network itself (lecture C7)."""

from __future__ import annotations

import torch
from torch import nn

from justfit.maths import active_fraction, linearity_r2
from justfit.records import PathPoint
from justfit.sweep._problem import Variant
from justfit.sweep._program import Program

MAX_ROWS = 2_000


def measure_path(program: Program, dropout: float) -> tuple[PathPoint, ...]:
    """Measure Σw², active units and linearity along λ, on one network per λ (fold 0, first seed, given dropout).

    Args:
        program: A trained sweep.
        dropout: Which dropout's column to follow.

    Returns:
        One point per λ, ascending; networks that diverged are left out.
    """
    problem = program.problem
    rows = torch.linspace(0, len(problem.inputs) - 1, min(len(problem.inputs), MAX_ROWS)).long()
    inputs = problem.inputs[rows]
    seed = program.variants[0].seed
    points = []
    for index, variant in enumerate(program.variants):
        if (variant.fold, variant.seed, variant.dropout) == (0, seed, dropout):
            point = _measure(program.module(index), variant, inputs)
            points += [point] if point is not None else []
    return tuple(points)


@torch.no_grad()
def _measure(module: nn.Sequential, variant: Variant, inputs: torch.Tensor) -> PathPoint | None:
    values, active, units = inputs, 0.0, 0
    for layer in module:
        values = layer(values)
        if not isinstance(layer, nn.Linear | nn.Dropout):
            active += active_fraction(values) * values.shape[1]
            units += values.shape[1]
    if not bool(values.isfinite().all()):
        return None
    squares = sum(float(layer.weight.double().square().sum()) for layer in module if isinstance(layer, nn.Linear))
    return PathPoint(
        l2=variant.l2,
        weight_sum_squares=squares,
        active_fraction=active / units if units else 1.0,
        linearity_r2=linearity_r2(inputs, values),
    )
