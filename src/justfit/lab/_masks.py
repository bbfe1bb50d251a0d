"""C9 and C10: dropout in training, and none of it at test time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from justfit import cures
from justfit.lab._estimate import THEORY_ERRORS, Estimate, exactly, over_draws, predicted
from justfit.lab._judge import Found
from justfit.lab._penalty import network
from justfit.lab._workbench import Workbench
from justfit.records import LabFigure, LabMeasurement, LabPlot, LabSeries
from justfit.report import number, percent

PROBABILITIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SHOWN = 0.3  # the probability of the closer looks
NUM_EXAMPLES, NUM_UNITS, NUM_STEPS = 256, 128, 40


@dataclass(frozen=True, slots=True)
class Masks:
    """What dropout did to ones: 0 where a unit was dropped, 1/(1 − p) where it was kept; T steps.

    Attributes:
        factor_TBU: Factors of every step, example and unit.
    """

    factor_TBU: Tensor

    @property
    def kept(self) -> Tensor:
        """1.0 where the unit was kept."""
        return (self.factor_TBU != 0).double()


def thin(bench: Workbench) -> Found:
    """Draw masks for a batch over some steps and hold them against the binomial law."""
    torch.manual_seed(bench.seed)
    drawn = {p: _draw(cures.Dropout(p)) for p in PROBABILITIES}
    rates = {p: _keep_rate(masks, p) for p, masks in drawn.items()}
    worst = max(PROBABILITIES, key=lambda p: abs(rates[p].value - (1 - p)) / rates[p].error)
    shown = drawn[SHOWN]
    means = {p: _mean(masks, p) for p, masks in drawn.items()}
    worst_mean = max(PROBABILITIES, key=lambda p: abs(means[p].value - 1) / means[p].error)
    per_unit = _draw(cures.Dropout([0.1, 0.9] * (NUM_UNITS // 2)))
    alike = SHOWN**2 + (1 - SHOWN) ** 2
    return Found(
        title=f"With p = {SHOWN:g}, {percent(rates[SHOWN].value)} of the units stay active, and no two examples or "
        "steps share a mask",
        measurements=(
            predicted(
                f"share kept at p = {worst:g}, the least fitting of {len(drawn)}",
                rates[worst],
                1 - worst,
                "1 − p, binomial",
            ),
            predicted(
                f"mean factor at p = {worst_mean:g}, the least fitting: the expected activation is kept",
                means[worst_mean],
                1.0,
                "inverted scaling: E[m/(1 − p)] = 1",
            ),
            _factor(shown),
            predicted(
                "agreement of two examples of one step",
                _agreement(shown.kept, 1),
                alike,
                "independent masks: p² + (1 − p)²",
            ),
            predicted(
                "agreement of two steps on one example",
                _agreement(shown.kept, 0),
                alike,
                "independent masks: p² + (1 − p)²",
            ),
            exactly(
                "different masks among the examples of one step",
                float(len(shown.kept[0].unique(dim=0))),  # type: ignore[no-untyped-call]  # torch has no types here
                NUM_EXAMPLES,
                f"one for each of {NUM_EXAMPLES} examples; two alike have probability {number(alike**NUM_UNITS, 1)}",
            ),
            predicted(
                "share kept of units with p = 0.9 of their own",
                _keep_rate(Masks(per_unit.factor_TBU[..., 1::2]), 0.9),
                0.1,
                "1 − p, binomial",
            ),
        ),
        figure=_figure(rates, means),
        where=f"{NUM_STEPS} steps of {NUM_EXAMPLES} examples and {NUM_UNITS} units for each p",
    )


def predict_twice(bench: Workbench) -> Found:
    """Run one network with dropout twice in either mode, and beside the same network without it."""
    inputs = bench.sample.problem.inputs.double()
    plain = network(bench.sample, bench.seed, (64, 64))
    dropped = nn.Sequential(*(part for layer in plain for part in _with_dropout(layer)))
    torch.manual_seed(bench.seed)
    with torch.no_grad():
        noisy = [dropped.train()(inputs) for _ in range(8)]
        quiet = [dropped.eval()(inputs) for _ in range(8)]
        without = plain(inputs)
    changed = float((noisy[0] != noisy[1]).double().mean())
    spread = torch.stack(noisy)[:, :, 0].std(0)
    differing = sum(int((output != quiet[0]).sum()) for output in quiet[1:])
    return Found(
        title=f"In eval mode {quiet[0].numel():,} outputs repeat to the last bit; in train mode {percent(changed)} of "
        "them change",
        measurements=(
            exactly(
                "outputs that differ between eight predictions in eval mode", float(differing), 0.0, "no randomness"
            ),
            exactly(
                "outputs in eval mode that differ from the network without dropout",
                float((quiet[0] != without).sum()),
                0.0,
                "eval mode is the identity, nothing is scaled",
            ),
            LabMeasurement(
                name="share of outputs that change between two passes in train mode",
                value=changed,
                low=1.0 - 1e-3,
                high=1.0,
                source="new masks of 128 units at every pass; equal outputs by chance have probability 0.5^128",
            ),
        ),
        figure=LabFigure(
            title="Predictions jump from pass to pass in train mode and stand still in eval mode",
            caption="First output for the first ten rows, eight passes in either mode.",
            plots=tuple(
                LabPlot(
                    title=title,
                    x_title="row",
                    y_title="first output",
                    y_low=float(torch.stack(noisy)[:, :10, 0].min()),
                    y_high=float(torch.stack(noisy)[:, :10, 0].max()),
                    series=tuple(_passes(outputs)),
                )
                for title, outputs in (("Train mode", noisy), ("Eval mode", quiet))
            ),
        ),
        where=f"{bench.sample.name}: {len(inputs)} rows, dropout 0.5 after hidden layers of 64 and 64; standard "
        f"deviation between passes in train mode {number(float(spread.mean()), 2)}, in eval mode 0",
    )


def _with_dropout(layer: nn.Module) -> tuple[nn.Module, ...]:
    return (layer, cures.Dropout(0.5)) if isinstance(layer, nn.ReLU) else (layer,)


def _passes(outputs: list[Tensor]) -> list[LabSeries]:
    rows = min(10, len(outputs[0]))
    xs = tuple(float(row + 1) for row in range(rows) for _ in outputs)
    ys = tuple(float(output[row, 0]) for row in range(rows) for output in outputs)
    return [LabSeries(name="", x=xs, y=ys, points=True)]


def _draw(dropout: nn.Module) -> Masks:
    ones = torch.ones(NUM_EXAMPLES, NUM_UNITS)
    return Masks(torch.stack([dropout.train()(ones) for _ in range(NUM_STEPS)]))


def _keep_rate(masks: Masks, p: float) -> Estimate:
    kept = masks.kept
    return Estimate(float(kept.mean()), math.sqrt(p * (1 - p) / kept.numel()))


def _mean(masks: Masks, p: float) -> Estimate:
    factors = masks.factor_TBU.double()
    return Estimate(float(factors.mean()), math.sqrt(p / (1 - p) / factors.numel()))


def _factor(masks: Masks) -> LabMeasurement:
    kept = masks.factor_TBU[masks.factor_TBU != 0].double()
    value = (
        float(kept.max())
        if abs(float(kept.max()) - 1 / (1 - SHOWN)) > abs(float(kept.min()) - 1 / (1 - SHOWN))
        else float(kept.min())
    )
    spacing = 2.0**-23
    return LabMeasurement(
        name=f"factor of a kept unit at p = {SHOWN:g}, the one farthest off",
        value=value,
        low=(1 - spacing) / (1 - SHOWN),
        high=(1 + spacing) / (1 - SHOWN),
        source="1/(1 − p), rounding in float32",
    )


def _agreement(kept_TBU: Tensor, dimension: int) -> Estimate:
    """Share of units on which neighbouring, disjoint pairs along a dimension agree; one number per pair."""
    first, second = kept_TBU.split(kept_TBU.shape[dimension] // 2, dimension)  # type: ignore[no-untyped-call]  # torch has no types here
    agree = (first == second).double().mean(2)
    return over_draws(agree.flatten().numpy())


def _figure(rates: dict[float, Estimate], means: dict[float, Estimate]) -> LabFigure:
    xs = tuple(rates)

    def measured(name: str, values: dict[float, Estimate]) -> LabSeries:
        errors = tuple(THEORY_ERRORS * value.error for value in values.values())
        return LabSeries(name=name, x=xs, y=tuple(v.value for v in values.values()), standard_error=errors, points=True)

    return LabFigure(
        title="Each unit stays with probability 1 − p, and the scaling keeps the mean at 1",
        caption="Points are measured, lines are theory. Error bars of four binomial standard errors are smaller than "
        "the points.",
        plots=(
            LabPlot(
                x_title="p, the probability of dropping",
                y_title="share, or mean factor",
                series=(
                    LabSeries(name="1 − p", x=xs, y=tuple(1 - p for p in xs)),
                    LabSeries(name="1", x=xs, y=(1.0,) * len(xs)),
                    measured("share kept", rates),
                    measured("mean of m/(1 − p)", means),
                ),
            ),
        ),
    )
