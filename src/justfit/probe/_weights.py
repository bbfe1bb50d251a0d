"""What a weight's own numbers tell: its size, its family, units that are each other's twins.

Shapes: U output units, R entries of a unit's row.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from justfit.errors import ArgumentError
from justfit.maths import gain
from justfit.probe._operations import SATURATING
from justfit.probe._statistics import norms
from justfit.probe._twins import copied_share, may_have_twins, twin_share

UNIFORM_KURTOSIS = 1.8
NORMAL_KURTOSIS = 3.0
MIN_ENTRIES = 200  # below, the fourth moment tells nothing
MAX_ENTRIES = 1 << 11  # whose moments tell the family
MAX_GROUP = 64  # weights of one shape that are measured together
DEFAULT_SLACK = 0.02


class WeightUse(NamedTuple):
    """A weight as a layer uses it.

    Attributes:
        weight: The weight.
        bias: What is added to the product, or None.
        gradient: ∂L/∂weight; None if there is none.
        dimension: The weight's dimension that counts units.
        is_layer: A linear or convolutional layer, whose default values are known.
        has_units: Its rows are units that learn side by side; those of an embedding are not.
    """

    weight: Tensor
    bias: Tensor | None
    gradient: Tensor | None
    dimension: int
    is_layer: bool
    has_units: bool = True


class WeightFacts(NamedTuple):
    """What a weight's own numbers tell; see `LayerSignal`."""

    identical_fraction: float
    copied_fraction: float
    weight_rms: float
    weight_gradient_rms: float
    has_default_values: bool
    distribution: str


class Moments(NamedTuple):
    """Of a part of a weight's entries: largest absolute value, standard deviation, kurtosis, how many entries."""

    largest: float
    spread: float
    kurtosis: float
    num_entries: int


