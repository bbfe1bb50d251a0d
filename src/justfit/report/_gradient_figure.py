"""Figure: the gradient norm of every layer over the sampled steps, as a grid of shades on a logarithmic scale."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from justfit.records import LayerTrace, WatchEvidence, WatchRecord
from justfit.report._axes import Box, axes
from justfit.report._names import quoted, shown
from justfit.report._numbers import count, number, setting
from justfit.report._raster import NOT_FINITE, NOT_MEASURED, NOTHING, raster, shade_key
from justfit.report._signal_figure import common_range
from justfit.report._step_axis import WIDTH, draw_marks, marks_of, num_steps, step_scale, step_ticks, trained_layers
from justfit.report._svg import Scale, drawing, label, tag, thinned, tooltip

_LEFT, _TOP, _RIGHT = 112.0, 72.0, 450.0
_MOST_ROWS, _MOST_COLUMNS = 96, 120
_DECADES = 12.0  # from the middle to an end of the colours
_LETTERS = 16
_FAR = 1e3  # between the largest and the smallest gradient of the layers


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the grid: one layer, or neighbouring layers where there are more than rows.

    Attributes:
        name: Of the layer, or of the first and last.
        values: Gradient norm at each column; NaN where it was not measured.
    """

    name: str
    values: tuple[float, ...]


def draw_gradients(record: WatchRecord, title: str) -> tuple[str, ...]:
    """Draw the grid; nothing if no gradient was sampled."""
    across = step_scale(num_steps(record), Box(left=_LEFT, top=_TOP, right=_RIGHT, bottom=0.0))
    columns = min(_MOST_COLUMNS, max((len(o.steps) for o in record.evidence.optimizers), default=0))
    rows = _rows(record.evidence, across, columns)
    ends = common_range([[v for v in row.values if v > 0] for row in rows], _DECADES)
    if not rows or ends is None:
        return ()
    height = min(max(260.0 / len(rows), 3.0), 22.0)
    box = Box(left=_LEFT, top=_TOP, right=_RIGHT, bottom=_TOP + height * len(rows))
    shades = [[_shade(value, *ends) for value in row.values] for row in rows]
    xs = [_LEFT + k * box.width / columns for k in range(columns + 1)]
    ys = [_TOP + k * height for k in range(len(rows) + 1)]
    content = (
        _key(ends)
        + axes(box, step_ticks(across, 5), (), ("step", ""))
        + raster(shades, xs, ys)
        + _names(rows, box, height)
        + draw_marks(marks_of(record), across, box)
    )
    described = f"{len(rows)} rows, in order of execution from the top. Colours from {number(ends[0], 2)} to "
    described += f"{number(ends[1], 2)}."
    return (drawing(WIDTH, box.bottom + 46.0, content, title=title, description=described),)


def gradients_title(record: WatchRecord) -> str:
    """Say how the gradients of the layers compare where they were last measured; one sentence without its full stop."""
    evidence = record.evidence
    broken = [step for layer in trained_layers(evidence) for step in _broken_steps(evidence, layer)]
    last = [
        (layer, value) for layer in trained_layers(evidence) if (value := last_finite(layer.gradient_norm)) is not None
    ]
    if broken:
        return f"Gradients are not finite from step {min(broken):,} on"
    if not last:
        return "No gradient was measured"
    largest = max(last, key=lambda pair: pair[1])
    still = [layer for layer, value in last if value == 0]
    if still:
        more = f" and {count(len(still) - 1, 'more layer')}" if len(still) > 1 else ""
        return f"No gradient reaches {quoted(_name(still[0]))}{more}"
    smallest = min(last, key=lambda pair: pair[1])
    names = f"{quoted(_name(smallest[0]))} ({number(smallest[1], 2)})"
    ratio = largest[1] / smallest[1]
    if len(last) == 1:
        return f"The gradient norm of {names} at the last sample"
    words = f"{number(ratio, 2)} times that of {names}"
    far = "Gradients lie far apart: " if ratio > _FAR else "Gradients are of similar size: " if ratio < 10 else ""
    return f"{far}{'T' if not far else 't'}hat of {quoted(_name(largest[0]))} is in the end {words}"


def last_finite(series: Sequence[float]) -> float | None:
    """The last finite number of a series; None without one."""
    return next((value for value in reversed(series) if math.isfinite(value)), None)


def _name(layer: LayerTrace) -> str:
    return layer.name or layer.kind


def _broken_steps(evidence: WatchEvidence, layer: LayerTrace) -> list[int]:
    steps = evidence.optimizers[layer.optimizer].steps
    return [step for step, value in zip(steps, layer.gradient_norm, strict=False) if math.isinf(value)]


def _rows(evidence: WatchEvidence, across: Scale, columns: int) -> list[Row]:
    layers = trained_layers(evidence)
    if not layers or not columns:
        return []
    edges = thinned(len(layers) + 1, min(_MOST_ROWS, len(layers)) + 1)
    step = (across.high - across.low) / columns
    ends = [across.low + (k + 1) * step for k in range(columns)]
    return [_row(evidence, layers[first:end], ends) for first, end in pairwise(edges)]


def _row(evidence: WatchEvidence, layers: Sequence[LayerTrace], ends: Sequence[float]) -> Row:
    held = [_held(evidence.optimizers[layer.optimizer].steps, layer.gradient_norm, ends) for layer in layers]
    names = [_name(layer) for layer in (layers[0], layers[-1])]
    return Row(
        name=names[0] if len(layers) == 1 else f"{names[0]} … {names[1]}",
        values=tuple(_middle(values) for values in zip(*held, strict=True)),
    )


def _held(steps: Sequence[int], values: Sequence[float], ends: Sequence[float]) -> list[float]:
    """The sample that is the last at each end of a column: a sample holds until the next."""
    places = [bisect_right(steps, end) - 1 for end in ends]
    return [values[place] if 0 <= place < len(values) else math.nan for place in places]


def _middle(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return (math.inf if math.inf in known else median(known)) if known else math.nan


def _shade(value: float, low: float, high: float) -> float:
    if math.isnan(value):
        return NOT_MEASURED
    if math.isinf(value):
        return NOT_FINITE
    if value <= 0:
        return NOTHING
    return min(max(math.log(value / low) / math.log(high / low), 0.0), 1.0)


def _key(ends: tuple[float, float]) -> str:
    strip = Box(left=_LEFT, top=20.0, right=_LEFT + 200.0, bottom=30.0)
    scale = Scale(low=ends[0], high=ends[1], start=strip.left, end=strip.right, log=True)
    ticks = [(value, setting(value)) for value in scale.ticks(4)]
    return label("gradient norm before clipping (loss per unit of weight)", 0.0, 12.0, class_="axis-title") + shade_key(
        strip, scale, ticks
    )


def _names(rows: Sequence[Row], box: Box, height: float) -> str:
    every = max(1, math.ceil(13.0 / height))
    parts = []
    for k, row in enumerate(rows):
        y = box.top + k * height
        known = [value for value in row.values if math.isfinite(value)]
        words = (
            f"{shown(row.name, 80)}: {number(known[0], 2)} at first, {number(known[-1], 2)} at last" if known else ""
        )
        if words:
            strip = tag("rect", tooltip(words), x=box.left, y=y, width=box.width, height=height, class_="touch")
            parts.append(strip)
        if k % every == 0 and (k == 0 or k + every <= len(rows) or every == 1):
            parts.append(
                label(shown(row.name, _LETTERS), box.left - 6.0, y + height / 2 + 4.0, class_="tick", text_anchor="end")
            )
    return "".join(parts)
