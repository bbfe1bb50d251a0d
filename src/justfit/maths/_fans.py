"""Fan-in and fan-out, counted through the layer as it runs, so that a gain of one is a gain of one.

Notation: I = channels in, O = channels out, G = groups, k = kernel taps (product over dimensions),
s = stride (product over dimensions).

============== ===================== ============ ============
layer          weight                fan_in       fan_out
============== ===================== ============ ============
Linear         [O, I]                I            O
Conv           [O, I/G, *kernel]     I/G · k      O/G · k / s
ConvTranspose  [I, O/G, *kernel]     I/G · k / s  O/G · k
============== ===================== ============ ============

`torch.nn.init` reads every weight as if it were a stride-1, one-group convolution: it takes O/G · k for the
fan_in of a transposed convolution and O · k for the fan_out of a grouped one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from justfit.errors import ArgumentError, UnsupportedModuleError

CONV = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
CONV_TRANSPOSE = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def fans(
    module_or_weight: nn.Module | Tensor,
    *,
    groups: int = 1,
    stride: int | tuple[int, ...] = 1,
    transposed: bool = False,
) -> tuple[float, float]:
    r"""Count the terms of the sum behind one output (fan_in) and behind one input's gradient (fan_out).

    With independent zero-mean weights of variance :math:`\sigma^2` and no bias

    .. math:: E[z^2] = \text{fan\_in}\;\sigma^2\,E[x^2], \qquad
              E[(\partial L/\partial x)^2] = \text{fan\_out}\;\sigma^2\,E[(\partial L/\partial z)^2].

    With a stride the count is the average over positions, so it need not be whole. Zero padding is not
    counted: near a border there are fewer terms. Dilation changes which inputs are summed, not how many.

    Args:
        module_or_weight: A Linear, Conv1d–3d or ConvTranspose1d–3d, or the bare weight of one, at least 2-D.
        groups: Of a bare convolution weight, at least 1; a module knows its own.
        stride: Of a bare convolution weight, one number for all dimensions or one each, at least 1.
        transposed: Whether a bare weight belongs to a transposed convolution, [I, O/groups, *kernel].

    Returns:
        (fan_in, fan_out), each at least 0.

    Raises:
        UnsupportedModuleError: The module is of another kind, or its shape is not known yet.
        ArgumentError: The bare weight has fewer than two dimensions, or groups or stride do not fit it.

    Example:
        >>> fans(nn.Linear(100, 400))
        (100.0, 400.0)
        >>> fans(nn.ConvTranspose2d(16, 64, kernel_size=4, stride=2))  # torch counts fan_in = 1024
        (64.0, 1024.0)

    References:
        He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", 2015, eq. 7 (forward) and eq. 13 (backward).
    """
    if isinstance(module_or_weight, nn.Module):
        weight, groups, stride, transposed = _read(module_or_weight)
    else:
        weight = module_or_weight
    steps = _steps(weight, groups, stride, transposed)
    num_taps = math.prod(weight.shape[2:])
    before, after = weight.shape[1] * num_taps, weight.shape[0] / groups * num_taps / steps
    return (after, float(before)) if transposed else (float(before), after)


def _read(module: nn.Module) -> tuple[Tensor, int, int | tuple[int, ...], bool]:
    if not isinstance(module, (nn.Linear, *CONV, *CONV_TRANSPOSE)):
        raise UnsupportedModuleError(
            "`module_or_weight` must be a Linear, Conv1d–3d or ConvTranspose1d–3d layer, or the weight of one.",
            found=f"a {type(module).__name__}",
            way_out="Pass the layers inside it one by one.",
        )
    if is_lazy(module.weight):
        raise UnsupportedModuleError(
            "A layer's shape must be known before its fans can be counted.",
            found=f"a {type(module).__name__} that has not seen an input",
            way_out="Run one batch through it first.",
        )
    if isinstance(module, nn.Linear):
        return module.weight, 1, 1, False
    return module.weight, module.groups, module.stride, isinstance(module, CONV_TRANSPOSE)


def _steps(weight: Tensor, groups: int, stride: int | tuple[int, ...], transposed: bool) -> int:
    """Check a weight against its groups and stride; return the product of the strides."""
    if not isinstance(weight, torch.Tensor) or weight.dim() < 2:
        raise ArgumentError(
            "`module_or_weight` must be a layer, or a weight with at least two dimensions.",
            found=f"shape {tuple(weight.shape)}" if isinstance(weight, torch.Tensor) else type(weight).__name__,
            way_out="Biases and normalisation parameters have no fans.",
        )
    num_dims = weight.dim() - 2
    strides = (stride,) * num_dims if isinstance(stride, int) else tuple(stride)
    if len(strides) != num_dims or min(strides, default=1) < 1:
        raise ArgumentError(
            "`stride` must be one whole number ≥ 1, or one per kernel dimension.",
            found=f"`stride={stride}` for a weight of shape {tuple(weight.shape)}",
            way_out="A Linear weight has no kernel dimensions and takes no stride.",
        )
    if groups < 1 or weight.shape[0] % groups:
        raise ArgumentError(
            "`groups` must be at least 1 and divide the first dimension of the weight.",
            found=f"`groups={groups}` for a weight of shape {tuple(weight.shape)}",
            way_out="That dimension is the channels in." if transposed else "That dimension is the channels out.",
        )
    return math.prod(strides)
