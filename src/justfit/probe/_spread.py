"""How activations vary between examples, measured for many places of a network at once.

Shapes: N activations of one shape, S samples (examples, or positions where there are few examples), F features of a
sample.
"""

from __future__ import annotations

import math
from collections import deque
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from justfit.probe._statistics import MIN_EXAMPLES, safe_norm

MAX_SAMPLES = 64
MAX_FEATURES = 2048
KEPT_FIRST, KEPT_LAST = 4, 48  # activations whose singular values may be asked for: the two ends of the trunk
NOISE_FACTOR = 1e3  # what differs between examples by less than this many roundings is rounding noise
MAX_NOISE = 0.03  # of the rms; a few roundings of bfloat16


class Size(NamedTuple):
    """S and F of an activation as it was measured."""

    num_samples: int
    width: int


class Spread(NamedTuple):
    """How one activation varies between examples.

    Attributes:
        rms: Over all entries.
        centred_rms: Of what differs between samples.
        rank: Effective rank, gated by sample energy.
        cosine: Mean over pairs of samples.
        energy: Share of the mean square that differs between samples.
    """

    rms: float
    centred_rms: float
    rank: float
    cosine: float
    energy: float


class _Taken(NamedTuple):
    place: int
    rows_SF: Tensor
    rms: Tensor | None  # None where the rows are the whole activation


class SpreadMeter:
    """Copies a few samples of each activation while the network runs, and measures many copies in one go.

    One activation by itself costs twenty small operations, more than the layer that made it.

    Args:
        batch_size: Examples in the batch.

    Attributes:
        sizes: Of every activation that was taken, by its index.
        max_bytes: Copies are measured and let go when they need this much in float32.
    """

    max_bytes: ClassVar[int] = 2**19  # so that they stay in the processor's cache

    def __init__(self, batch_size: int) -> None:
        self.sizes: dict[int, Size] = {}
        self._batch_size = batch_size
        self._waiting: dict[tuple[object, ...], list[_Taken]] = {}
        self._num_bytes = 0
        self._measured: list[tuple[list[int], Tensor]] = []
        self._first: dict[int, Tensor] = {}
        self._last: deque[tuple[int, Tensor]] = deque(maxlen=KEPT_LAST)

    def take(self, index: int, activation: Tensor) -> None:
        """Copy the samples of an activation, which the network may change in place later."""
        values = activation.detach()
        rows_SF = samples(values, self._batch_size).clone()
        num = rows_SF.numel()
        is_part = num < values.numel() or values.dtype == torch.float64
        rms = safe_norm(values) / math.sqrt(values.numel()) if is_part else None
        self.sizes[index] = Size(*rows_SF.shape)
        key = (rows_SF.shape, rows_SF.dtype, rows_SF.device, is_part)
        self._waiting.setdefault(key, []).append(_Taken(index, rows_SF, rms))
        if len(self._first) < KEPT_FIRST:
            self._first[index] = rows_SF
        self._last.append((index, rows_SF))
        self._num_bytes += 4 * num
        if self._num_bytes >= self.max_bytes:
            self._measure()

    def read(self) -> dict[int, Spread]:
        """Bring the numbers to the host."""
        self._measure()
        found: dict[int, Spread] = {}
        for indices, values_N5 in self._measured:
            found.update(zip(indices, (Spread(*row) for row in values_N5.tolist()), strict=True))
        return found

    def nuclear_rank(self, index: int) -> float:
        """Measure the nuclear rank of one of the first or last activations; NaN for those between."""
        rows_SF = self._first.get(index)
        if rows_SF is None:
            rows_SF = next((rows for known, rows in self._last if known == index), None)
        return math.nan if rows_SF is None else nuclear_rank(rows_SF)

    def _measure(self) -> None:
        for group in self._waiting.values():
            rows_NSF = torch.stack([taken.rows_SF for taken in group])
            known = [taken.rms for taken in group if taken.rms is not None]
            rms_N = torch.stack(known) if known else None
            self._measured.append(([taken.place for taken in group], spreads(rows_NSF, rms_N)))
        self._waiting.clear()
        self._num_bytes = 0


@torch.no_grad()
def nuclear_rank(rows_SF: Tensor) -> float:
    r"""Measure how many directions the samples differ in, small ones included.

    .. math:: r = \frac{(\sum_i \sigma_i)^2}{\sum_i \sigma_i^2}

    σ are the singular values of the centred samples. The participation ratio weighs directions by σ⁴; this one sees
    what a network can still use although one direction is larger than the rest.

    Args:
        rows_SF: Samples.

    Returns:
        In [1, min(S − 1, F)]; 0 where samples do not differ, NaN where they are not finite.
    """
    rows_SF = rows_SF.double()
    rows_SF = rows_SF - rows_SF[:1]
    rows_SF = rows_SF - rows_SF.mean(0)
    size = rows_SF.abs().max()
    if not bool(torch.isfinite(size)):
        return math.nan
    if not bool(size > 0):
        return 0.0
    rows_SF = rows_SF / size
    values = torch.linalg.eigvalsh(rows_SF @ rows_SF.mT).clamp_min(0.0)
    return float(values.sqrt().sum().square() / values.sum())


