"""What a picture of a surface is drawn from: the plane, the answers over it, the examples; and where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from justfit.report._axes import Box
from justfit.report._cividis import cividis, hex_of

BOX = Box(left=46.0, top=86.0, right=322.0, bottom=326.0)
NUM_SIDES = 8  # colours and signs that the style sheet tells apart

Rows = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is drawn; all names are safe to show already.

    Attributes:
        kind: "two" classes, "many", or a "number".
        title: Which network, in a word or two.
        note: Its setting.
        x_name, y_name: Titles of the axes.
        x_low, x_high, y_low, y_high: The corners.
        rows: From y_low to y_high, each from x_low to x_high: probability of class 1 of two, that of the likeliest of
            many, or the number.
        likeliest: The likeliest of many classes at the same places.
        x, y, target: The examples.
        classes: Names of the classes; empty where they are not named.
        low, high: Ends of the ramp of a number.
    """

    kind: Literal["two", "many", "number"]
    title: str
    note: str = ""
    x_name: str
    y_name: str
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    rows: Rows
    likeliest: Sequence[Sequence[int]] = ()
    x: Sequence[float]
    y: Sequence[float]
    target: Sequence[float]
    classes: Sequence[str] = ()
    low: float = 0.0
    high: float = 1.0

    def share(self, value: float) -> float:
        """Place of a number on the ramp, in [0, 1] between its ends."""
        return (value - self.low) / ((self.high - self.low) or 1.0)


def ramp_colour(share: float) -> str:
    """Colour of a share of the ramp, as an attribute is written."""
    return hex_of(cividis(share))