@torch.no_grad()
def weight_facts(uses: list[WeightUse]) -> list[WeightFacts]:
    """Measure weights, those of one shape together: hundreds of small operations would cost more than the network."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for place, use in enumerate(uses):
        groups.setdefault((use.weight.shape, use.weight.dtype, use.weight.device, use.dimension), []).append(place)
    found: dict[int, WeightFacts] = {}
    for places in groups.values():
        for start in range(0, len(places), MAX_GROUP):
            part = places[start : start + MAX_GROUP]
            found.update(zip(part, _group_facts([uses[place] for place in part]), strict=True))
    return [found[place] for place in range(len(uses))]


def _group_facts(uses: list[WeightUse]) -> list[WeightFacts]:
    weights = [torch.view_as_real(w) if (w := use.weight.detach()).is_complex() else w for use in uses]
    sizes = _rms(weights)
    gradients = _rms([use.gradient for use in uses])
    biases = _rms([use.bias if use.bias is not None and use.bias.is_floating_point() else None for use in uses])
    suspects = may_have_twins(weights, uses[0].dimension)
    facts = []
    for use, size, gradient, bias, moments, suspect in zip(
        uses, sizes, gradients, biases, moments_of(weights), suspects, strict=True
    ):
        distribution = family(moments, size)
        twins = twin_share(use.weight, use.bias, use.gradient, use.dimension) if suspect and use.has_units else 0.0
        facts.append(
            WeightFacts(
                identical_fraction=twins,
                copied_fraction=copied_share(use.weight, use.dimension) if suspect and use.is_layer else 0.0,
                weight_rms=size,
                weight_gradient_rms=gradient,
                has_default_values=use.is_layer
                and distribution == "uniform"
                and _has_default_size(moments, use.weight.numel() / len(use.weight), bias),
                distribution=distribution,
            )
        )
    return facts


def _rms(tensors: Sequence[Tensor | None]) -> list[float]:
    taken = [tensor.detach() for tensor in tensors if tensor is not None]
    read = iter(norms(taken))
    return [math.nan if t is None else next(read) / math.sqrt(max(t.numel(), 1)) for t in tensors]


@torch.no_grad()
def moments_of(weights: list[Tensor]) -> list[Moments]:
    """Measure the moments of at most 2,048 entries of each of some weights of one shape."""
    num = weights[0].numel()
    if not num:
        return [Moments(0.0, 0.0, math.nan, 0)] * len(weights)
    step = -(-num // MAX_ENTRIES)
    step += step > 1 and step % 2 == 0  # an odd step meets every column of the usual even widths
    parts = [weight.detach().reshape(-1)[::step] for weight in weights]
    entries_NP = torch.stack(parts)
    entries_NP = entries_NP if entries_NP.dtype == torch.float64 else entries_NP.float()
    largest_N = torch.maximum(entries_NP.amax(1), -entries_NP.amin(1))
    entries_NP = entries_NP / largest_N.clamp_min(1e-37)[:, None]
    entries_NP -= entries_NP.mean(1, keepdim=True)
    squares_NP = entries_NP.square_()
    variance_N = squares_NP.mean(1)
    kurtosis_N = torch.linalg.vector_norm(squares_NP, dim=1).square() / entries_NP.shape[1] / variance_N.square()
    rows = torch.stack([largest_N, variance_N.sqrt() * largest_N, kurtosis_N], dim=1).tolist()
    return [Moments(largest, spread, kurtosis, entries_NP.shape[1]) for largest, spread, kurtosis in rows]


def family(moments: Moments, rms: float) -> str:
    """Tell the distribution of a weight's entries by its moments: zero, constant, uniform, normal or other.

    Args:
        moments: Of a part of the entries.
        rms: Of all entries: a part of zeros or of one number tells nothing where the rest differs.
    """
    largest, spread = moments.largest, moments.spread
    if rms == 0.0:
        return "zero"
    if spread < 1e-7 * largest or largest == 0.0:
        return "constant" if math.isclose(rms, largest, rel_tol=1e-5) else "other"
    if moments.num_entries < MIN_ENTRIES:
        return "other"
    slack = 4.0 * math.sqrt(24.0 / moments.num_entries) + 0.02  # four standard errors of normal entries' kurtosis
    if abs(moments.kurtosis - UNIFORM_KURTOSIS) < min(slack, 0.4) and largest < 1.9 * spread:
        return "uniform"
    return "normal" if abs(moments.kurtosis - NORMAL_KURTOSIS) < min(slack, 0.6) else "other"


def _has_default_size(moments: Moments, fan_in: float, bias_rms: float) -> bool:
    """Tell whether uniform entries lie in ±1/√fan_in as torch's Linear and Conv layers leave them, with a bias."""
    bound = 1.0 / math.sqrt(fan_in)
    low = (1.0 - 10.0 / moments.num_entries - DEFAULT_SLACK) * bound
    if not low <= moments.largest <= bound * (1.0 + 1e-4):
        return False
    return bias_rms != 0.0  # NaN where there is no bias


def right_rms(activation: str | None, fan_in: float, input_rms: float) -> float:
    r"""Compute the size of weight entries that keeps a signal through this layer and its activation.

    Gates and linear layers: gain(φ)/√fan_in. Saturating activations: 1/(|φ'(0)|·√fan_in), the edge of chaos at small
    signals; a larger one saturates them with depth.

    Returns:
        rms of an entry; NaN for an activation without a gain (softmax, exp).
    """
    if fan_in <= 0 or not math.isfinite(input_rms):
        return math.nan
    if activation in SATURATING:
        slope = {"sigmoid": 0.25, "hardsigmoid": 1.0 / 6.0, "erf": 2.0 / math.sqrt(math.pi)}.get(activation or "", 1.0)
        return 1.0 / (slope * math.sqrt(fan_in))
    return _gain(activation) / math.sqrt(fan_in)


@functools.lru_cache(maxsize=128)
def _gain(activation: str | None) -> float:
    try:
        return 1.0 if activation is None else gain(activation)
    except ArgumentError:
        return math.nan
