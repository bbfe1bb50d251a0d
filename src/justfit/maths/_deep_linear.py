"""The lecture's deep linear network without biases: why signals vanish and explode.

Notation, as in the lecture: depth l, layers w[1] … w[l], ŷ = w[l]·w[l−1]·…·w[1]·x. In the first three functions
w[1] = … = w[l−1] = factor·1 and only the last layer w[l] is free (the identity unless given).
Shapes: B batch, I inputs, O outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from justfit.errors import ArgumentError


def scaled_identity_output(inputs_BI: Tensor, factor: float, depth: int, last_OI: Tensor | None = None) -> Tensor:
    r"""Compute the output of a deep linear network whose layers are factor·1, in closed form.

    .. math:: \hat y = w^{[l]}\,\text{factor}^{\,l-1}\,x

    Args:
        inputs_BI: x, one example per row.
        factor: The multiple of the identity in the layers 1 … l−1, finite.
        depth: l, the number of layers, at least 1.
        last_OI: w[l]; the identity if not given.

    Returns:
        ŷ, [B, O]. Beyond the range of its dtype it is exactly 0 or ±infinity.

    Raises:
        ArgumentError: `depth` is below 1 or `factor` is not finite.

    Example:
        >>> scaled_identity_output(torch.ones(1, 2), factor=0.5, depth=4)
        tensor([[0.1250, 0.1250]])

    References:
        The lecture on vanishing and exploding gradients, claim C12.
        Saxe, McClelland, Ganguli, "Exact Solutions to the Nonlinear Dynamics of Learning in Deep Linear Neural
        Networks", 2014.
    """
    _check_chain(factor, depth)
    return _scale(inputs_BI if last_OI is None else inputs_BI @ last_OI.T, factor, depth - 1)


def scaled_identity_gradient(
    inputs_BI: Tensor,
    output_gradient_BO: Tensor,
    factor: float,
    layer_and_depth: tuple[int, int],
    last_OI: Tensor | None = None,
) -> Tensor:
    r"""Compute the gradient with respect to one layer of a network whose layers are factor·1, in closed form.

    .. math:: \frac{\partial L}{\partial w^{[k]}} = \text{factor}^{\,l-2}\sum_b \big(w^{[l]\top} g_b\big)\,x_b^\top
              \;(k < l), \qquad
              \frac{\partial L}{\partial w^{[l]}} = \text{factor}^{\,l-1}\sum_b g_b\,x_b^\top

    It is the same for all layers but the last: in a linear chain depth, not position, decides.

    Args:
        inputs_BI: x, one example per row.
        output_gradient_BO: g = ∂L/∂ŷ, one example per row.
        factor: The multiple of the identity in the layers 1 … l−1, finite.
        layer_and_depth: (k, l) with 1 ≤ k ≤ l, counted from 1 as in the lecture.
        last_OI: w[l]; the identity if not given.

    Returns:
        ∂L/∂w[k], [I, I] for k < l and [O, I] for k = l.

    Raises:
        ArgumentError: `layer_and_depth` is not 1 ≤ k ≤ l, or `factor` is not finite.

    Example:
        >>> x = torch.tensor([[1.0, 2.0]])
        >>> scaled_identity_gradient(x, torch.ones(1, 2), factor=0.5, layer_and_depth=(1, 4))
        tensor([[0.2500, 0.5000],
                [0.2500, 0.5000]])

    References:
        The lecture on vanishing and exploding gradients, claim C12.
    """
    layer, depth = layer_and_depth
    _check_chain(factor, depth)
    if not 1 <= layer <= depth:
        raise ArgumentError(
            "`layer_and_depth` must be (k, l) with 1 ≤ k ≤ l.",
            found=f"`layer_and_depth={layer_and_depth}`",
            way_out="Layers are counted from 1, as in the lecture.",
        )
    if layer == depth:
        return _scale(output_gradient_BO.T @ inputs_BI, factor, depth - 1)
    hidden_gradient_BI = output_gradient_BO if last_OI is None else output_gradient_BO @ last_OI
    return _scale(hidden_gradient_BI.T @ inputs_BI, factor, depth - 2)


def e_folding_depth(factor: float) -> float:
    r"""Compute over how many layers of gain `factor` a signal shrinks or grows e-fold.

    .. math:: \xi = \frac{1}{\lvert\ln\lvert\text{factor}\rvert\rvert}

    Args:
        factor: Gain of one layer, finite; the sign does not matter.

    Returns:
        Layers per factor of e: 9.49 for 0.9, 10.49 for 1.1, infinity for 1, 0 for 0.

    Raises:
        ArgumentError: `factor` is not finite.

    Example:
        >>> round(e_folding_depth(0.9), 2), round(e_folding_depth(1.1), 2)
        (9.49, 10.49)

    References:
        Schoenholz, Gilmer, Ganguli, Sohl-Dickstein, "Deep Information Propagation", 2017, section 3 (depth scales).
    """
    _check_chain(factor, depth=1)
    rate = abs(_log_abs(factor))
    return math.inf if rate == 0.0 else 1.0 / rate


def chain_output(weights: Sequence[Tensor], inputs_BI: Tensor) -> Tensor:
    r"""Run inputs through a deep linear network without biases, layer by layer, differentiably.

    .. math:: \hat y = w^{[l]} \cdots w^{[1]} x

    Args:
        weights: w[1] … w[l] in the order they are applied, each [out, in], at least one.
        inputs_BI: x, one example per row.

    Returns:
        ŷ, [B, O].

    Raises:
        ArgumentError: There are no weights, or neighbouring shapes do not fit.

    Example:
        >>> chain_output([torch.eye(2) * 2.0, torch.ones(1, 2)], torch.tensor([[1.0, 3.0]]))
        tensor([[8.]])
    """
    _check_weights(weights)
    for weight in weights:
        inputs_BI = inputs_BI @ weight.T
    return inputs_BI


def chain_log_singular_values(weights: Sequence[Tensor]) -> Tensor:
    r"""Compute ln σ of the product w[l]·…·w[1], for any depth, without underflow or overflow.

    The product is kept as :math:`Q\,\mathrm{diag}(e^d)\,T` with orthonormal Q, bounded T and the scales d as
    logarithms; one QR decomposition per layer. In the end QR steps separate the scales, and those closer than
    a factor of e^0.2 are settled by an ordinary decomposition of their block. Products of 10,000 layers keep their
    small singular values beside the large ones, where the explicit product has long lost them.

    Args:
        weights: w[1] … w[l] in the order they are applied, each [out, in], at least one.

    Returns:
        ln σ, descending, float64 on the CPU, as many as the narrowest width; −infinity for σ = 0, where
        rounding lets it be seen. The size of the error is that of a decomposition of one well-scaled matrix.

    Raises:
        ArgumentError: There are no weights, neighbouring shapes do not fit, or a weight is not finite.

    Example:
        >>> chain_log_singular_values([0.9 * torch.eye(2, dtype=torch.float64)] * 10_000).round(decimals=4)
        tensor([-1053.6052, -1053.6052], dtype=torch.float64)

    References:
        Bai, Lee, Li, Xu, "Stable Solutions of Linear Systems Involving Long Chain of Matrix Multiplications",
        2011 (graded QR decompositions of long products).
    """
    _check_weights(weights)
    if not all(weight.isfinite().all() for weight in weights):
        raise ArgumentError(
            "`weights` must be finite to have singular values.",
            found="NaN or infinity",
            way_out="Take the weights from before training diverged.",
        )
    q = torch.eye(weights[0].shape[1], dtype=torch.float64, device="cpu")
    t, log_scale = q, torch.zeros(len(q), dtype=torch.float64, device="cpu")
    for weight in weights:
        q, log_scale, factor, order = _graded_qr(weight.detach().double().cpu() @ q, log_scale)
        t = factor @ t[order]
    for _ in range(200):  # each transposes and re-triangularizes; a gap of 0.2 in ln σ is closed to e⁻⁴⁰ in 200
        _, log_scale, t, _ = _graded_qr(t.T, log_scale)
        if t.triu(1).abs().max() < 1e-16:
            break
    return _settle(log_scale, t)


def _graded_qr(matrix: Tensor, log_scale: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Decompose matrix·diag(e^s) [:, order] = Q·diag(e^d)·F with |F| ≤ 1; columns in descending size."""
    order = (log_scale + matrix.norm(dim=0).log()).argsort(descending=True, stable=True)
    q, r = torch.linalg.qr(matrix[:, order])
    log_entries = r.abs().log() + log_scale[order]
    new_scale = log_entries.amax(1)
    relative = torch.where(new_scale[:, None] > -math.inf, log_entries - new_scale[:, None], -math.inf)
    return q, new_scale, r.sign() * relative.exp(), order


