"""The schemes: how large each weight is to be, and the draw.

Every parameter has a random stream of its own, from the seed and its name: a layer that is added elsewhere changes
nothing here, and the global random state is never read or moved.
"""

from __future__ import annotations

import hashlib
import math
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from justfit.maths import fans

Scheme = Literal["zero", "normal", "xavier", "glorot", "he", "lecun", "orthogonal", "auto"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
BLIND_SCHEMES = tuple(scheme for scheme in SCHEMES if scheme != "auto")  # they look at no data
GAIN_SCHEMES = ("he", "orthogonal")  # the others are defined without an activation


def scheme_std(scheme: Scheme, layer: nn.Module, gain: float, normal_std: float) -> float:
    r"""Compute the root mean square that a scheme gives the entries of a layer's weight.

    .. math:: \text{xavier, lecun: } \frac{1}{\text{fan\_in}} \quad
              \text{glorot: } \frac{2}{\text{fan\_in} + \text{fan\_out}} \quad
              \text{he, orthogonal: } \frac{g^2}{\text{fan\_in}} \quad (\sigma^2)

    References:
        The lecture, C16 and C17. LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, eq. 16.
        Glorot, Bengio, "Understanding the Difficulty of Training Deep Feedforward Neural Networks", 2010, eq. 12.
        He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", 2015, eq. 10 and eq. 15.
    """
    fan_in, fan_out = fans(layer)
    if scheme == "zero":
        return 0.0
    if scheme == "normal":
        return normal_std
    if scheme == "glorot":
        return math.sqrt(2.0 / (fan_in + fan_out))
    return gain / math.sqrt(fan_in)


def draw(scheme: Scheme, weight: Tensor, groups: int, std: float, generator: torch.Generator) -> Tensor:
    """Draw new values of a weight's shape, in float32 or better on the CPU, with mean square std²."""
    dtype = torch.promote_types(weight.dtype, torch.float32)
    if scheme == "zero":
        return torch.zeros(weight.shape, dtype=dtype, device="cpu")
    if scheme != "orthogonal":
        return torch.randn(weight.shape, generator=generator, dtype=dtype, device="cpu") * std
    size = (groups, weight.shape[0] // groups, math.prod(weight.shape[1:]))
    matrices = torch.randn(size, generator=generator, dtype=dtype, device="cpu")
    return (haar(matrices) * (std * math.sqrt(max(matrices.shape[1:])))).reshape(weight.shape)


def stream(seed: int, name: str) -> torch.Generator:
    """Open the random stream of one parameter; `hash` would differ from process to process."""
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return torch.Generator(device="cpu").manual_seed(int.from_bytes(digest, "big") >> 1)


def haar(gaussian_GRC: Tensor) -> Tensor:
    """Turn Gaussian matrices into Haar-distributed ones with orthonormal rows or columns; mean square 1/max(R, C).

    QR alone is not uniform: LAPACK fixes the signs of R's diagonal (Mezzadri, "How to Generate Random Matrices from
    the Classical Compact Groups", 2007, section 5).
    """
    wide = gaussian_GRC.shape[1] < gaussian_GRC.shape[2]
    q, r = torch.linalg.qr(gaussian_GRC.mT if wide else gaussian_GRC)
    q_GLS: Tensor = q * torch.where(r.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0)[:, None, :]
    return q_GLS.mT if wide else q_GLS
