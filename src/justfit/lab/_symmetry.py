"""C14: zero and equal weights: units that stay the same for ever."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from justfit import checkup, maths
from justfit.lab._estimate import CLEAR_ERRORS, Estimate, exactly, line, over_rows, predicted
from justfit.lab._judge import Found
from justfit.lab._samples import Sample
from justfit.lab._workbench import BATCH_SIZE, Workbench, train_losses
from justfit.records import LabFigure, LabMeasurement, LabPlot, LabSeries
from justfit.report import number
from justfit.sweep import Program, Recipe, Variant, constant_losses

Losses = NDArray[np.float64]
HIDDEN = (32, 32)
EPOCHS = (1, 2, 4, 7, 12, 20, 30, 40)
EQUAL_WEIGHT = 0.05
STILL_LEARNING = 0.001  # of the constant's loss: by so much the last steps may move it
EQUAL = "equal gradients keep them equal"


def stay_equal(bench: Workbench) -> Found:
    """Train from zeros, from equal weights and from random ones, beside a linear model."""
    sample = bench.sample
    zero, equal, random = (_Run(sample, bench.seed, kind) for kind in ("zero", "equal", "he"))
    linear = _Run(sample, bench.seed, "linear")
    before = [_identical(run.program.module(0), sample) for run in (zero, equal, random)]
    for run in (zero, equal, random, linear):
        run.train()
    after = [_identical(run.program.module(0), sample) for run in (zero, equal, random)]
    constant = constant_losses(sample.problem).numpy()[sample.problem.training_rows(0).numpy()]
    ends = {name: over_rows(run.last) for name, run in (("zero", zero), ("linear", linear), ("he", random))}
    distinct = [_distinct(run.program.module(0)) for run in (zero, equal, random)]
    return Found(
        title=f"From zeros and from equal weights {HIDDEN[0]} units do the work of {distinct[0]}; random ones stay "
        f"{distinct[2]} different units",
        measurements=(
            exactly("share of units with a twin, zeros, before training", before[0], 1.0, "equal rows and gradients"),
            exactly("share of units with a twin, zeros, after training", after[0], 1.0, EQUAL),
            exactly("share of units with a twin, equal weights, after training", after[1], 1.0, EQUAL),
            exactly("share of units with a twin, He, after training", after[2], 0.0, "random rows differ"),
            exactly("distinct units of the first hidden layer, zeros", distinct[0], 1.0, "one, whatever the width"),
            *_less_than_linear(sample, zero, linear, over_rows(constant[None])),
        ),
        figure=_figure(
            {"zeros": zero, "equal weights": equal, "He": random, "linear model": linear}, sample.unit, distinct
        ),
        where=f"{sample.name}: {sample.num_train} rows, hidden layers of {HIDDEN[0]} and {HIDDEN[1]} ReLU units, "
        f"{EPOCHS[-1]} epochs",
        refinement="It is less than a linear model. From exact zeros no weight ever gets a gradient, only the output "
        f"bias does: the training loss stays at {number(ends['zero'].value)} {sample.unit}, that of a constant, "
        f"where a linear model reaches {number(ends['linear'].value)} and random weights {number(ends['he'].value)}. "
        "With equal weights that are not zero all units of a layer learn, but as one unit.",
    )


def _less_than_linear(sample: Sample, zero: _Run, linear: _Run, constant: Estimate) -> tuple[LabMeasurement, ...]:
    """Hold what was learned from zeros against a constant and against a linear model."""
    inputs = sample.problem.inputs
    outputs = zero.program.module(0)(inputs).detach()
    room = max(CLEAR_ERRORS * constant.error, STILL_LEARNING * constant.value)  # of even classes the error is 0
    return (
        exactly("R² of the best linear map, zeros", maths.linearity_r2(inputs, outputs), 1.0, "a constant is linear"),
        LabMeasurement(
            name="training loss from zeros against that of a constant predictor",
            value=over_rows(zero.last).value - constant.value,
            standard_error=constant.error,
            unit=sample.unit,
            low=-room,
            high=room,
            source=f"only the output bias learns: the constant's loss, ± {CLEAR_ERRORS:g} standard errors, at least "
            f"{STILL_LEARNING:g} of it: a bias never stands still",
        ),
        predicted(
            "training loss from zeros above that of a linear model",
            over_rows(zero.last - linear.last),
            0.0,
            "0 if the network behaved like a linear model",
            unit=sample.unit,
            part="literal",
        ),
    )


class _Run:
    """One network, its training and its losses on the way."""

    def __init__(self, sample: Sample, seed: int, kind: str) -> None:
        problem = sample.problem
        recipe = Recipe(
            hidden=() if kind == "linear" else HIDDEN,
            epochs=EPOCHS[-1],
            batch_size=BATCH_SIZE,
            learning_rate=5e-3,
        )
        variant = Variant(l2=0.0, dropout=0.0, seed=seed, fold=0, init="zero" if kind == "zero" else "he")
        initial = [_equal(problem.inputs.shape[1], problem.num_outputs)] if kind == "equal" else None
        self.program = Program(problem, recipe, [variant], initial=initial)
        self.losses = [self._measure()]

    def train(self) -> None:
        """Train to the end and measure on the way."""
        for epoch in EPOCHS:
            self.program.advance(epoch - self.program.epoch)
            self.losses.append(self._measure())

    @property
    def last(self) -> Losses:
        """Training losses [1, n] at the end."""
        return self.losses[-1]

    def _measure(self) -> Losses:
        losses: Losses = train_losses(self.program, 1, 1)[0]
        return losses


def _equal(num_inputs: int, num_outputs: int) -> list[tuple[Tensor, Tensor]]:
    """All weights of a layer equal, biases zero; the output's differ by class, so that it can learn."""
    widths = (num_inputs, *HIDDEN)
    layers = [(torch.full((a, b), EQUAL_WEIGHT), torch.zeros(b)) for a, b in pairwise(widths)]
    output = (
        torch.linspace(-EQUAL_WEIGHT, EQUAL_WEIGHT, num_outputs) if num_outputs > 1 else torch.full((1,), EQUAL_WEIGHT)
    )
    return [*layers, (output.expand(HIDDEN[-1], num_outputs).clone(), torch.zeros(num_outputs))]


