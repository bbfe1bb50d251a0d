"""Names of lines at their ends, to the right of a plot, moved apart where they would touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from justfit.report._axes import Box
from justfit.report._names import shown
from justfit.report._svg import Point, label, tag

LABEL_ROOM = 112.0  # to keep free right of a plot, view-box units
NUM_STYLES = 8  # how many line styles signals.css has
_LETTERS = 16
_CLOSE = 16.0  # between an end and its name inside the plot, view-box units
_STEP = 15.0  # view-box units between two labels, so that they do not touch


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEnd:
    """Where a line ends, and what it is called.

    Attributes:
        name: As the user calls it.
        at: Its last point.
        style: Which of the line styles.
    """

    name: str
    at: Point
    style: int


def end_labels(ends: Sequence[LineEnd], box: Box, *, inside: bool = False) -> str:
    """Draw the names beside the plot, each with a thin line to its end.

    Args:
        ends: The ends.
        box: The plot.
        inside: Names of lines that end early stand close to their ends, inside the plot.
    """
    sorted_ends = sorted(ends, key=lambda end: end.at[1])
    heights = [min(max(end.at[1], box.top), box.bottom) for end in sorted_ends]
    parts = []
    for end, y, place in zip(sorted_ends, heights, _apart(heights, box), strict=True):
        style = f"series-{end.style % NUM_STYLES}"
        right = min(end.at[0] + _CLOSE, box.right) if inside else box.right
        parts.append(tag("path", d=f"M{end.at[0] + 2:.1f} {y:.1f}L{right + 10:.1f} {place:.1f}", class_="leader"))
        text = shown(end.name, _LETTERS)
        parts.append(label(text, right + 13.0, place + 4.0, class_=f"series-label {style}"))
    return "".join(parts)


def _apart(wanted: Sequence[float], box: Box) -> list[float]:
    # Push down what touches, then push up what has left the plot at the bottom.
    places: list[float] = []
    for y in wanted:
        places.append(max(y, places[-1] + _STEP) if places else y)
    lowest = box.bottom
    for k in range(len(places) - 1, -1, -1):
        places[k] = min(places[k], lowest)
        lowest = places[k] - _STEP
    return places
