"""How activations vary between examples, measured for many places of a network at once.

Shapes: N activations of one shape, S samples (examples, or positions where there are few examples), F features of a
sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from justfit.probe._statistics import MIN_EXAMPLES, safe_norm

MAX_SAMPLES = 64
MAX_FEATURES = 2048
NOISE_FACTOR = 1e3  # what differs between examples by less than this many roundings is rounding noise


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


@dataclass(frozen=True, slots=True)
class _Taken:
    index: int
    rows_SF: Tensor
    rms: Tensor
    roundoff: float


class SpreadMeter:
    """Copies a few samples of each activation while the network runs, and measures many copies in one go.

    One activation by itself costs twenty small operations, more than the layer that made it.

    Args:
        batch_size: Examples in the batch.

    Attributes:
        sizes: Of every activation that was taken, by its index.
        max_bytes: Copies are measured and let go when they need this much in float64.
    """

    max_bytes: ClassVar[int] = 16 * 2**20

    def __init__(self, batch_size: int) -> None:
        self.sizes: dict[int, Size] = {}
        self._batch_size = batch_size
        self._waiting: dict[tuple[object, ...], list[_Taken]] = {}
        self._num_bytes = 0
        self._measured: list[tuple[list[int], Tensor]] = []

    def take(self, index: int, activation: Tensor) -> None:
        """Copy the samples of an activation, which the network may change in place later."""
        values = activation.detach()
        rms = safe_norm(values) / math.sqrt(max(values.numel(), 1))
        rows_SF = samples(values, self._batch_size).clone()
        self.sizes[index] = Size(*rows_SF.shape)
        taken = _Taken(index, rows_SF, rms, torch.finfo(values.dtype).eps)
        self._waiting.setdefault((rows_SF.shape, rows_SF.dtype, rows_SF.device), []).append(taken)
        self._num_bytes += 8 * rows_SF.numel()
        if self._num_bytes >= self.max_bytes:
            self._measure()

    def read(self) -> dict[int, Spread]:
        """Bring the numbers to the host."""
        self._measure()
        found = {}
        for indices, values_N5 in self._measured:
            found.update(zip(indices, (Spread(*row) for row in values_N5.tolist()), strict=True))
        return found

    def _measure(self) -> None:
        for group in self._waiting.values():
            rows_NSF = torch.stack([taken.rows_SF for taken in group])
            rms_N = torch.stack([taken.rms for taken in group])
            self._measured.append(([taken.index for taken in group], spreads(rows_NSF, rms_N, group[0].roundoff)))
        self._waiting.clear()
        self._num_bytes = 0


@torch.no_grad()
def spreads(rows_NSF: Tensor, rms_N: Tensor, roundoff: float) -> Tensor:
    r"""Measure size and diversity of activations.

    .. math:: r_\text{eff} = \frac{(\sum_i \lambda_i)^2}{\sum_i \lambda_i^2} \cdot \frac{E}{E + (10^3 \epsilon)^2}

    λ are the eigenvalues of the centred samples' Gram matrix (the participation ratio), E the share of the mean square
    that differs between samples, ε the machine epsilon: rounding noise has a high rank and no energy.

    Args:
        rows_NSF: Samples.
        rms_N: Of the whole activations, float64.
        roundoff: Machine epsilon of the activations' type.

    Returns:
        Matrix (N, 5) of the attributes of `Spread`.
    """
    num_samples, width = rows_NSF.shape[1:]
    rows_NSF = rows_NSF.double() / rms_N.clamp_min(1e-300)[:, None, None]
    length_NS = torch.linalg.vector_norm(rows_NSF, dim=2)
    direction_NF = (length_NS.clamp_min(1e-300).reciprocal()[:, None, :] @ rows_NSF)[:, 0]
    pairs = max(num_samples * (num_samples - 1), 1)
    cosine_N = (direction_NF.square().sum(1) - num_samples) / pairs
    rows_NSF -= rows_NSF.mean(1, keepdim=True)  # explicitly: of a collapsed signal the Gram matrix keeps no difference
    gram_NSS = rows_NSF @ rows_NSF.mT
    trace_N = gram_NSS.diagonal(dim1=1, dim2=2).sum(1)
    share_N = trace_N / length_NS.square().sum(1)
    noise = (NOISE_FACTOR * roundoff) ** 2
    rank_N = (trace_N / torch.linalg.vector_norm(gram_NSS, dim=(1, 2))).square() * share_N / (share_N + noise)
    centred_N = rms_N * (trace_N / max(num_samples * width, 1)).sqrt()
    return torch.stack([rms_N, centred_N, rank_N.nan_to_num(0.0), cosine_N, share_N.nan_to_num(0.0)], dim=1)


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
