"""Means with their standard errors, and the ranges that follow from them.

Shapes: S seeds, n rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from justfit.records import LabMeasurement, LabPart, LabSeries

# A direction counts as shown from here on, as in the choice of a sweep: by chance alone once in 20 (one-sided).
CLEAR_ERRORS = 1.645
# What theory predicts must be met this closely: missed by chance once in 15,800 (two-sided), and about thirty
# numbers of the lab are held to it.
THEORY_ERRORS = 4.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its standard error.

    Attributes:
        value: The mean.
        error: Its standard error.
        freedom: Degrees of freedom the error was estimated with; infinity where theory gives it, or many rows do.
    """

    value: float
    error: float
    freedom: float = math.inf

    def errors_of(self, normal_errors: float) -> float:
        """How many of these standard errors are as unlikely as `normal_errors` of known ones (Student's t)."""
        if math.isinf(self.freedom):
            return normal_errors
        return float(stats.t.isf(stats.norm.sf(normal_errors), self.freedom))


def over_rows(values_SN: NDArray[Any]) -> Estimate:
    r"""Average over seeds and rows.

    .. math:: \mathrm{SE}^2 = \frac{s^2_{rows}}{n} + \frac{s^2_{seeds}}{S}

    The rows are the same for every seed, so more seeds do not make up for few rows.
    """
    num_seeds, num_rows = values_SN.shape
    by_seed = values_SN.mean(axis=1, dtype=np.float64)
    variance = values_SN.mean(axis=0, dtype=np.float64).var(ddof=1) / num_rows
    if num_seeds > 1:
        variance += by_seed.var(ddof=1) / num_seeds
    return Estimate(float(by_seed.mean()), math.sqrt(float(variance)))


def over_draws(values: Any) -> Estimate:
    """Average over independent draws, such as networks of different seeds."""
    numbers = np.asarray(values, dtype=np.float64)
    return Estimate(float(numbers.mean()), float(numbers.std(ddof=1) / math.sqrt(len(numbers))), len(numbers) - 1)


def line(name: str, xs: Sequence[float], estimates: Sequence[Estimate]) -> LabSeries:
    """Make a line of a figure from estimates."""
    return LabSeries(
        name=name,
        x=tuple(map(float, xs)),
        y=tuple(estimate.value for estimate in estimates),
        standard_error=tuple(estimate.error for estimate in estimates),
    )


def best_by_other_half(losses: Sequence[NDArray[np.floating[Any]]]) -> NDArray[np.floating[Any]]:
    """Losses [S, n] of the best entry (epoch, λ), chosen on the even rows for the odd ones and the other way round.

    The smallest of many means is too small by its own selection; read on rows that had no say, it is not.
    """
    stacked = np.stack(losses)
    best: NDArray[np.floating[Any]] = np.empty_like(stacked[0])
    for part in (0, 1):
        chosen = int(stacked[:, :, 1 - part :: 2].mean(axis=(1, 2)).argmin())
        best[:, part::2] = stacked[chosen, :, part::2]
    return best


def positive(name: str, estimate: Estimate, unit: str = "", *, part: LabPart = "exact") -> LabMeasurement:
    """Expect a number to be above 0 by `CLEAR_ERRORS` standard errors."""
    errors = estimate.errors_of(CLEAR_ERRORS)
    return LabMeasurement(
        name=name,
        value=estimate.value,
        standard_error=estimate.error,
        unit=unit,
        low=max(errors * estimate.error, math.nextafter(0.0, 1.0)),  # 0 itself is not above 0
        source=f"above 0 by {errors:.3g} standard errors{_draws(estimate)}",
        part=part,
    )


def predicted(
    name: str,
    estimate: Estimate,
    theory: float,
    source: str,
    *,
    unit: str = "",
    slack: float = 0.0,
    part: LabPart = "exact",
) -> LabMeasurement:
    """Expect what theory says, within `THEORY_ERRORS` standard errors and a known bias of at most `slack`."""
    errors = estimate.errors_of(THEORY_ERRORS)
    width = errors * estimate.error + slack
    return LabMeasurement(
        name=name,
        value=estimate.value,
        standard_error=estimate.error,
        unit=unit,
        low=theory - width,
        high=theory + width,
        source=f"{source}, ± {errors:.3g} standard errors{_draws(estimate)}",
        part=part,
    )


def rounded(name: str, value: float, limit: float, source: str, *, part: LabPart = "exact") -> LabMeasurement:
    """Expect nothing but rounding: at most `limit` on either side of 0."""
    return LabMeasurement(name=name, value=value, low=-limit, high=limit, source=source, part=part)


def exactly(name: str, value: float, expected: float, source: str, *, part: LabPart = "exact") -> LabMeasurement:
    """Expect one value, to the bit."""
    wanted = float(expected)
    return LabMeasurement(name=name, value=float(value), low=wanted, high=wanted, source=source, part=part)


def _draws(estimate: Estimate) -> str:
    return "" if math.isinf(estimate.freedom) else f" (Student's t, {estimate.freedom + 1:g} draws)"
