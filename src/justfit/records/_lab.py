"""What the lab measured: the lecture's claims, each with its numbers, the ranges they must lie in, and its mark.

A bound of NaN means that there is none; so does null in JSON.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from justfit.errors import ArgumentError
from justfit.records._shown import Shown
from justfit.records._views import Wiring

LAB_SCHEMA_VERSION = "justfit.lab/1"
LabMark = Literal["confirmed", "confirmed with a condition", "refined", "refuted"]
LabPart = Literal["exact", "condition", "literal"]
Series = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabMeasurement:
    """One number beside the range it must lie in.

    Attributes:
        name: What was measured, in words.
        value: The number.
        standard_error: Its standard error; NaN where the number is exact but for rounding.
        unit: Of the number; empty where it has none.
        low, high: The range; NaN where there is no such bound.
        source: Where the range comes from: a formula, a standard error, rounding.
        part: "exact": belongs to what is exactly true, and refutes the claim if it lies outside. "condition": what the
            lecture says beyond the condition it needs; outside, the claim holds under that condition only. "literal":
            what the lecture says word for word; outside, the exact form refines it.
    """

    name: str
    value: float
    standard_error: float = math.nan
    unit: str = ""
    low: float = math.nan
    high: float = math.nan
    source: str
    part: LabPart = "exact"

    @property
    def holds(self) -> bool:
        """Whether the number lies in its range; NaN lies in none."""
        return not (math.isnan(self.value) or self.value < self.low or self.value > self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSeries:
    """One line, or a set of points, of a figure.

    Attributes:
        name: What it is, written beside it.
        x, y: Of the same length; NaN breaks the line.
        standard_error: Of y, drawn as a band or as bars; empty for none.
        points: True for points without a line between them.
    """

    name: str
    x: Series
    y: Series
    standard_error: Series = ()
    points: bool = False

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y) or len(self.standard_error) not in (0, len(self.y)):
            raise ArgumentError(
                "`x`, `y` and `standard_error` of a series must have the same length.",
                found=f"{len(self.x)}, {len(self.y)} and {len(self.standard_error)} in `{self.name}`",
                way_out="Leave `standard_error` empty where there is none.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabPlot:
    """A plot of lines and points.

    Attributes:
        title: What the plot shows; empty for the only plot of a figure.
        x_title, y_title: Axis titles with their units.
        log_x, log_y: Logarithmic axes; an x of 0 on one has a place of its own at the left.
        series: What is drawn.
        y_low, y_high: What the y axis must show, so that plots side by side can be compared; NaN leaves it to the data.
        categories: Names at x = 0, 1, … in place of numbers; empty for numbers.
        mark_x: Where a vertical line stands, such as the chosen λ; NaN for none.
        mark: What is written at it.
    """

    title: str = ""
    x_title: str
    y_title: str
    log_x: bool = False
    log_y: bool = False
    series: tuple[LabSeries, ...]
    y_low: float = math.nan
    y_high: float = math.nan
    categories: tuple[str, ...] = ()
    mark_x: float = math.nan
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSurface:
    """The output of a network of two inputs over the plane, and the examples it learned from.

    Attributes:
        title: Which network.
        x_low, x_high, y_low, y_high: The corners.
        rows: Probability of class 1 on a grid, from y_low to y_high, each row from x_low to x_high.
        x, y, label: The examples; label 0 or 1.
    """

    title: str
    x_low: float
    x_high: float
    y_low: float
    y_high: float
    rows: tuple[Series, ...]
    x: Series
    y: Series
    label: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabFigure:
    """The picture of a claim; its title says the finding, its caption how to read it."""

    title: str
    caption: str
    plots: tuple[LabPlot, ...] = ()
    surfaces: tuple[LabSurface, ...] = ()
    wirings: tuple[Wiring, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabClaim:
    """One claim of the lecture, measured.

    Attributes:
        id: "C1" to "C17".
        topic: What it is about, in a word or two.
        title: What was found, in one sentence.
        claim: What the lecture says, in our words.
        formula: As plain text, which every program can show.
        exact: What is exactly true.
        measurements: The numbers and their ranges.
        mark: Follows from the measurements; see `LabMeasurement.part`.
        remark: The condition, the refinement, or what lies outside; empty where the claim is simply confirmed.
        figure: The picture.
        try_it: The command or call that does the same on the reader's own network.
        where: What it was measured on.
        seconds: Wall time.
    """

    id: str
    topic: str
    title: str
    claim: str
    formula: str
    exact: str
    measurements: tuple[LabMeasurement, ...]
    mark: LabMark
    remark: str
    figure: LabFigure
    try_it: str
    where: str
    seconds: float

    def __post_init__(self) -> None:
        outside = any(m.part == "exact" and not m.holds for m in self.measurements)
        if outside != (self.mark == "refuted") or not self.measurements:
            raise ArgumentError(
                "A claim must be refuted exactly where a number that must hold lies outside its range.",
                found=f"{self.id} marked {self.mark!r} by {len(self.measurements)} numbers",
                way_out="Let the lab set the mark.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabRecord(Shown):
    """All claims of one run of the lab.

    Attributes:
        claims: In order of their number; fewer than 17 where the run was interrupted.
        data: What the claims about data were measured on.
        data_notes: What was noticed while reading it.
        seed: The same seed gives the same numbers on one machine.
        quick: Whether the short form ran.
        interrupted: "" or why claims are missing.
        versions: Of everything that decides the numbers.
        seconds: Wall time.
    """

    claims: tuple[LabClaim, ...]
    data: str
    data_notes: tuple[str, ...] = ()
    seed: int
    quick: bool
    interrupted: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float
    schema_version: str = LAB_SCHEMA_VERSION

    @property
    def refuted(self) -> tuple[str, ...]:
        """Ids of the claims that the numbers refute."""
        return tuple(claim.id for claim in self.claims if claim.mark == "refuted")
