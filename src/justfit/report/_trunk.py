"""The signal along the trunk: the series that are drawn, how much they change from end to end, and that in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from justfit.records import Checkup, TrunkPoint
from justfit.report._numbers import number

Quantity = Literal["signal", "gradient"]
# Beyond a thousandfold change the words say that the signal is lost; the rules judge by e-foldings, this only words.
LOST = 1e3
_SAME = 3.0  # and within a factor of 3 that it keeps its size


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a quantity changes on its way through the network.

    Attributes:
        start: Where its way begins: the signal at the first point, the gradient at the last.
        end: Where it ends.
        ratio: end / start; NaN where either is unknown or the start is 0.
        harmless: A normalisation reads every point, so the size does not matter.
    """

    start: float
    end: float
    ratio: float
    harmless: bool


def values(trunk: Sequence[TrunkPoint], quantity: Quantity) -> tuple[float, ...]:
    """The rms of the activations, or the norm of the gradient, at each point in order of execution."""
    return tuple(point.rms if quantity == "signal" else point.gradient_norm for point in trunk)


def inside(trunk: Sequence[TrunkPoint]) -> Sequence[TrunkPoint]:
    """The trunk without the network's output, whose size is the last layer's choice; all of it if little is left."""
    inner = [point for point in trunk if point.kind != "output"]
    return inner if len(inner) >= 2 else trunk


def change(trunk: Sequence[TrunkPoint], quantity: Quantity) -> Change:
    """Compare the two ends of the trunk before the output, among the points whose size matters if there are two."""
    known = [point for point in inside(trunk) if not math.isnan(values((point,), quantity)[0])]
    free = [point for point in known if not point.normalised]
    ends = values(free if len(free) >= 2 else known, quantity)
    if len(ends) < 2:
        return Change(start=math.nan, end=math.nan, ratio=math.nan, harmless=False)
    start, end = (ends[0], ends[-1]) if quantity == "signal" else (ends[-1], ends[0])
    stopped = quantity == "gradient" and start == 0 and any(point.gradient_norm > 0 for point in trunk)
    ratio = end / start if start > 0 else 0.0 if stopped else math.nan
    return Change(start=start, end=end, ratio=ratio, harmless=len(free) < 2)


def last_rank(checkup: Checkup) -> tuple[float, int]:
    """Effective rank of what the last layer reads, and its width; (NaN, 0) where it was not measured."""
    points = [p for p in checkup.evidence.trunk if p.kind != "output" and not math.isnan(p.effective_rank)]
    return (points[-1].effective_rank, points[-1].width) if points else (math.nan, 0)


def change_words(measured: Change, quantity: Quantity) -> str:
    """Say in one sentence what the plot of a quantity shows; without a full stop."""
    way = "from the first place to the last" if quantity == "signal" else "on its way back to the first place"
    if math.isnan(measured.ratio):
        if measured.start == 0:
            return f"The {quantity} is 0 where it starts"
        return f"The {quantity} was not measured at both ends"
    if measured.harmless:
        return f"The {quantity} goes {span(measured)}; a normalisation reads every place, so its size does not matter"
    if measured.ratio == 0:
        return f"Nothing is left of the {quantity} {way}"
    if math.isinf(measured.ratio):
        return f"The {quantity} becomes infinite {way}"
    if measured.ratio < 1 / LOST:
        return f"The {quantity} vanishes: {times(measured.ratio)} of it is left {way}"
    if measured.ratio > LOST:
        return f"The {quantity} explodes: it grows {times(measured.ratio)} times {way}"
    if measured.ratio < 1 / _SAME:
        return f"The {quantity} shrinks to {times(measured.ratio)} of its size {way}"
    if measured.ratio > _SAME:
        return f"The {quantity} grows {times(measured.ratio)} times {way}"
    return f"The {quantity} keeps its size, {span(measured)}"


def span(measured: Change) -> str:
    """Write the two ends."""
    return f"from {number(measured.start, 2)} to {number(measured.end, 2)}"


def times(ratio: float) -> str:
    """Write a ratio as a reader says it: two digits; "—" where it is not known."""
    return tidy(ratio, 2)


def tidy(value: float, digits: int = 3) -> str:
    """Write a number for a narrow table; "—" where it was not measured."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return "—" if math.isnan(value) else number(value, digits)


def share(fraction: float) -> str:
    """Write a share as a whole percentage for a narrow table; "—" where it was not measured."""
    if not math.isfinite(fraction):
        return "—"
    return "< 1 %" if 0 < fraction < 0.005 else f"{fraction * 100:.0f} %"
