"""Deep plain networks, checked as `justfit check` does: gains by layer, averaged over the draws.

Notation: n the width of every layer, s the factor by which a signal should change per layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from justfit import checkup
from justfit.lab._estimate import Estimate, predicted
from justfit.lab._workbench import Workbench
from justfit.records import Checkup, LabMeasurement, LabSeries

WIDTH = 96
NUM_ROWS = 48


@dataclass(frozen=True, slots=True)
class Deep:
    """Checkups of one kind of deep network, one per draw.

    Attributes:
        checkups: Of each draw.
        moment: E[φ⁴]/E[φ²]² of the activation: 6 for ReLU, 3 for a linear one.
    """

    checkups: tuple[Checkup, ...]
    moment: float

    @property
    def bias(self) -> float:
        r"""How far the finite width pulls ln gain down: the mean of a logarithm lies below the logarithm of the mean.

        .. math:: E[\ln \sqrt{r}] \approx -\frac{\mathrm{Var}(r)}{4}, \qquad
                  \mathrm{Var}(r) = \frac{1}{n}\Big(\frac{E[\varphi^4]}{E[\varphi^2]^2} - 1\Big)
        """
        return (self.moment - 1.0) / (4.0 * WIDTH)

    def slope(self, backward: bool = False) -> Estimate:
        r"""Mean of ln gain over the hidden layers and draws.

        Its standard error is that of theory, since a few draws say little about it: SD of ln √r is √Var(r)/2 a layer.
        """
        gains = [gain for row in self._log_gains(backward) for gain in row]
        return Estimate(sum(gains) / len(gains), math.sqrt((self.moment - 1.0) / (4.0 * WIDTH * len(gains))))

    def predicts(self, name: str, log_gain: float, source: str, *, backward: bool = False) -> LabMeasurement:
        """Hold the mean ln gain against theory at infinite width."""
        words = (
            f"{source} at infinite width, less a bias of {self.bias:.2g} at width {WIDTH} (of which half is allowed)"
        )
        return predicted(name, self.slope(backward), log_gain - self.bias, words, slack=self.bias / 2)

    def signal(self, name: str, backward: bool = False) -> LabSeries:
        """Signal (or gradient, in the order it travels) relative to where it starts, geometric mean over the draws."""
        rows = self._log_gains(backward)
        means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        total, ys = 0.0, [1.0]
        for mean in means:
            total += mean
            ys.append(math.exp(total))
        return LabSeries(name=name, x=tuple(float(k) for k in range(len(ys))), y=tuple(ys))

    def share_with(self, codes: set[str]) -> float:
        """Share of the draws in which one of these rules found something."""
        hit = [bool(codes & {finding.code for finding in found.findings}) for found in self.checkups]
        return sum(hit) / len(hit)

    def _log_gains(self, backward: bool) -> list[list[float]]:
        # the first layer sees the table, the last one has no activation
        layers = [[layer for layer in found.layers if not layer.is_output][1:] for found in self.checkups]
        if backward:
            return [[_log(layer.backward_gain) for layer in reversed(each)] for each in layers]
        return [[_log(layer.forward_gain) for layer in each] for each in layers]


def deep(
    bench: Workbench,
    activation: Callable[[], nn.Module],
    depth: int,
    fill: Callable[[nn.Module, int], None],
    linear: bool = False,
) -> Deep:
    """Build, fill and check some draws of a deep network on the sample's rows.

    Args:
        bench: The data.
        activation: Makes the hidden activation.
        depth: Hidden layers.
        fill: Sets the weights, given the network and the seed of the draw.
        linear: The activation is a straight line where the signal lies; else it is ReLU.
    """
    problem = bench.sample.problem
    rows = torch.linspace(0, len(problem.inputs) - 1, NUM_ROWS).long()  # tables often come sorted
    inputs = standardised(problem.inputs[rows])
    checkups = []
    for draw in range(4 if bench.quick else 8):
        module = plain(inputs.shape[1], activation, depth, problem.num_outputs)
        fill(module, bench.seed + draw)
        # without targets the gradient starts from a random direction: a saturated loss would start it from 0
        checkups.append(checkup.check(module, inputs))
    return Deep(tuple(checkups), 3.0 if linear else 6.0)


def plain(num_inputs: int, activation: Callable[[], nn.Module], depth: int, num_outputs: int) -> nn.Sequential:
    """A network of equal hidden layers."""
    widths = [num_inputs, *[WIDTH] * depth]
    parts = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), activation())]
    return nn.Sequential(*parts, nn.Linear(WIDTH, num_outputs))


def standardised(inputs: Tensor) -> Tensor:
    """Scale all inputs by one number to rms 1."""
    return inputs / inputs.square().mean().sqrt().clamp_min(torch.finfo(inputs.dtype).tiny)


def _log(gain: float) -> float:
    return math.log(gain) if gain > 0 else math.nan
