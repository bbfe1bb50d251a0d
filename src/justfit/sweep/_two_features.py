"""The plane of a table with two features: in the table's units, and as the network sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from justfit.records import Plane
from justfit.sweep._problem import Problem

# Places along each side of a surface; the places are the middles of equal cells.
SIDE = 32
MAX_EXAMPLES = 400
# A corner lies at most so many times the distance between the 1st and the 99th percentile beyond them: one stray
# number must not squeeze all others into a line.
STRAY = 1.0
MARGIN = 0.05

Number = TypeVar("Number")
Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoFeatures:
    """What the numbers of a problem with two inputs mean in the table: value = number · scale + shift.

    Attributes:
        names: Of the two features.
        shifts, scales: Of the two features.
        target_shift, target_scale: Of the target, in regression.
        classes: Labels in code order; empty for regression.
    """

    names: tuple[str, str]
    shifts: tuple[float, float] = (0.0, 0.0)
    scales: tuple[float, float] = (1.0, 1.0)
    target_shift: float = 0.0
    target_scale: float = 1.0
    classes: tuple[str, ...] = ()


def lay_plane(problem: Problem, features: TwoFeatures) -> Plane:
    """Find the corners of the plane, and take up to 400 evenly spaced examples along the rows.

    Args:
        problem: With two inputs.
        features: What they mean.

    Returns:
        The plane in the table's units; examples outside its corners are left out.
    """
    values = problem.inputs.double().numpy() * features.scales + features.shifts
    (x_low, y_low), (x_high, y_high) = plane_corners(values)
    rows = np.unique(np.linspace(0, len(values) - 1, MAX_EXAMPLES).round().astype(int))
    x, y = values[rows].T
    inside = (x >= x_low) & (x <= x_high) & (y >= y_low) & (y <= y_high)
    target = problem.targets.double().numpy()[rows]
    if problem.task == "regression":
        target = target * features.target_scale + features.target_shift
    return Plane(
        x_name=features.names[0],
        y_name=features.names[1],
        x_low=float(x_low),
        x_high=float(x_high),
        y_low=float(y_low),
        y_high=float(y_high),
        x=_rounded(x[inside]),
        y=_rounded(y[inside]),
        target=_rounded(target[inside]),
        classes=features.classes,
    )


def places_of(plane: Plane, features: TwoFeatures, dtype: torch.dtype) -> Tensor:
    """Middles of 32 × 32 cells of the plane as inputs of the network: [1024, 2], row by row from y_low to y_high."""
    middles = (np.arange(SIDE) + 0.5) / SIDE
    y, x = np.meshgrid(
        plane.y_low + middles * (plane.y_high - plane.y_low),
        plane.x_low + middles * (plane.x_high - plane.x_low),
        indexing="ij",
    )
    values = (np.column_stack([x.ravel(), y.ravel()]) - features.shifts) / features.scales
    return torch.from_numpy(values).to(dtype)


@torch.no_grad()
def draw_surface(
    module: nn.Sequential, places: Tensor, features: TwoFeatures
) -> tuple[Rows, tuple[tuple[int, ...], ...]]:
    """What a network answers on the plane.

    Args:
        module: The network, in eval mode.
        places: See `places_of`.
        features: What its target means.

    Returns:
        `NetworkView.surface` and `NetworkView.likeliest`.
    """
    outputs = module(places).double()
    if outputs.shape[1] == 1:
        return _square(_rounded((outputs[:, 0] * features.target_scale + features.target_shift).numpy())), ()
    probabilities = outputs.softmax(1)
    if outputs.shape[1] == 2:
        return _square(tuple(round(value, 3) for value in probabilities[:, 1].tolist())), ()
    highest, codes = probabilities.max(1)
    return _square(tuple(round(value, 3) for value in highest.tolist())), _square(tuple(codes.tolist()))


def plane_corners(
    values: NDArray[np.float64], margin: float = MARGIN
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the lowest and the highest corner of the plane in which points are shown.

    Args:
        values: [n, 2].
        margin: Added on each side, as a share of the range.

    Returns:
        All points lie between them, but for those that stray: far beyond the 1st or the 99th percentile.
    """
    first, last = np.quantile(values, 0.01, axis=0), np.quantile(values, 0.99, axis=0)
    spread = last - first
    low = np.maximum(values.min(axis=0), first - STRAY * spread)
    high = np.minimum(values.max(axis=0), last + STRAY * spread)
    beside = np.where(high > low, margin * (high - low), 1.0)
    return low - beside, high + beside


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Rounded to a thousandth of their range or finer: more could not be seen."""
    span = float(values.max() - values.min()) if len(values) else 0.0
    size = span or float(np.abs(values).max(initial=1.0)) or 1.0
    digits = 3 - math.floor(math.log10(size))
    return tuple(round(value, digits) for value in values.tolist())


def _square(values: tuple[Number, ...]) -> tuple[tuple[Number, ...], ...]:
    return tuple(values[start : start + SIDE] for start in range(0, len(values), SIDE))