def _identical(module: nn.Module, sample: Sample) -> float:
    """Smallest share of units with a twin among the hidden layers, as `justfit check` measures it."""
    problem = sample.problem
    targets = problem.targets.view(-1, 1) if problem.task == "regression" else problem.targets
    found = checkup.check(module, problem.inputs[:64], targets=targets[:64])
    return min(layer.identical_fraction for layer in found.layers if not layer.is_output)


def _distinct(module: nn.Sequential) -> int:
    """Different units of the first hidden layer, to six digits."""
    first = module[0]
    assert isinstance(first, nn.Linear)  # noqa: S101 - tells the type checker what comes first
    rows = torch.cat([first.weight, first.bias[:, None]], 1).detach().double()
    size = float(rows.abs().max()) or 1.0
    return len((rows / size).round(decimals=6).unique(dim=0))  # type: ignore[no-untyped-call]  # torch has no types here


def _figure(runs: dict[str, _Run], unit: str, distinct: list[int]) -> LabFigure:
    epochs = (0, *EPOCHS)
    curves = tuple(
        line(name, [float(epoch) for epoch in epochs], [over_rows(losses) for losses in run.losses])
        for name, run in runs.items()
    )
    names = ("zeros", "equal weights", "He")
    return LabFigure(
        title="Zeros learn nothing but a constant, equal weights learn as one unit per layer",
        caption=f"Training loss: mean over rows. Different units: how many of {HIDDEN[0]} units of the first "
        "hidden layer differ after training.",
        plots=(
            LabPlot(title="Training loss", x_title="epoch", y_title=f"mean loss ({unit})", series=curves),
            LabPlot(
                title="Different units",
                x_title="weights at the start",
                y_title="distinct units",
                log_y=True,
                categories=names,
                series=(LabSeries(name="", x=(0.0, 1.0, 2.0), y=tuple(map(float, distinct)), points=True),),
            ),
        ),
    )
