"""The size of each weight, solved while a batch flows through: one forward pass, whatever the depth."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from justfit.cures._auto_addend import added_signal, addend
from justfit.cures._auto_basis import Step, key_of
from justfit.probe import AttentionCall, Batch, Node, Structure, Tracer, WeightedCall, run_forward

HEAD_RMS = 0.1  # of the output: cross entropy then starts within 0.005 nats of ln C
SAMPLE_ENTRIES = 8192  # preactivations looked at to solve χ(s) = 1
SMALLEST_SCALE, LARGEST_SCALE, SCAN_STEP = 0.1, 64.0, 1.2
NUM_BISECTIONS = 16  # to 3e-6: below a percent at 1,000 layers
UNINFORMED = frozenset({None, "softmax", "log_softmax", "sigmoid"})  # behind an output layer that starts small


@dataclass(slots=True)
class Fit:
    """What was measured in flight.

    Attributes:
        factors: What each weight is multiplied by, by key.
        reasons: Why, in words.
        sizes: Output rms of each use of a weight as at its first use (not transposed), after scaling.
        num_passes: Forward passes it took.
    """

    factors: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, list[float]] = field(default_factory=dict)
    num_passes: int = 0


def fit_sizes(module: nn.Module, batch: Batch, structure: Structure, steps: Mapping[str, Step]) -> Fit:
    """Run one forward pass; scale each weight's output in flight, and remember by how much.

    Args:
        module: With its bases written.
        batch: What flows.
        structure: What stands where, of the same module and batch.
        steps: By key; other weights are left alone.

    Returns:
        The factors; nothing is written.
    """
    fit = _pass(module, batch, structure, steps, Fit())
    shared = _solve_shared(fit)
    return fit if not shared.factors else _pass(module, batch, structure, steps, shared)


def _pass(module: nn.Module, batch: Batch, structure: Structure, steps: Mapping[str, Step], known: Fit) -> Fit:
    known.num_passes += 1
    tracer = _FitTracer(module, _Fitter(structure, steps, known))
    run_forward(module, batch, tracer, with_gradient=False)
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


class _FitTracer(Tracer):
    """Also tells the fitter what `addmm` multiplies its first argument by."""

    def __init__(self, module: nn.Module, fitter: _Fitter) -> None:
        super().__init__(module, fitter, keeps_signal=False)
        self._fitter = fitter

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self._fitter.beta = kwargs.get("beta", 1.0) if kwargs else 1.0
        return super().__torch_function__(func, types, args, kwargs)


class _Fitter:
    def __init__(self, structure: Structure, steps: Mapping[str, Step], fit: Fit) -> None:
        self.fit = fit
        self.num_sums = max(1, structure.num_sums)
        self.steps = steps
        self.wanted = {use.skip.index for use in structure.uses if use.skip is not None}
        self.stream_rms: dict[int, float] = {}
        self.origin: dict[int, float] = {}
        self.beta = 1.0

    def weighted(self, call: WeightedCall, output: Tensor) -> Tensor:
        key = key_of(call)
        step = self.steps.get(key)
        if step is not None:
            if output is call.bias:  # `addmm_`: the product can no longer be told from what it was added to
                self.fit.factors.setdefault(key, 1.0)
                self.fit.reasons.setdefault(key, "added in place, so its size could not be measured")
                self._remember(call.node, output, is_sum=True)
                return output
            added = addend(call, output, self.beta)
            if added is not None:
                output.sub_(added)
            size = sample_rms(output)
            if key not in self.fit.factors:
                self.fit.factors[key], self.fit.reasons[key] = self._factor(step, output, size)
            factor = self.fit.factors[key]
            first = step.use.call.weight
            if call.weight.shape == first.shape and call.weight.stride() == first.stride():  # no tied transpose
                self.fit.sizes.setdefault(key, []).append(size * factor)
            output.mul_(factor)  # fresh from its operation: nobody else holds it yet
            if added is not None:
                output.add_(added)  # only the product has a weight to scale
        self._remember(call.node, output, is_sum=added_signal(call) is not None)
        return output

    def operation(self, node: Node, _: list[Tensor], output: Tensor) -> None:
        self._remember(node, output, is_sum=node.operation == "add")

    def attention(self, call: AttentionCall) -> None:
        self._remember(call.node, call.output)

    def _factor(self, step: Step, output: Tensor, size: float) -> tuple[float, str]:
        use, basis = step.use, step.basis
        if not math.isfinite(size):
            return 1.0, "NaN or infinity flowed through it on this batch, so its size could not be measured"
        if size <= 0.0:
            return 1.0, "nothing flowed through it on this batch, so its size could not be measured"
        if use.normalised:
            return 1.0 / size, "output rms 1, before a normalisation"
        if use.is_output and not use.in_branch and use.activation in UNINFORMED:
            return HEAD_RMS / size, f"the output layer: its output starts at rms {HEAD_RMS:g}"
        if use.skip is not None:
            base = self.stream_rms.get(use.skip.index, 1.0) or 1.0
            words = f"the last weight of one of {self.num_sums} branches: 1/√{self.num_sums} of the stream"
            return base / math.sqrt(self.num_sums) / size, words
        if basis.is_balanced and use.activation is not None:
            scale = balanced_scale(output, use.activation, paired=basis.mirrored_rows)
            if scale is not None:
                return scale, f"mean square slope 1 through {use.activation}: neither order nor chaos"
        return 1.0 / size, "output rms 1"

    def _remember(self, node: Node, output: Tensor, *, is_sum: bool = False) -> None:
        if node.index not in self.wanted:
            return
        # A stream keeps the size it had before its first sum, so that R branches add up to its size once.
        inherited = next((self.origin[p.index] for p in node.parents if p.index in self.origin), None)
        size = sample_rms(output) if inherited is None or not is_sum else inherited
        self.stream_rms[node.index] = size
        self.origin[node.index] = size


def sample_rms(output: Tensor) -> float:
    """Compute the median over examples of the root mean square; one odd example does not set the scale."""
    output = output.detach()
    if output.dim() != 2:
        output = output.flatten(1) if output.dim() > 1 else output[None]
    if not output.numel():
        return 0.0
    rows = output.float() if output.dtype in (torch.float16, torch.bfloat16) else output
    sizes = torch.linalg.vector_norm(rows, dim=1)
    median = float(sizes.median()) or float(sizes.norm()) / math.sqrt(len(sizes))
    if 0.0 < median < math.inf or math.isnan(median):
        return median / math.sqrt(rows.shape[1])
    largest = float(rows.abs().amax())
    if not 0.0 < largest < math.inf or largest == 1.0:
        return largest
    return largest * sample_rms(rows / largest)  # squares leave the range of the dtype before the values do


@torch.no_grad()
def balanced_scale(preactivation: Tensor, activation: str, *, paired: bool) -> float | None:
    r"""Find the smallest factor s ≥ 0.1 that makes the mean square slope through weight and activation one.

    .. math:: \chi(s) = s^2 \, E[\varphi'(s y)^2] = 1

    Where units come in pairs of opposite sign, φ(h) − φ(−h) takes the place of φ.

    Args:
        preactivation: y, made by a weight whose singular values are one.
        activation: One of `BALANCED`.
        paired: The weight that reads it subtracts mirrored pairs.

    Returns:
        s, to a relative 3e-6; None if χ stays below one up to s = 64 (no scale keeps the gradient).

    References:
        Poole et al., "Exponential Expressivity in Deep Neural Networks through Transient Chaos", 2016, eq. 8.
    """
    flat = preactivation.flatten().double()
    y = flat[:: max(1, len(flat) // SAMPLE_ENTRIES)]

    def chi(scale: float) -> float:
        z = scale * y
        slopes = slope(z, activation)
        if paired:
            slopes = slopes + slope(-z, activation)
        return scale**2 * float(slopes.square().mean())

    low = high = SMALLEST_SCALE
    while chi(high) < 1.0:
        low, high = high, high * SCAN_STEP
        if high > LARGEST_SCALE:
            return None
    for _ in range(NUM_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if chi(middle) < 1.0 else (low, middle)
    return high


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def slope(z: Tensor, activation: str) -> Tensor:
    """Compute the derivative of an activation of `BALANCED`, at torch's default parameters."""
    if activation == "tanh":
        return 1.0 - z.tanh().square()
    if activation == "sigmoid":
        return z.sigmoid() * (-z).sigmoid()
    if activation == "softsign":
        return (1.0 + z.abs()).square().reciprocal()
    if activation == "erf":
        return 2.0 / math.sqrt(math.pi) * (-z.square()).exp()
    if activation == "sin":
        return z.cos()
    if activation in ("elu", "celu"):
        return z.clamp(max=0.0).exp()
    if activation == "selu":
        return SELU_SCALE * torch.where(z > 0, 1.0, SELU_ALPHA * z.exp())
    if activation == "mish":
        bent = nn.functional.softplus(z).tanh()
        return bent + z * (1.0 - bent.square()) * z.sigmoid()
    edge, value = (3.0, 1.0 / 6.0) if activation == "hardsigmoid" else (1.0, 1.0)
    return (z.abs() < edge).double() * value
