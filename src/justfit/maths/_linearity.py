"""How linear a network has become, and how many of its units still take part (lecture C7).

Shapes: B examples, I inputs, O outputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from justfit.errors import ArgumentError


def linearity_r2(inputs_BI: Tensor, outputs_BO: Tensor) -> float:
    r"""Compute the share of a network's output variance that the best affine map of its inputs explains.

    .. math:: R^2 = 1 - \frac{\min_{A,c}\sum_b\lVert y_b - A x_b - c\rVert^2 \,/\, (B - 1 - r)}
                             {\sum_b\lVert y_b - \bar y\rVert^2 \,/\, (B - 1)}

    with r the rank of the centred inputs. This is the *adjusted* R²: a fit with r free slopes explains r/(B−1) of
    anything, and dividing by the degrees of freedom takes that back. With B ≤ r + 1 examples an affine map fits
    everything exactly and the question has no answer: NaN, not 1.

    Args:
        inputs_BI: What went into the network, one example per row; further dimensions are flattened.
        outputs_BO: What came out (in eval mode), one row per example; one dimension counts as one output.

    Returns:
        In [0, 1]; exactly 1 where the misfit is rounding error of the outputs' dtype, which includes a constant
        network (constant is affine). NaN if B ≤ r + 1 or anything is not finite.

    Raises:
        ArgumentError: Inputs and outputs differ in their number of examples, or there are none.

    Example:
        >>> x = torch.linspace(-1.0, 1.0, 101)[:, None]
        >>> linearity_r2(x, 3.0 * x + 1.0)
        1.0
        >>> round(linearity_r2(x, torch.relu(x)), 2)
        0.8

    References:
        Ezekiel, "Methods of Correlation Analysis", 1930 (adjusted R²).
    """
    return linearity_r2_of_each(inputs_BI, [outputs_BO])[0]


def linearity_r2_of_each(inputs_BI: Tensor, outputs: Sequence[Tensor]) -> list[float]:
    """Compute `linearity_r2` of many networks on the same inputs, with one factorization of the inputs.

    Args:
        inputs_BI: What went into the networks, one example per row; further dimensions are flattened.
        outputs: What came out of each (in eval mode), one row per example.

    Returns:
        One R² per network; NaN for a network whose outputs are not all finite, whatever the others are.

    Raises:
        ArgumentError: Inputs and outputs differ in their number of examples, or there are none.

    Example:
        >>> x = torch.linspace(-1.0, 1.0, 101)[:, None]
        >>> linearity_r2_of_each(x, [3.0 * x + 1.0, x / 0.0])
        [1.0, nan]
    """
    for outputs_BO in outputs:
        _require_rows(inputs_BI, outputs_BO)
    x_BI = _flat(inputs_BI)
    # the affine map and R² do not change when a column of the inputs is centred and scaled; the rank is safer so
    x_BI = x_BI - x_BI.mean(0)
    x_BI = x_BI / x_BI.abs().amax(0).clamp_min(torch.finfo(torch.float64).tiny)
    ys = [_flat(outputs_BO) for outputs_BO in outputs]
    centred = [y_BO - y_BO.mean(0) for y_BO in ys]
    finite = [bool(y_BO.isfinite().all()) for y_BO in centred]
    if not (any(finite) and x_BI.isfinite().all()):
        return [math.nan] * len(outputs)
    together = torch.cat([y_BO for y_BO, is_finite in zip(centred, finite, strict=True) if is_finite], dim=1)
    solution = torch.linalg.lstsq(x_BI, together, driver="gelsd")
    widths = [y_BO.shape[1] for y_BO, is_finite in zip(ys, finite, strict=True) if is_finite]
    misfits = iter(torch.split(together - x_BI @ solution.solution, widths, dim=1))
    freedom = len(x_BI) - 1 - int(solution.rank)
    return [
        _adjusted(next(misfits), centred_BO, _rounding(outputs_BO), freedom) if is_finite else math.nan
        for outputs_BO, centred_BO, is_finite in zip(outputs, centred, finite, strict=True)
    ]


def _require_rows(inputs_BI: Tensor, outputs_BO: Tensor) -> None:
    if inputs_BI.dim() < 1 or outputs_BO.dim() < 1 or len(inputs_BI) != len(outputs_BO) or len(inputs_BI) == 0:
        raise ArgumentError(
            "`inputs` and `outputs` must have one row per example, the same number and at least one.",
            found=f"shapes {tuple(inputs_BI.shape)} and {tuple(outputs_BO.shape)}",
            way_out="Pass the same batch that produced the outputs.",
        )


def _flat(tensor: Tensor) -> Tensor:
    return tensor.detach().double().cpu().reshape(len(tensor), -1)


def _rounding(outputs_BO: Tensor) -> float:
    """Sum of squares that rounding of outputs of their size can leave."""
    spacing = torch.finfo(outputs_BO.dtype).eps if outputs_BO.is_floating_point() else 0.0
    return float(outputs_BO.numel() * (4.0 * spacing * float(_flat(outputs_BO).abs().amax())) ** 2)


def _adjusted(misfit_BO: Tensor, centred_BO: Tensor, rounding: float, freedom: int) -> float:
    if freedom < 1:
        return math.nan
    misfit = float(misfit_BO.square().sum())
    if misfit <= rounding:
        return 1.0
    return max(0.0, 1.0 - misfit / freedom * (len(centred_BO) - 1) / float(centred_BO.square().sum()))


def active_fraction(activations: Tensor | Iterable[Tensor]) -> float:
    """Compute the share of (unit, example) pairs whose activation is not exactly zero.

    Args:
        activations: Activations of one layer, or of several, any shapes.

    Returns:
        In [0, 1]; NaN if anything is not finite.

    Raises:
        ArgumentError: There are no entries.

    Example:
        >>> active_fraction(torch.relu(torch.tensor([[-1.0, 2.0], [-3.0, -4.0]])))
        0.25
    """
    layers = [activations] if isinstance(activations, Tensor) else list(activations)
    num_entries = sum(layer.numel() for layer in layers)
    if num_entries == 0:
        raise ArgumentError(
            "`activations` must have at least one entry.",
            found="none",
            way_out="Pass the hidden activations of at least one example.",
        )
    if not all(layer.isfinite().all() for layer in layers):
        return math.nan
    return sum(int(layer.count_nonzero()) for layer in layers) / num_entries
