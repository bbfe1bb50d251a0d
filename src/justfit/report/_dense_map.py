"""The map of a sweep with more cells than can be written on: shades, the border of the near-best, two marks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from justfit.records import SweepRecord
from justfit.report._raster import NOT_FINITE, raster
from justfit.report._svg import label, tag


def draw_dense(record: SweepRecord, xs: Sequence[float], ys: Sequence[float], share: Callable[[float], float]) -> str:
    """Draw the cells of a large grid in few elements.

    Args:
        record: The sweep.
        xs: Edges of the columns, one more than there are λ.
        ys: Edges of the rows from the top, one more than there are dropouts.
        share: Place of a difference on the colour map.
    """
    rows = [
        [share(value) if math.isfinite(value) else NOT_FINITE for value in row]
        for row in zip(*record.difference, strict=True)
    ]
    edges = "".join(_edges(record, xs, ys[::-1]))
    return raster(rows[::-1], xs, ys) + tag("path", d=edges, class_="outline thin") + _marks(record, xs, ys[::-1])


def _edges(record: SweepRecord, xs: Sequence[float], ys: Sequence[float]) -> Iterator[str]:
    """The sides of near-best cells that border on others; `ys` from the bottom."""
    for i, row in enumerate(record.ridge):
        for j, near in enumerate(row):
            if not near:
                continue
            left, right, bottom, top = xs[i], xs[i + 1], ys[j], ys[j + 1]
            if i == 0 or not record.ridge[i - 1][j]:
                yield f"M{left:.1f} {bottom:.1f}V{top:.1f}"
            if i + 1 == len(record.ridge) or not record.ridge[i + 1][j]:
                yield f"M{right:.1f} {bottom:.1f}V{top:.1f}"
            if j == 0 or not row[j - 1]:
                yield f"M{left:.1f} {bottom:.1f}H{right:.1f}"
            if j + 1 == len(row) or not row[j + 1]:
                yield f"M{left:.1f} {top:.1f}H{right:.1f}"


def _marks(record: SweepRecord, xs: Sequence[float], ys: Sequence[float]) -> str:
    parts = []
    for sign, (i, j) in (("★", record.best), ("◆", record.chosen)):
        if math.isfinite(record.difference[i][j]):
            x, y = (xs[i] + xs[i + 1]) / 2, (ys[j] + ys[j + 1]) / 2
            parts.append(tag("circle", cx=x, cy=y, r=9, class_="spot"))
            parts.append(label(sign, x, y + 5.0, class_="mark", text_anchor="middle"))
    return "".join(parts)
