"""C6: the gradient of the penalty, and what optimizers call weight decay."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

import torch
from torch import nn

from justfit import maths
from justfit.lab._estimate import rounded
from justfit.lab._judge import Found
from justfit.lab._penalty import SPACING, batches, network, weights
from justfit.lab._samples import Sample, loss
from justfit.lab._workbench import Workbench
from justfit.records import LabFigure, LabPlot, LabSeries
from justfit.report import number

L2 = 3.0
GROWTH = 1e3  # how far nearby paths may part while a network trains for some dozens of steps
EPOCHS = 8
Optimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


def decay(bench: Workbench) -> Found:
    """Take the same steps with the penalty in the loss and with weight decay in the optimizer."""
    sample = bench.sample
    start = network(sample, bench.seed, (32,))
    ratio = L2 / sample.num_train
    squares, gradient = _gradient(start, sample)
    sgd = _distances(start, sample, bench.seed, *_pair(torch.optim.SGD, 0.05, ratio))
    coupled = _distances(start, sample, bench.seed, *_pair(torch.optim.Adam, 5e-3, ratio))
    decoupled = _distances(
        start, sample, bench.seed, _pair(torch.optim.Adam, 5e-3, ratio)[0], _pair(torch.optim.AdamW, 5e-3, ratio)[1]
    )
    num_weights = sum(weight.numel() for weight in weights(start))
    grown, source = GROWTH * len(sgd) * SPACING, f"rounding of {len(sgd)} steps, grown at most {GROWTH:g}-fold"
    return Found(
        title=f"SGD with weight decay λ/n takes the penalty's steps to {number(sgd[-1], 1)}; AdamW ends "
        f"{number(decoupled[-1], 2)} of a weight away from Adam with the penalty",
        measurements=(
            rounded("‖w‖² against wᵀw, as a share", squares, num_weights * SPACING, "rounding in float64"),
            rounded(
                "gradient of the penalty against λ/n·w, largest share", gradient, 8 * SPACING, "rounding in float64"
            ),
            rounded(
                "SGD: penalty against weight_decay = λ/n, distance of the weights as a share", sgd[-1], grown, source
            ),
            rounded(
                "Adam: penalty against weight_decay = λ/n (coupled), distance as a share", coupled[-1], grown, source
            ),
            rounded(
                "Adam with the penalty against AdamW (decoupled), distance as a share",
                decoupled[-1],
                grown,
                "rounding, if weight decay were the penalty under every optimizer",
                part="condition",
            ),
        ),
        figure=_figure({"SGD": sgd, "Adam, coupled": coupled, "AdamW, decoupled": decoupled}),
        where=f"{sample.name}: {sample.num_train} rows, hidden layer of 32, {len(sgd)} steps of the same batches, λ = "
        f"{L2:g}",
        condition="For plain SGD, and for Adam with coupled decay. AdamW takes λ/n·w off the weights without Adam's "
        f"division by the gradient's size, and so goes elsewhere: {number(decoupled[-1], 2)} of the weights' length "
        f"after {len(sgd)} steps.",
    )


def _gradient(module: nn.Module, sample: Sample) -> tuple[float, float]:
    """Misfit of Σw² against wᵀw, and of the penalty's gradient against λ/n·w."""
    found = weights(module)
    gradients = torch.autograd.grad(maths.l2_penalty(module, L2, sample.num_train), found)
    flat = torch.cat([weight.detach().flatten() for weight in found])
    squares = float(maths.sum_squares(module).detach()) / float(flat @ flat) - 1.0
    expected = torch.cat([(L2 / sample.num_train * weight.detach()).flatten() for weight in found])
    misfit = torch.cat([gradient.flatten() for gradient in gradients]) - expected
    return squares, float((misfit.abs() / expected.abs().clamp_min(1e-300)).max())


def _pair(kind: type[torch.optim.Optimizer], rate: float, ratio: float) -> tuple[Optimizer, Optimizer]:
    """An optimizer without weight decay, for the penalty; and one with it, on the weights only."""

    def plain(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return kind(parameters, lr=rate)  # type: ignore[call-arg]  # every optimizer takes a learning rate

    def decaying(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        every = list(parameters)
        groups = [
            {"params": [p for p in every if p.dim() == 2], "weight_decay": ratio},
            {"params": [p for p in every if p.dim() != 2], "weight_decay": 0.0},
        ]
        return kind(groups, lr=rate)  # type: ignore[call-arg]  # the same

    return plain, decaying


def _distances(start: nn.Module, sample: Sample, seed: int, plain: Optimizer, decaying: Optimizer) -> list[float]:
    """‖w_penalty − w_decay‖ / ‖w_penalty‖ after every step on the same batches."""
    first, second = copy.deepcopy(start), copy.deepcopy(start)
    optimizers = plain(first.parameters()), decaying(second.parameters())
    distances = []
    for inputs, targets in batches(sample, seed, EPOCHS):
        for module, optimizer in zip((first, second), optimizers, strict=True):
            optimizer.zero_grad()
            objective = loss(module(inputs), targets, sample.problem.task)
            if module is first:
                objective = objective + maths.l2_penalty(module, L2, sample.num_train)
            objective.backward()  # type: ignore[no-untyped-call]  # torch has no types here
            optimizer.step()
        a, b = (torch.cat([w.detach().flatten() for w in weights(module)]) for module in (first, second))
        distances.append(float((a - b).norm() / a.norm()))
    return distances


def _figure(distances: dict[str, list[float]]) -> LabFigure:
    return LabFigure(
        title="Weight decay is the penalty for SGD and coupled Adam, and something else for AdamW",
        caption="Distance between the weights trained with the penalty in the loss and those trained with weight "
        "decay in the optimizer, as a share of their length. 10⁻¹⁶ is the last digit of float64.",
        plots=(
            LabPlot(
                x_title="step",
                y_title="‖difference of weights‖ / ‖weights‖",
                log_y=True,
                series=tuple(
                    LabSeries(
                        name=name,
                        x=tuple(float(k + 1) for k in range(len(values))),
                        y=tuple(max(value, 1e-17) for value in values),
                    )
                    for name, values in distances.items()
                ),
            ),
        ),
    )