@torch.no_grad()
def spreads(rows_NSF: Tensor, rms_N: Tensor | None) -> Tensor:
    r"""Measure size and diversity of activations.

    .. math:: r_\text{eff} = \frac{(\sum_i \lambda_i)^2}{\sum_i \lambda_i^2} \cdot \frac{E}{E + \delta^2}, \qquad
              \delta = \min(10^3 \epsilon, 0.03)

    λ are the eigenvalues of the centred samples' Gram matrix (the participation ratio), E the share of the mean square
    that differs between samples, ε the machine epsilon: rounding noise has a high rank and no energy. In half precision
    a thousand roundings would be more than the signal.

    Nothing is lost in float32: the first sample is taken off before the mean, and numbers that are close to each other
    subtract without rounding.

    Args:
        rows_NSF: Samples.
        rms_N: Of the whole activations, float64; None where the samples are the whole.

    Returns:
        Matrix (N, 5) of the attributes of `Spread`, float64.
    """
    num_samples, width = rows_NSF.shape[1:]
    noise = min(NOISE_FACTOR * torch.finfo(rows_NSF.dtype).eps, MAX_NOISE) ** 2
    rows_NSF = rows_NSF if rows_NSF.dtype == torch.float64 else rows_NSF.float()
    top_N = torch.frexp(torch.maximum(rows_NSF.amax((1, 2)), -rows_NSF.amin((1, 2))).clamp(1e-37, 1e37)).exponent
    unit_N = torch.ldexp(torch.ones_like(top_N, dtype=rows_NSF.dtype), -top_N)
    rows_NSF = rows_NSF * unit_N[:, None, None]  # by a power of two: exact, and squares stay in range
    length_NS = torch.linalg.vector_norm(rows_NSF, dim=2)
    energy_N = length_NS.double().square().sum(1)
    if rms_N is None:
        rms_N = torch.ldexp((energy_N / max(num_samples * width, 1)).sqrt(), top_N)
    direction_NF = (length_NS.clamp_min(1e-30).reciprocal()[:, None, :] @ rows_NSF)[:, 0]
    pairs = max(num_samples * (num_samples - 1), 1)
    cosine_N = (direction_NF.double().square().sum(1) - num_samples) / pairs
    rows_NSF = rows_NSF - rows_NSF[:, :1]
    rows_NSF -= rows_NSF.mean(1, keepdim=True)
    moving_N = torch.linalg.vector_norm(rows_NSF, dim=(1, 2)).double()
    rows_NSF *= moving_N.clamp_min(1e-35).reciprocal()[:, None, None].to(rows_NSF.dtype)
    gram_NSS = rows_NSF @ rows_NSF.mT
    trace_N = gram_NSS.diagonal(dim1=1, dim2=2).sum(1)
    share_N = (moving_N.square() / energy_N).nan_to_num(0.0)
    rank_N = (trace_N / torch.linalg.vector_norm(gram_NSS, dim=(1, 2))).double().square() * share_N / (share_N + noise)
    centred_N = torch.ldexp(moving_N / math.sqrt(max(num_samples * width, 1)), top_N)
    return torch.stack([rms_N, centred_N, rank_N.nan_to_num(0.0), cosine_N.clamp(-1.0, 1.0), share_N], dim=1)


def samples(values: Tensor, batch_size: int) -> Tensor:
    """Take at most 64 samples of at most 2048 features from an activation, evenly spread.

    Examples are the samples where the batch stands first and has at least eight; else every position is one.

    Returns:
        Matrix (S, F), perhaps a view.
    """
    if values.is_complex():
        values = torch.view_as_real(values).flatten(-2)
    if values.dim() == 0:
        return values.reshape(1, 1)
    if not (values.shape[0] == batch_size and (batch_size >= MIN_EXAMPLES or values.dim() <= 2)):
        values = values.movedim(1, -1) if values.dim() >= 4 else values
        values = values.reshape(-1, values.shape[-1])
    if values.shape[0] > MAX_SAMPLES:
        values = values[:: -(-values.shape[0] // MAX_SAMPLES)]
    rows_SF = values if values.dim() == 2 else values.reshape(values.shape[0], -1)
    return rows_SF if rows_SF.shape[1] <= MAX_FEATURES else rows_SF[:, :: -(-rows_SF.shape[1] // MAX_FEATURES)]
