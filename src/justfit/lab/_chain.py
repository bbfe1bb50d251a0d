"""C12: the lecture's deep linear network, closed form beside autograd."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from justfit import maths
from justfit.lab._estimate import rounded
from justfit.lab._judge import Found
from justfit.lab._penalty import SPACING
from justfit.lab._workbench import Workbench
from justfit.records import LabFigure, LabPlot, LabSeries
from justfit.report import number

FACTORS = (0.9, 1.1)
DEPTHS = (2, 5, 10, 25, 50, 100, 200)
WIDTH = 8
RANDOM_DEPTH = 12


def multiply(bench: Workbench) -> Found:
    """Run chains of factor·identity layers and hold output and gradient against the closed form."""
    inputs = _inputs(bench)
    misfit, grad_misfit, sizes, slopes = 0.0, 0.0, {}, {}
    for factor in FACTORS:
        measured = []
        for depth in DEPTHS:
            chain = _chain(factor, depth)
            outputs = chain(inputs)
            outputs.backward(torch.ones_like(outputs))
            misfit = max(misfit, _share(maths.scaled_identity_output(inputs, factor, depth), outputs.detach()))
            for layer in (1, (depth + 1) // 2, depth):
                closed = maths.scaled_identity_gradient(inputs, torch.ones_like(outputs), factor, (layer, depth))
                grad_misfit = max(grad_misfit, _share(closed, _weight(chain, layer).grad))
            measured.append(float(outputs.detach().norm() / inputs.norm()))
        sizes[factor] = measured
        slope = math.log(measured[-1] / measured[0]) / (DEPTHS[-1] - DEPTHS[0])
        slopes[factor] = abs(slope) * maths.e_folding_depth(factor) - 1.0
    limit = 4 * DEPTHS[-1] * WIDTH * SPACING
    return Found(
        title=f"After {DEPTHS[-1]} layers 0.9 leaves {number(sizes[0.9][-1], 2)} of the input, and 1.1 makes "
        f"{number(sizes[1.1][-1], 2)} of it",
        measurements=(
            rounded(
                "closed form of the output against a network of nn.Linear, largest misfit", misfit, limit, _rounding()
            ),
            rounded("closed form of the gradient against autograd, largest misfit", grad_misfit, limit, _rounding()),
            *(
                rounded(
                    f"depth of an e-fold change at {factor:g}, against 1/|ln {factor:g}|, as a share",
                    slope,
                    limit,
                    _rounding(),
                )
                for factor, slope in slopes.items()
            ),
            rounded(
                "ln σ of a product of equal layers against depth·ln factor, as a share",
                _equal_singular(),
                limit,
                _rounding(),
            ),
            rounded(
                f"ln σ of {RANDOM_DEPTH} random layers against a decomposition of their product",
                _random_singular(bench.seed),
                1e-6,
                "the plain product keeps the smallest σ to half its digits only",
            ),
        ),
        figure=_figure(sizes),
        where=f"{len(inputs)} rows of {bench.sample.name}, {WIDTH} of their columns, float64, depths {DEPTHS[0]} to "
        f"{DEPTHS[-1]}",
    )


def _inputs(bench: Workbench) -> Tensor:
    """The eight columns that vary most; narrower tables are filled up with zeros."""
    inputs = bench.sample.problem.inputs[:32].double()
    widest = inputs.std(0).argsort(descending=True, stable=True)[:WIDTH]
    filled = torch.zeros(len(inputs), WIDTH, dtype=torch.float64)
    filled[:, : len(widest)] = inputs[:, widest]
    return filled


def _chain(factor: float, depth: int) -> nn.Sequential:
    """Layers 1 … l − 1 are factor·1, the last one is the identity, as in the lecture."""
    chain = nn.Sequential(*(nn.Linear(WIDTH, WIDTH, bias=False, dtype=torch.float64) for _ in range(depth)))
    with torch.no_grad():
        for index, layer in enumerate(chain):
            _weight(chain, index + 1).copy_(
                torch.eye(WIDTH, dtype=torch.float64) * (factor if layer is not chain[-1] else 1.0)
            )
    return chain


def _weight(chain: nn.Sequential, layer: int) -> Tensor:
    linear = chain[layer - 1]
    assert isinstance(linear, nn.Linear)  # noqa: S101 - tells the type checker what the chain is made of
    return linear.weight


def _share(expected: Tensor, found: Tensor | None) -> float:
    return math.nan if found is None else float((expected - found).abs().max() / found.abs().max())


def _equal_singular() -> float:
    eye = torch.eye(WIDTH, dtype=torch.float64)
    logs = maths.chain_log_singular_values([0.9 * eye] * 10_000)
    return float((logs / (10_000 * math.log(0.9)) - 1.0).abs().max())


def _random_singular(seed: int) -> float:
    generator = torch.Generator().manual_seed(seed)
    weights = [
        torch.randn(WIDTH, WIDTH, generator=generator, dtype=torch.float64) / WIDTH**0.5 for _ in range(RANDOM_DEPTH)
    ]
    product = torch.linalg.multi_dot(weights[::-1])
    plain = torch.linalg.svdvals(product)
    seen = plain > plain[0] * 1e-8  # below, the plain product has lost its digits
    return float((maths.chain_log_singular_values(weights) - plain.log()).abs()[seen].max())


def _rounding() -> str:
    return f"rounding of {DEPTHS[-1]} layers in float64"


def _figure(sizes: dict[float, list[float]]) -> LabFigure:
    depths = tuple(map(float, DEPTHS))
    series = []
    for factor, measured in sizes.items():
        series.append(
            LabSeries(name=f"{factor:g}^(l − 1)", x=depths, y=tuple(factor ** (depth - 1) for depth in DEPTHS))
        )
        series.append(LabSeries(name=f"network of {factor:g}·I", x=depths, y=tuple(measured), points=True))
    return LabFigure(
        title="0.9 vanishes and 1.1 explodes, both along a straight line on a logarithmic axis",
        caption="Lines: closed form. Points: a real network of that depth. Between them there is only rounding.",
        plots=(LabPlot(x_title="depth l (layers)", y_title="‖ŷ‖ / ‖x‖ (no unit)", log_y=True, series=tuple(series)),),
    )
