"""How linear a network has become, and how many of its units still take part (lecture C7).

Shapes: B examples, I inputs, O outputs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

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
    if inputs_BI.dim() < 1 or outputs_BO.dim() < 1 or len(inputs_BI) != len(outputs_BO) or len(inputs_BI) == 0:
        raise ArgumentError(
            "`inputs` and `outputs` must have one row per example, the same number and at least one.",
            found=f"shapes {tuple(inputs_BI.shape)} and {tuple(outputs_BO.shape)}",
            way_out="Pass the same batch that produced the outputs.",
        )
    x_BI, y_BO = (tensor.detach().double().cpu().reshape(len(tensor), -1) for tensor in (inputs_BI, outputs_BO))
    num_examples = len(x_BI)
    # the affine map and R² do not change when a column of the inputs is centred and scaled; the rank is safer so
    x_BI = x_BI - x_BI.mean(0)
    x_BI = x_BI / x_BI.abs().amax(0).clamp_min(torch.finfo(torch.float64).tiny)
    centred_BO = y_BO - y_BO.mean(0)
    if not (x_BI.isfinite().all() and centred_BO.isfinite().all()):
        return math.nan
    solution = torch.linalg.lstsq(x_BI, centred_BO, driver="gelsd")
    freedom = num_examples - 1 - int(solution.rank)
    if freedom < 1:
        return math.nan
    misfit = float((centred_BO - x_BI @ solution.solution).square().sum())
    spacing = torch.finfo(outputs_BO.dtype).eps if outputs_BO.is_floating_point() else 0.0
    if misfit <= y_BO.numel() * (4.0 * spacing * float(y_BO.abs().amax())) ** 2:
        return 1.0
    return max(0.0, 1.0 - misfit / freedom * (num_examples - 1) / float(centred_BO.square().sum()))


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
