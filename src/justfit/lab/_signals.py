"""C13: gains by layer, the depth of an e-fold change, and what careful initialization repairs."""

from __future__ import annotations

import math

from torch import nn

from justfit import cures, maths
from justfit.lab._depth import WIDTH, Deep, deep
from justfit.lab._estimate import exactly, over_draws, positive
from justfit.lab._judge import Found
from justfit.lab._workbench import Workbench
from justfit.records import Checkup, LabFigure, LabPlot
from justfit.report import number

DEPTH = 100
FACTORS = (0.9, 1.1)
VANISHED, EXPLODED = {"JF201", "JF203"}, {"JF202", "JF204"}


def travel(bench: Workbench) -> Found:
    """Scale He's weights by 0.9, 1.1 and 1, and check the deep networks they make."""
    scaled = {factor: deep(bench, nn.ReLU, DEPTH, _Scaled(factor)) for factor in FACTORS}
    he = deep(bench, nn.ReLU, DEPTH, _he)
    collapse = over_draws([_collapse(found) for found in he.checkups])
    depths = {factor: 1 / abs(found.slope().value) for factor, found in scaled.items()}
    expected = {factor: maths.e_folding_depth(factor) for factor in FACTORS}
    return Found(
        title=f"At 0.9 the signal changes e-fold in {number(depths[0.9], 2)} layers, at 1.1 in "
        f"{number(depths[1.1], 2)}; He's weights keep it within a factor of "
        f"{number(math.exp(abs(he.slope().value) * DEPTH), 2)} over {DEPTH}",
        measurements=(
            *(
                found.predicts(
                    f"{way} ln gain per layer at {factor:g}",
                    math.copysign(1 / expected[factor], factor - 1),
                    f"ln {factor:g}",
                    backward=backward,
                )
                for factor, found in scaled.items()
                for way, backward in (("forward", False), ("backward", True))
            ),
            exactly(
                "share of the 0.9 networks that are called vanishing",
                scaled[0.9].share_with(VANISHED),
                1.0,
                "JF201 and JF203 of `justfit check`",
            ),
            exactly(
                "share of the 1.1 networks that are called exploding",
                scaled[1.1].share_with(EXPLODED),
                1.0,
                "JF202 and JF204 of `justfit check`",
            ),
            he.predicts("forward ln gain per layer, He", 0.0, "0"),
            exactly(
                "share of He's networks that are called either",
                he.share_with(VANISHED | EXPLODED),
                0.0,
                "the same four rules",
            ),
            positive(
                "cosine between two examples after the last He layer above that before the first: the cure is a part "
                "of one",
                collapse,
            ),
        ),
        figure=_figure(scaled, he),
        where=f"{DEPTH} hidden layers of {WIDTH} ReLU units on 48 rows of {bench.sample.name}; {len(he.checkups)} "
        "draws",
    )


class _Scaled:
    """Fill a network with He's weights times a factor: N(0, factor²·2/fan_in)."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, module: nn.Module, seed: int) -> None:
        _he(module, seed)
        for layer in module.modules():
            if isinstance(layer, nn.Linear):
                layer.weight.data.mul_(self.factor)


def _he(module: nn.Module, seed: int) -> None:
    cures.initialize_(module, scheme="he", seed=seed)


def _collapse(found: Checkup) -> float:
    """How much closer two examples lie (in cosine) before the output than at the first layer."""
    trunk = [point.cosine for point in found.evidence.trunk if math.isfinite(point.cosine)]
    return trunk[-2] - trunk[0]


def _figure(scaled: dict[float, Deep], he: Deep) -> LabFigure:
    lines = {**{f"{factor:g} × He": found for factor, found in scaled.items()}, "He": he}
    plots = [
        LabPlot(
            title=title,
            x_title=x_title,
            y_title=y_title,
            log_y=True,
            series=tuple(found.signal(name, backward) for name, found in lines.items()),
        )
        for title, x_title, y_title, backward in (
            ("Forward", "layers from the input", "rms, relative to layer 1", False),
            ("Backward", "layers from the output", "‖∂L/∂activation‖, relative", True),
        )
    ]
    return LabFigure(
        title="0.9 starves the signal and the gradient, 1.1 blows them up, He's scale carries both",
        caption="Geometric mean over draws. A straight line is one gain per layer; its slope is the verdict.",
        plots=tuple(plots),
    )
