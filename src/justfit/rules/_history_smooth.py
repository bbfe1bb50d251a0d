"""A smooth of a series that adapts to its noise, with its standard error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from justfit.rules._history_blocks import Blocks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

CONFIDENCE = 2.0  # standard errors on each side that the fits of all smaller windows must share a value in
FEWEST = 6  # blocks; fewer are left as they are
WIDEST = 0.25  # half width of the widest window, as a share of the blocks


@dataclass(frozen=True, slots=True)
class Smooth:
    """A smoothed series.

    Attributes:
        entries: [B] index of an entry of the history.
        values: [B] smoothed.
        errors: [B] standard error of each.
        widths: [B] blocks that each was fitted to.
        num_spikes: Lone entries that were cut.
    """

    entries: NDArray[np.int64]
    values: Array
    errors: Array
    widths: NDArray[np.int64]
    num_spikes: int


def smoothed(blocks: Blocks) -> Smooth:
    r"""Fit a line around each block, over the widest window that no smaller one contradicts.

    The window grows as long as the confidence intervals of all fits so far have a point in common: wide where the curve
    is straight, narrow where it bends, so that the noise is averaged and a minimum is not.

    References:
        Goldenshluger & Nemirovski 1997, "On spatially adaptive estimation of nonparametric regression", section 2.
        Katkovnik 1999, "A new method for varying adaptive bandwidth selection", for the rule as used here.
    """
    import numpy as np

    count = len(blocks.values)
    values, errors = blocks.values.copy(), np.sqrt(blocks.variances)
    widths = np.ones(count, dtype=np.int64)
    low, high = values - CONFIDENCE * errors, values + CONFIDENCE * errors
    grows = np.ones(count, dtype=bool)
    for half in _halves(count):
        fit, error = _lines(blocks, half)
        low, high = np.maximum(low, fit - CONFIDENCE * error), np.minimum(high, fit + CONFIDENCE * error)
        grows &= low <= high
        better = grows & (error < errors)
        values[better], errors[better], widths[better] = fit[better], error[better], 2 * half + 1
    return Smooth(blocks.entries, values, errors, widths, blocks.num_spikes)


def _halves(count: int) -> list[int]:
    """Half widths, each about a half larger than the last."""
    halves, half = [], 1
    while half <= max(1, int(WIDEST * count)) and count >= FEWEST:
        halves.append(half)
        half += max(1, half // 2)
    return halves


def _lines(blocks: Blocks, half: int) -> tuple[Array, Array]:
    """Value of the line fitted to the `half` blocks on each side, and its standard error, for every block."""
    import numpy as np

    count = len(blocks.values)
    first, behind = np.maximum(np.arange(count) - half, 0), np.minimum(np.arange(count) + half + 1, count)
    weights = 1 / blocks.variances

    def sums(terms: Array) -> Array:
        running = np.concatenate([[0.0], np.cumsum(terms)])
        return running[behind] - running[first]  # type: ignore[no-any-return]  # numpy widens to Any here

    # Blocks, not entries, are the abscissa: near one block the two are proportional, and the numbers stay small.
    x = np.arange(count) - (count - 1) / 2
    total, first_moment, second_moment = sums(weights), sums(weights * x), sums(weights * x**2)
    mean = first_moment / total
    spread = np.maximum(second_moment - first_moment * mean, 1e-12 * second_moment)
    slope = (sums(weights * x * blocks.values) - mean * sums(weights * blocks.values)) / spread
    fit = sums(weights * blocks.values) / total + slope * (x - mean)
    return fit, np.sqrt(1 / total + (x - mean) ** 2 / spread)
