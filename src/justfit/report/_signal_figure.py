"""Figure: a quantity along the trunk on a logarithmic axis, one line a network, each line labelled at its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from justfit.report._axes import Box, Tick, axes
from justfit.report._end_labels import NUM_STYLES, LineEnd, end_labels
from justfit.report._numbers import setting
from justfit.report._svg import Scale, clipped, drawing, nice_ticks, polyline, tag, thinned, tooltip
from justfit.report._trunk import Quantity

_WIDTH, _HEIGHT = 460.0, 300.0
_MOST_MARKS = 100
_DECADES = 16.0  # from the middle of several lines to an end of the axis: what unit roundoff leaves of a double
_ALL_DECADES = 150.0
_AXIS_TITLES = {
    "signal": "size of the activations, rms (their own units)",
    "gradient": "‖∂L/∂activation‖ (loss per unit of activation)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the figure.

    Attributes:
        name: What it is called at its end; empty for the only line.
        values: One per point of the trunk; NaN breaks the line.
        style: Which of the line styles.
        marks: Points that a finding is about: index and words.
    """

    name: str = ""
    values: tuple[float, ...]
    style: int = 0
    marks: tuple[tuple[int, str], ...] = ()


def draw_lines(lines: Sequence[Line], quantity: Quantity, *, title: str, description: str) -> tuple[str, ...]:
    """Draw the lines; nothing if no value of them is positive.

    Named lines of the gradient run the way it runs, from the output back, so that they part where they are named.
    """
    domain = common_range([line.values for line in lines], _DECADES if len(lines) > 1 else _ALL_DECADES)
    if domain is None:
        return ()
    named = any(line.name for line in lines)
    box = Box(left=52.0, top=30.0, right=_WIDTH - (112.0 if named else 12.0), bottom=_HEIGHT - 46.0)
    up = Scale(low=domain[0] / 1.3, high=domain[1] * 1.3, start=box.bottom, end=box.top, log=True)
    longest = max(len(line.values) for line in lines)
    backward = named and quantity == "gradient"
    ends = (box.right, box.left) if backward else (box.left, box.right)
    across = Scale(low=1.0, high=float(max(longest, 2)), start=ends[0], end=ends[1])
    frame = axes(
        box,
        [(across(place), f"{place:,.0f}") for place in nice_ticks(1.0, float(max(longest, 2))) if place == int(place)],
        _value_ticks(up),
        (
            f"place along the network, {'from the output back' if backward else 'in order of execution'}",
            _AXIS_TITLES[quantity],
        ),
    )
    drawn = "".join(_line(line, across, up) for line in lines)
    inside = clipped(drawn, box.left - 4, box.top - 4, box.width + 8, box.height + 8)
    content = frame + inside + (_labels(lines, across, up, box) if named else "")
    return (drawing(_WIDTH, _HEIGHT, content, title=title, description=description),)


def common_range(series: Sequence[Sequence[float]], decades: float) -> tuple[float, float] | None:
    """Choose the ends of a logarithmic axis for several series, so that one that runs away does not flatten the rest.

    Args:
        series: Values, at least 0.
        decades: How far the axis may reach below and above the median of all values, in powers of ten.

    Returns:
        The two ends, at least a decade apart, so that what keeps its size looks flat; None without a positive value.
    """
    logs = [math.log10(value) for line in series for value in line if 0 < value < math.inf]
    if not logs:
        return None
    middle = median(logs)
    low, high = max(min(logs), middle - decades), min(max(logs), middle + decades)
    widen = max((1.0 - (high - low)) / 2, 0.0)
    # Floats reach further than their logarithm's power of ten can be taken back.
    return 10.0 ** max(low - widen, -300.0), 10.0 ** min(high + widen, 300.0)


def _value_ticks(scale: Scale) -> list[Tick]:
    return [(scale(value), setting(value)) for value in scale.ticks()]


def _line(line: Line, across: Scale, up: Scale) -> str:
    kept = thinned(len(line.values))
    points = [(across(float(k + 1)), up(line.values[k])) for k in kept]
    marks = [
        tag(
            "path",
            tooltip(words),
            d=f"M{across(float(k + 1)):.1f} {up(line.values[k]) - 5:.1f}l5 5l-5 5l-5 -5z",
            class_="finding-mark",
        )
        for k, words in line.marks[:_MOST_MARKS]
        if math.isfinite(up(line.values[k]))
    ]
    return polyline(points, f"series-{line.style % NUM_STYLES}") + "".join(marks)


def _labels(lines: Sequence[Line], across: Scale, up: Scale, box: Box) -> str:
    ends = []
    for line in lines:
        finite = [k for k, value in enumerate(line.values) if math.isfinite(value)]
        if finite and line.name:
            last = max(finite, key=lambda k: across(float(k)))
            at = (across(float(last + 1)), up(line.values[last]))
            ends.append(LineEnd(name=line.name, at=at, style=line.style))
    return end_labels(ends, box)
