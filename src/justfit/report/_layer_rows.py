"""Layers over the sampled steps as rows of a grid of shades, neighbours together where there are more than rows."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from justfit.records import LayerTrace, WatchEvidence, WatchRecord
from justfit.report._axes import Box, axes
from justfit.report._names import shown
from justfit.report._numbers import number
from justfit.report._raster import raster
from justfit.report._sampled_steps import sampled_steps
from justfit.report._step_axis import WIDTH, draw_marks, marks_of, step_scale, step_ticks, trained_layers
from justfit.report._svg import Scale, drawing, label, tag, thinned, tooltip

LEFT, TOP, RIGHT = 112.0, 72.0, 450.0
_MOST_ROWS, _MOST_COLUMNS = 96, 120
_LETTERS = 16

Series = Callable[[LayerTrace], Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the grid: one layer, or neighbouring layers where there are more than rows.

    Attributes:
        name: Of the layer, or of the first and last.
        values: Gradient norm at each column; NaN where it was not measured.
    """

    name: str
    values: tuple[float, ...]


def layer_rows(record: WatchRecord, series: Series) -> list[Row]:
    """Read one quantity of every trained layer at evenly spaced steps, in order of execution.

    Args:
        record: The run.
        series: The quantity of a layer, one number a sampled step.
    """
    evidence = record.evidence
    layers = trained_layers(evidence)
    columns = min(_MOST_COLUMNS, max((len(o.steps) for o in evidence.optimizers), default=0))
    if not layers or not columns:
        return []
    edges = thinned(len(layers) + 1, min(_MOST_ROWS, len(layers)) + 1)
    step = (max(sampled_steps(record), 2) - 1.0) / columns
    ends = [1.0 + (k + 1) * step for k in range(columns)]
    return [_row(evidence, layers[first:end], ends, series) for first, end in pairwise(edges)]


def draw_rows(
    record: WatchRecord, rows: Sequence[Row], shade: Callable[[float], float], key: str, *, said: tuple[str, str]
) -> str:
    """Draw the grid with its axis of steps, names and marks.

    Args:
        record: The run.
        rows: At least one.
        shade: From a value to what `raster` draws.
        key: To the colours, drawn above the grid.
        said: Title and description of the drawing.
    """
    columns = len(rows[0].values)
    height = min(max(260.0 / len(rows), 3.0), 22.0)
    box = Box(left=LEFT, top=TOP, right=RIGHT, bottom=TOP + height * len(rows))
    across: Scale = step_scale(sampled_steps(record), box)
    xs = [LEFT + k * box.width / columns for k in range(columns + 1)]
    ys = [TOP + k * height for k in range(len(rows) + 1)]
    content = (
        key
        + axes(box, step_ticks(across, 5), (), ("step", ""))
        + raster([[shade(value) for value in row.values] for row in rows], xs, ys)
        + _names(rows, box, height)
        + draw_marks(marks_of(record), across, box)
    )
    return drawing(WIDTH, box.bottom + 46.0, content, title=said[0], description=said[1])


def _row(evidence: WatchEvidence, layers: Sequence[LayerTrace], ends: Sequence[float], series: Series) -> Row:
    held = [_held(evidence.optimizers[layer.optimizer].steps, series(layer), ends) for layer in layers]
    names = [layer.name or layer.kind for layer in (layers[0], layers[-1])]
    return Row(
        name=names[0] if len(layers) == 1 else f"{names[0]} … {names[1]}",
        values=tuple(_middle(values) for values in zip(*held, strict=True)),
    )


def _held(steps: Sequence[int], values: Sequence[float], ends: Sequence[float]) -> list[float]:
    """The last sample within or before each column: a sample holds until the next."""
    # A step at which a column ends is the first of the next column; the last one has no next.
    places = [*(bisect_left(steps, end) - 1 for end in ends[:-1]), bisect_right(steps, ends[-1]) - 1]
    return [values[place] if 0 <= place < len(values) else math.nan for place in places]


def _middle(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return (math.inf if math.inf in known else median(known)) if known else math.nan


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
