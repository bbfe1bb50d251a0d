"""The size of each weight, solved while a batch flows through: one forward pass, whatever the depth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from justfit.cures._auto_basis import Basis
from justfit.probe import AttentionCall, Batch, Node, Structure, Tracer, WeightedCall, WeightUse, run_forward

HEAD_RMS = 0.1  # of the output: cross entropy then starts within 0.005 nats of ln C
SAMPLE_ENTRIES = 8192  # preactivations looked at to solve χ(s) = 1
SMALLEST_SCALE, LARGEST_SCALE, SCAN_STEP = 0.3, 64.0, 1.05


@dataclass(slots=True)
class Fit:
    """What was measured in flight.

    Attributes:
        factors: What each weight is multiplied by.
        reasons: Why, in words.
        sizes: Output rms of each use of a weight, after scaling.
        num_passes: Forward passes it took.
    """

    factors: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, list[float]] = field(default_factory=dict)
    num_passes: int = 0


def fit_sizes(module: nn.Module, batch: Batch, structure: Structure, bases: Mapping[str, Basis]) -> Fit:
    """Run one forward pass; scale each weight's output in flight, and remember by how much.

    Args:
        module: With its bases written.
        batch: What flows.
        structure: What stands where, of the same module and batch.
        bases: By parameter; other weights are left alone.

    Returns:
        The factors; nothing is written.
    """
    fit = _pass(module, batch, structure, bases, Fit())
    shared = _solve_shared(fit)
    return fit if not shared.factors else _pass(module, batch, structure, bases, shared)


def _pass(module: nn.Module, batch: Batch, structure: Structure, bases: Mapping[str, Basis], known: Fit) -> Fit:
    known.num_passes += 1
    run_forward(module, batch, Tracer(module, _Fitter(structure, bases, known)), with_gradient=False)
    return known


def _solve_shared(fit: Fit) -> Fit:
    """Solve for the weights that are used more than once: their factor acts once per use.

    The last output comes back to the size of the first; what depends on it must then be measured again.
    """
    solved = Fit(num_passes=fit.num_passes)
    for name, sizes in fit.sizes.items():
        if len(sizes) > 1 and min(sizes) > 0.0 and max(sizes) < math.inf:
            solved.factors[name] = fit.factors[name] * (sizes[0] / sizes[-1]) ** (1.0 / (len(sizes) - 1))
            solved.reasons[name] = f"used {len(sizes)} times, and its last output as large as its first"
    return solved


class _Fitter:
    def __init__(self, structure: Structure, bases: Mapping[str, Basis], fit: Fit) -> None:
        self.fit = fit
        self.structure = structure
        self.bases = bases
        self.wanted = {use.skip.index for use in structure.uses if use.skip is not None}
        self.stream_rms: dict[int, float] = {}
        self.origin: dict[int, float] = {}

    def weighted(self, call: WeightedCall, output: Tensor) -> Tensor:
        name = call.owner.parameter
        basis = self.bases.get(name)
        if basis is not None and call.index < len(self.structure.uses):
            output = self._scaled(name, basis, self.structure.uses[call.index], output)
        self._remember(call.node, output)
        return output

    def operation(self, node: Node, operands: list[Tensor], output: Tensor, arguments: tuple[Any, ...]) -> None:
        self._remember(node, output)

    def attention(self, call: AttentionCall) -> None:
        self._remember(call.node, call.output)

    def _scaled(self, name: str, basis: Basis, use: WeightUse, output: Tensor) -> Tensor:
        size = sample_rms(output)
        if name not in self.fit.factors:
            self.fit.factors[name], self.fit.reasons[name] = self._factor(basis, use, output, size)
        self.fit.sizes.setdefault(name, []).append(size * self.fit.factors[name])
        return output * self.fit.factors[name]

    def _factor(self, basis: Basis, use: WeightUse, output: Tensor, size: float) -> tuple[float, str]:
        if not 0.0 < size < math.inf:
            return 1.0, "nothing flowed through it on this batch, so its size could not be measured"
        if use.is_output and not use.in_branch and use.activation is None:
            return HEAD_RMS / size, f"the output layer: its output starts at rms {HEAD_RMS:g}"
        if use.skip is not None:
            base = self.stream_rms.get(use.skip.index, 1.0) or 1.0
            count = max(1, self.structure.num_sums)
            return base / math.sqrt(count) / size, f"the last weight of one of {count} branches: 1/√{count} of the stream"
        if basis.is_balanced and use.activation is not None:
            scale = balanced_scale(output, use.activation)
            if scale is not None:
                return scale, f"mean square slope 1 through {use.activation}: neither order nor chaos"
        return 1.0 / size, "output rms 1"

    def _remember(self, node: Node, output: Tensor) -> None:
        if node.index not in self.wanted:
            return
        # A stream keeps the size it had before its first sum, so that R branches add up to its size once.
        inherited = next((self.origin[p.index] for p in node.parents if p.index in self.origin), None)
        size = sample_rms(output) if inherited is None or node.operation != "add" else inherited
        self.stream_rms[node.index] = size
        self.origin[node.index] = size


def sample_rms(output: Tensor) -> float:
    """Compute the median over examples of the root mean square; one odd example does not set the scale."""
    rows = output.detach().flatten(1) if output.dim() > 1 else output.detach()[None]
    if not rows.numel():
        return 0.0
    rows = rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
    sizes = torch.linalg.vector_norm(rows, dim=1)
    median = float(sizes.median()) or float(sizes.norm()) / math.sqrt(len(sizes))
    return median / math.sqrt(rows.shape[1])


@torch.no_grad()
def balanced_scale(preactivation: Tensor, activation: str) -> float | None:
    r"""Find the smallest factor s ≥ 0.3 that makes the mean square slope through weight and activation one.

    .. math:: \chi(s) = s^2 \, E[\varphi'(s y)^2] = 1

    Args:
        preactivation: y, made by a weight whose singular values are one.
        activation: A saturating one.

    Returns:
        s; None if χ stays below one (no scale keeps the gradient).

    References:
        Poole et al., "Exponential Expressivity in Deep Neural Networks through Transient Chaos", 2016, eq. 8.
    """
    flat = preactivation.detach().flatten().double()
    y = flat[:: max(1, len(flat) // SAMPLE_ENTRIES)]

    def chi(scale: float) -> float:
        return scale**2 * float(slope(scale * y, activation).square().mean())

    low = high = SMALLEST_SCALE
    while chi(high) < 1.0:
        low, high = high, high * SCAN_STEP
        if high > LARGEST_SCALE:
            return None
    for _ in range(20):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if chi(middle) < 1.0 else (low, middle)
    return high


def slope(z: Tensor, activation: str) -> Tensor:
    """Compute the derivative of a saturating activation."""
    if activation == "tanh":
        return 1.0 - z.tanh().square()
    if activation == "sigmoid":
        return z.sigmoid() * (1.0 - z.sigmoid())
    if activation == "softsign":
        return (1.0 + z.abs()).square().reciprocal()
    if activation == "erf":
        return 2.0 / math.sqrt(math.pi) * (-z.square()).exp()
    edge, value = (3.0, 1.0 / 6.0) if activation == "hardsigmoid" else (1.0, 1.0)
    return (z.abs() < edge).double() * value
