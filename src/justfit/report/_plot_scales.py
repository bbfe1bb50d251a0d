"""Axes of pictures for papers: losses, λ with its place for 0, whole numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from justfit.report._axes import loss_scale
from justfit.report._numbers import setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def scale_losses(axes: Axes, every: Sequence[float], validation: Sequence[float]) -> None:
    """Choose the loss axis as the pages do: logarithmic where losses span more than a factor of 20."""
    scale = loss_scale(every, validation, start=0.0, end=1.0)
    axes.set_yscale("log" if scale.log else "linear")
    if scale.log:  # powers of ten alone are too few where losses span one or two of them
        axes.set_yticks(scale.ticks(), [setting(value) for value in scale.ticks()])
        axes.yaxis.set_minor_locator(_no_ticks())
    axes.set_ylim(scale.low, scale.high)


def scale_l2(axes: Axes, values: Sequence[float]) -> None:
    """Make the axis of λ: logarithmic, with a place for 0 at its left."""
    positive = [value for value in values if value > 0]
    if not positive:
        return
    low, high = min(positive), max(positive)
    decades = math.log10(high / low)
    if len(positive) < len(values):
        axes.set_xscale("symlog", linthresh=low, linscale=max(0.15 * decades, 0.3))
        axes.set_xlim(-0.25 * low, high * 10.0 ** (0.05 * decades + 0.05))
    elif high > low:
        axes.set_xscale("log")
    exponents = range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
    ticks = [10.0**exponent for exponent in exponents[:: len(exponents) // 7 + 1]]
    if len(ticks) < 2:
        ticks = sorted(set(positive))[:: len(set(positive)) // 7 + 1]
    ticks += [0.0] if len(positive) < len(values) else []
    axes.set_xticks(sorted(ticks), [setting(value, 2) for value in sorted(ticks)])
    axes.xaxis.set_minor_locator(_no_ticks())


def count_on(axes: Axes) -> None:
    """Keep the ticks of an axis of epochs, steps or places to whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _no_ticks() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()
