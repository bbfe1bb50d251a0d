"""A grid of shades in few elements, however many cells: one path a shade, equal neighbours of a row joined.

>>> raster([[0.0, 0.0, 1.0]], (0.0, 1.0, 2.0, 3.0), (0.0, 5.0)).count("<path")
2
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby, pairwise

from justfit.report._axes import Box
from justfit.report._cividis import cividis, hex_of
from justfit.report._svg import Scale, label, tag

NUM_SHADES = 32  # neighbouring ones differ by less than an eye tells apart from memory
# What a cell is, if it is no share.
NOT_MEASURED, NOTHING, NOT_FINITE = -1.0, -2.0, -3.0
_CLASSES = {NOTHING: "nothing-cell", NOT_FINITE: "broken-cell"}


def raster(rows: Sequence[Sequence[float]], xs: Sequence[float], ys: Sequence[float]) -> str:
    """Draw rows of shades.

    Args:
        rows: Each cell a share in [0, 1], 0 dark; or one of `NOT_MEASURED` (left out), `NOTHING`, `NOT_FINITE`.
        xs: Edges of the columns, one more than there are columns.
        ys: Edges of the rows, one more than there are rows.
    """
    pieces: dict[float, list[str]] = {}
    for row, (top, bottom) in zip(rows, pairwise(ys), strict=True):
        column = 0
        for shade, run in groupby(map(_shade, row)):
            left = column
            column += len(list(run))
            if shade != NOT_MEASURED:
                # Absolute, so that rounding leaves no gap to the neighbour.
                pieces.setdefault(shade, []).append(
                    f"M{xs[left]:.1f} {top:.1f}H{xs[column]:.1f}V{bottom:.1f}H{xs[left]:.1f}z"
                )
    # Crisp edges: without them the paper shines through between cells.
    return "".join(
        tag("path", d="".join(found), shape_rendering="crispEdges", **_paint(shade))
        for shade, found in sorted(pieces.items())
    )


def shade_key(box: Box, scale: Scale, ticks: Sequence[tuple[float, str]]) -> str:
    """Draw the key to the colours: a strip with labels below it.

    Args:
        box: Of the strip.
        scale: From values to x; its ends are the darkest and the brightest.
        ticks: Values and their labels.
    """
    width = box.width / NUM_SHADES
    xs = [box.left + k * width for k in range(NUM_SHADES + 1)]
    strip = raster([[k / (NUM_SHADES - 1) for k in range(NUM_SHADES)]], xs, (box.top, box.bottom))
    words = "".join(
        tag("path", d=f"M{scale(value):.1f} {box.bottom:.1f}v4", class_="axis")
        + label(text, scale(value), box.bottom + 16.0, class_="tick", text_anchor="middle")
        for value, text in ticks
    )
    return strip + words


def _shade(value: float) -> float:
    if math.isnan(value):
        return NOT_MEASURED
    return value if value < 0 else min(round(value * (NUM_SHADES - 1)), NUM_SHADES - 1) / (NUM_SHADES - 1)


def _paint(shade: float) -> dict[str, str]:
    return {"class_": _CLASSES[shade]} if shade < 0 else {"fill": hex_of(cividis(shade))}