def _settle(log_scale: Tensor, t: Tensor) -> Tensor:
    """Take ln σ of diag(e^s)·T block by block, a block ending where the next scale is far smaller."""
    order = log_scale.argsort(descending=True, stable=True)
    log_scale, t = log_scale[order], t[order][:, order]
    cuts = [0, *(i for i in range(1, len(t)) if not log_scale[i - 1] - log_scale[i] < 0.2), len(t)]
    blocks = []
    for start, stop in pairwise(cuts):
        scale = log_scale[start:stop]
        if scale[0] == -math.inf:
            blocks.append(scale)
            continue
        block = (scale - scale[0]).exp()[:, None] * t[start:stop, start:stop]
        blocks.append(torch.linalg.svdvals(block).log() + scale[0])
    return torch.cat(blocks).sort(descending=True).values


def _scale(tensor: Tensor, factor: float, power: int) -> Tensor:
    """Multiply by factor**power without Python's OverflowError, and keep 0·infinity at 0."""
    magnitude = torch.tensor(factor, dtype=torch.float64).pow(power).to(tensor)
    return torch.where(tensor == 0, tensor, tensor * magnitude)


def _log_abs(factor: float) -> float:
    return math.log(abs(factor)) if factor else -math.inf


def _check_chain(factor: float, depth: int) -> None:
    if not math.isfinite(factor):
        raise ArgumentError(
            "`factor` must be a finite number.",
            found=f"`factor={factor!r}`",
            way_out="The lecture's examples are 0.9 and 1.1.",
        )
    if not (isinstance(depth, int) and depth >= 1):
        raise ArgumentError(
            "`depth` must be a whole number that is at least 1.",
            found=f"`depth={depth!r}`",
            way_out="It counts all layers, the last one included.",
        )


def _check_weights(weights: Sequence[Tensor]) -> None:
    shapes = [tuple(weight.shape) for weight in weights]
    fit = all(len(shape) == 2 for shape in shapes) and all(a[0] == b[1] for a, b in pairwise(shapes))
    if not shapes or not fit:
        raise ArgumentError(
            "`weights` must be at least one matrix [out, in], each taking what the one before gives.",
            found=f"shapes {shapes[:6]}" if shapes else "none",
            way_out="List them in the order they are applied: w[1] first.",
        )
