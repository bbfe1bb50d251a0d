"""Axes around a plot: the frame, its ticks and titles, the λ axis with its own slot for 0, and the key to the lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from justfit.report._names import shown
from justfit.report._numbers import number, setting
from justfit.report._svg import Scale, label, tag

_LETTER = 6.6  # mean width of a letter of a tick label, view-box units at font size 12
_LOG_FROM = 20.0  # a loss whose largest value is this many times its smallest is drawn on a logarithmic axis
_DECADES_LABELLED = 1e3  # a logarithmic axis of more is labelled with powers of ten
_FLOOR = 30.0  # losses this many times below the smallest validation loss leave the plot at its bottom

Tick = tuple[float, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The rectangle that the data fill, in view-box units, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Width of the rectangle."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height of the rectangle."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True, kw_only=True)
class L2Scale:
    """Positions along λ: 0 in a slot of its own, the rest logarithmic.

    Attributes:
        values: The λ of the sweep, ascending.
        start, end: Positions of the first and the last.
    """

    values: tuple[float, ...]
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Position of a λ."""
        first_positive = next((v for v in self.values if v > 0), 0.0)
        if value <= 0 or not first_positive:
            return self.start
        first = self.start + (self._slot if self.values[0] <= 0 else 0.0)
        last_positive = self.values[-1]
        if first_positive == last_positive:
            return (first + self.end) / 2
        share = math.log(value / first_positive) / math.log(last_positive / first_positive)
        return first + share * (self.end - first)

    @property
    def _slot(self) -> float:
        return (self.end - self.start) / min(max(len(self.values) - 1, 2), 8)

    def ticks(self) -> list[Tick]:
        """The λ that were tried, or powers of ten where they stand too close to be labelled."""
        for chosen in (self.values, self._decades(1), self._decades(2), self._decades(4)):
            ticks = [(self(value), setting(value, 2)) for value in chosen]
            if _are_apart(ticks):
                return ticks
        return [(self(value), setting(value, 2)) for value in {self.values[0], self.values[-1]}]

    def edges(self, index: int) -> tuple[float, float]:
        """The strip that belongs to one λ: halfway to its neighbours."""
        here = self(self.values[index])
        before = self(self.values[index - 1]) if index else 2 * here - self._after(index)
        return (before + here) / 2, (here + self._after(index)) / 2

    def _after(self, index: int) -> float:
        if index + 1 < len(self.values):
            return self(self.values[index + 1])
        here = self(self.values[index])
        return 2 * here - self(self.values[index - 1]) if index else here + 40.0

    def _decades(self, step: int) -> list[float]:
        zero = [value for value in self.values if value == 0]
        positive = [value for value in self.values if value > 0]
        low = math.ceil(math.log10(positive[0]) - 1e-9) if positive else 0
        high = math.floor(math.log10(positive[-1]) + 1e-9) if positive else -1
        return zero + [float(f"1e{exponent}") for exponent in range(low, high + 1, step)]


def loss_scale(values: Sequence[float], validation: Sequence[float], *, start: float, end: float) -> Scale:
    """Choose the axis of a loss: logarithmic where the values span more than a factor of 20.

    Args:
        values: All losses to show; NaN are ignored.
        validation: Those of them that must stay inside the plot; training losses near 0 may leave it at the bottom.
        start: Position of the lower end.
        end: Position of the upper end.
    """
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    judged = [value for value in validation if math.isfinite(value) and value > 0]
    if judged and low >= 0 and high > _LOG_FROM * max(low, min(judged) / _FLOOR):
        return Scale(low=max(low, min(judged) / _FLOOR) / 1.15, high=high * 1.15, start=start, end=end, log=True)
    spread = (high - low) or abs(high) or 1.0
    return Scale(low=max(low - 0.06 * spread, min(low, 0.0)), high=high + 0.08 * spread, start=start, end=end)


def leaving_words(train: Sequence[float], validation: Sequence[float]) -> str:
    """Say that training losses leave a plot at the bottom, with a space before it; empty where none does."""
    scale = loss_scale([*train, *validation], validation, start=0.0, end=1.0)
    lost = [value for value in train if value < scale.low]
    return f" Training losses that leave the plot go down to {number(min(lost))}." if lost else ""


def value_ticks(scale: Scale) -> list[Tick]:
    """Positions and labels of round values; large and small ones share their power of ten with the axis title."""
    factor = power_of_ten(scale)
    return [(scale(value), setting(value / 10.0**factor)) for value in scale.ticks()]


def power_of_ten(scale: Scale) -> int:
    """The power of ten that the labels of an axis leave to its title: 0 unless the labels would be long.

    Where they are powers of ten themselves, as on a logarithmic axis of many decades, they stay what they are.
    """
    if scale.log and scale.high > _DECADES_LABELLED * scale.low:
        return 0
    exponent = math.floor(math.log10(max(abs(scale.low), abs(scale.high))))
    return 0 if -3 <= exponent <= 4 else 3 * math.floor(exponent / 3)


def axis_title(name: str, unit: str, power: int = 0) -> str:
    """Write the title of an axis with its unit."""
    short = shown(unit, 20)  # a plot is narrower than a sentence
    return f"{name} ({setting(float(f'1e{power}'))} {short})" if power else f"{name} ({short})"


def axes(
    box: Box, x_ticks: Sequence[Tick], y_ticks: Sequence[Tick], titles: tuple[str, str], *, title_gap: float = 12.0
) -> str:
    """Draw the grid, the labels and the titles of x and y.

    The y title stands above the axis, so nobody turns their head; `title_gap` leaves room below it.
    """
    x_title, y_title = titles
    parts = [label(y_title, box.left, box.top - title_gap, class_="axis-title")]
    for y, text in y_ticks:
        parts.append(tag("path", d=f"M{box.left:.1f} {y:.1f}H{box.right:.1f}", class_="grid"))
        parts.append(label(text, box.left - 7.0, y + 4.0, class_="tick", text_anchor="end"))
    for x, text in x_ticks:
        parts.append(tag("path", d=f"M{x:.1f} {box.bottom:.1f}v5", class_="axis"))
        parts.append(label(text, x, box.bottom + 19.0, class_="tick", text_anchor="middle"))
    parts.append(tag("path", d=f"M{box.left:.1f} {box.bottom:.1f}H{box.right:.1f}", class_="axis"))
    middle = (box.left + box.right) / 2
    parts.append(label(x_title, middle, box.bottom + 38.0, class_="axis-title", text_anchor="middle"))
    return "".join(parts)


def zero_break(scale: L2Scale, y: float) -> str:
    """Mark the place where the λ axis leaves 0 and turns logarithmic."""
    positive = [value for value in scale.values if value > 0]
    if not positive or len(positive) == len(scale.values):
        return ""
    x = (scale.start + scale(positive[0])) / 2
    return tag("path", d=f"M{x - 5:.1f} {y + 5:.1f}l4 -10m3 10l4 -10", class_="axis")


def line_key(x: float, y: float) -> str:
    """Draw which line is which: training dashed, validation solid."""
    parts = []
    for class_, text in (("train", "training"), ("validation", "validation")):
        parts.append(tag("path", d=f"M{x:.1f} {y - 4:.1f}h24", class_=f"{class_} line"))
        parts.append(label(text, x + 30.0, y, class_="tick"))
        x += 42.0 + _LETTER * len(text)
    return "".join(parts)


def _are_apart(ticks: Sequence[Tick]) -> bool:
    return all(
        right[0] - left[0] >= _LETTER * (len(left[1]) + len(right[1])) / 2 + 5.0 for left, right in pairwise(ticks)
    )
