"""The ground of a surface: shades in few elements, and the border between the classes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from justfit.report._scene import BOX, NUM_SIDES, Rows, Scene, ramp_colour
from justfit.report._svg import tag

_LEVELS = 6  # of colour on either side of one half
NUM_LEVELS = 16  # of the ramp of a number


def draw_shades(scene: Scene) -> str:
    """One path per shade; neighbours of one shade in a row make one rectangle."""
    many = scene.kind == "many"
    rows = scene.rows if many else _finer(_finer(scene.rows))
    codes = scene.likeliest if many else ()
    width, height = _cell(rows)
    paths: dict[tuple[int, int], list[str]] = {}
    for i, row in enumerate(rows):
        shades = [_shade(value, codes[i][j] if many else None, scene) for j, value in enumerate(row)]
        start = 0
        for j in range(1, len(shades) + 1):
            if j == len(shades) or shades[j] != shades[start]:
                x, y = BOX.left + start * width, BOX.bottom - i * height
                # Absolute, so that rounding leaves no gap to the neighbour.
                paths.setdefault(shades[start], []).append(
                    f"M{x:.1f} {y:.1f}H{BOX.left + j * width:.1f}V{y - height:.1f}H{x:.1f}z"
                )
                start = j
    return "".join(_painted(shade, "".join(pieces), scene) for shade, pieces in sorted(paths.items()))


def _painted(shade: tuple[int, int], path: str, scene: Scene) -> str:
    side, level = shade
    if scene.kind == "number":
        return tag("path", d=path, fill=ramp_colour(level / (NUM_LEVELS - 1)), class_="shade")
    opacity = f"{0.1 + 0.55 * level / (_LEVELS - 1):.2f}"
    return tag("path", d=path, class_=f"shade side-{side}", fill_opacity=opacity)


def _shade(value: float, code: int | None, scene: Scene) -> tuple[int, int]:
    if not math.isfinite(value):
        return 0, 0
    if scene.kind == "number":
        return 0, _level(scene.share(value), NUM_LEVELS)
    if code is not None:
        least = 1.0 / max(len(scene.classes), 2)
        return code % NUM_SIDES, _level((value - least) / (1.0 - least), _LEVELS)
    return int(value > 0.5), _level(abs(value - 0.5) * 2, _LEVELS)


def _level(share: float, levels: int) -> int:
    return min(max(int(share * levels), 0), levels - 1)


def _cell(rows: Rows) -> tuple[float, float]:
    return BOX.width / max(len(rows[0]) if rows else 1, 1), BOX.height / max(len(rows), 1)


def _finer(rows: Rows) -> Rows:
    """Halve the cells of a surface by linear interpolation, along rows and then across them."""
    if not rows or not rows[0]:
        return rows
    wide = [_halved(row) for row in rows]
    columns = [_halved(column) for column in zip(*wide, strict=True)]
    return list(zip(*columns, strict=True))


def _halved(values: Sequence[float]) -> list[float]:
    # Values stand in the middle of their cells, so a half cell lies a quarter towards its neighbour.
    last = len(values) - 1
    return [
        0.75 * value + 0.25 * values[min(max(k + step, 0), last)] for k, value in enumerate(values) for step in (-1, 1)
    ]


def draw_border(scene: Scene) -> str:
    """Draw where the likeliest class changes; nothing for a number."""
    if scene.kind == "number" or not scene.rows:
        return ""
    path = "".join(_steps(scene.likeliest) if scene.kind == "many" else _crossings(scene.rows))
    return tag("path", d=path, class_="border") if path else ""


def _steps(codes: Sequence[Sequence[int]]) -> Iterator[str]:
    """The edges between cells of different classes."""
    width, height = _cell(codes)
    for i, row in enumerate(codes):
        y = BOX.bottom - (i + 1) * height
        for j, code in enumerate(row):
            x = BOX.left + j * width
            if j + 1 < len(row) and code != row[j + 1]:
                yield f"M{x + width:.1f} {y:.1f}v{height:.1f}"
            if i + 1 < len(codes) and code != codes[i + 1][j]:
                yield f"M{x:.1f} {y:.1f}h{width:.1f}"


def _crossings(rows: Rows) -> Iterator[str]:
    """The line on which the probability is one half: through each square of four places, where its sides cross it."""
    width, height = _cell(rows)
    for i in range(len(rows) - 1):
        for j in range(len(rows[i]) - 1):
            corners = ((i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j))
            values = [rows[a][b] - 0.5 for a, b in corners]
            places = []
            for k in range(4):
                before, after = values[k], values[(k + 1) % 4]
                if (before > 0) != (after > 0):
                    share = before / (before - after)
                    (a, b), (c, d) = corners[k], corners[(k + 1) % 4]
                    x = BOX.left + (b + share * (d - b) + 0.5) * width
                    y = BOX.bottom - (a + share * (c - a) + 0.5) * height
                    places.append(f"{x:.1f} {y:.1f}")
            for k in range(0, len(places) - 1, 2):
                yield f"M{places[k]}L{places[k + 1]}"
