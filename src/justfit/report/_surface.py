"""Picture: what a network of two inputs answers over their plane, where its border runs, and the examples.

Two classes are two colours that grow stronger with the probability, several are told apart by colour, sign and border,
and a number is a ramp from dark to bright.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from justfit.report._axes import Box, axes
from justfit.report._cividis import cividis, hex_of
from justfit.report._numbers import setting
from justfit.report._svg import Scale, clipped, drawing, label, tag, thinned

_WIDTH, _HEIGHT = 330.0, 372.0
_BOX = Box(left=46.0, top=86.0, right=322.0, bottom=326.0)
_LEVELS = 6  # of colour on either side of one half
_NUMBER_LEVELS = 16
_MOST_EXAMPLES = 400
_MOST_NAMED = 6  # classes in the key
_LETTER = 6.8
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


def draw_scene(scene: Scene) -> str:
    """Draw shades, the border, the examples and the key to them."""
    across = Scale(low=scene.x_low, high=scene.x_high, start=_BOX.left, end=_BOX.right)
    up = Scale(low=scene.y_low, high=scene.y_high, start=_BOX.bottom, end=_BOX.top)
    x_ticks = [(across(value), setting(value)) for value in across.ticks(5)]
    y_ticks = [(up(value), setting(value)) for value in up.ticks(5)]
    kept = thinned(len(scene.x), _MOST_EXAMPLES)
    examples = "".join(_example(across(scene.x[k]), up(scene.y[k]), scene.target[k], scene) for k in kept)
    ground = tag("rect", x=_BOX.left, y=_BOX.top, width=_BOX.width, height=_BOX.height, class_="ground")
    content = (
        label(scene.title, 0.0, 14.0, class_="panel")
        + (label(scene.note, 0.0, 31.0, class_="tick") if scene.note else "")
        + _key(scene)
        + axes(_BOX, x_ticks, y_ticks, (scene.x_name, scene.y_name))
        + clipped(ground + _shades(scene) + _border(scene) + examples, _BOX.left, _BOX.top, _BOX.width, _BOX.height)
    )
    where = f"{scene.title}, {scene.note}" if scene.note else scene.title
    return drawing(
        _WIDTH,
        _HEIGHT,
        content,
        title=f"Decision surface, {where}",
        description=f"{_said(scene)} {len(kept)} examples.",
    )


def _said(scene: Scene) -> str:
    places = max(sum(map(len, scene.rows)), 1)
    if scene.kind == "two":
        share = sum(value > 0.5 for row in scene.rows for value in row) / places
        name = scene.classes[1] if len(scene.classes) > 1 else "class 1"
        return f"The network says {name} on {share:.0%} of the plane shown."
    if scene.kind == "many":
        said = len({code for row in scene.likeliest for code in row})
        return f"{said} of {len(scene.classes)} classes are the likeliest somewhere on the plane shown."
    values = [value for row in scene.rows for value in row if math.isfinite(value)] or [math.nan]
    return f"The prediction goes from {setting(min(values))} to {setting(max(values))} on the plane shown."


def _shades(scene: Scene) -> str:
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
                x, y = _BOX.left + start * width, _BOX.bottom - i * height
                # Absolute, so that rounding leaves no gap to the neighbour.
                paths.setdefault(shades[start], []).append(
                    f"M{x:.1f} {y:.1f}H{_BOX.left + j * width:.1f}V{y - height:.1f}H{x:.1f}z"
                )
                start = j
    return "".join(_painted(shade, "".join(pieces), scene) for shade, pieces in sorted(paths.items()))


def _painted(shade: tuple[int, int], path: str, scene: Scene) -> str:
    side, level = shade
    if scene.kind == "number":
        return tag("path", d=path, fill=_ramp_colour(level / (_NUMBER_LEVELS - 1)), class_="shade")
    opacity = f"{0.1 + 0.55 * level / (_LEVELS - 1):.2f}"
    return tag("path", d=path, class_=f"shade side-{side}", fill_opacity=opacity)


def _shade(value: float, code: int | None, scene: Scene) -> tuple[int, int]:
    if not math.isfinite(value):
        return 0, 0
    if scene.kind == "number":
        return 0, _level(_share(value, scene), _NUMBER_LEVELS)
    if code is not None:
        least = 1.0 / max(len(scene.classes), 2)
        return code % NUM_SIDES, _level((value - least) / (1.0 - least), _LEVELS)
    return int(value > 0.5), _level(abs(value - 0.5) * 2, _LEVELS)


def _level(share: float, levels: int) -> int:
    return min(max(int(share * levels), 0), levels - 1)


def _share(value: float, scene: Scene) -> float:
    return (value - scene.low) / ((scene.high - scene.low) or 1.0)


def _ramp_colour(share: float) -> str:
    return hex_of(cividis(share))


def _cell(rows: Rows) -> tuple[float, float]:
    return _BOX.width / max(len(rows[0]) if rows else 1, 1), _BOX.height / max(len(rows), 1)


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


def _border(scene: Scene) -> str:
    if scene.kind == "number" or not scene.rows:
        return ""
    path = "".join(_steps(scene.likeliest) if scene.kind == "many" else _crossings(scene.rows))
    return tag("path", d=path, class_="border") if path else ""


def _steps(codes: Sequence[Sequence[int]]) -> Iterator[str]:
    """The edges between cells of different classes."""
    width, height = _cell(codes)
    for i, row in enumerate(codes):
        y = _BOX.bottom - (i + 1) * height
        for j, code in enumerate(row):
            x = _BOX.left + j * width
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
                    x = _BOX.left + (b + share * (d - b) + 0.5) * width
                    y = _BOX.bottom - (a + share * (c - a) + 0.5) * height
                    places.append(f"{x:.1f} {y:.1f}")
            for k in range(0, len(places) - 1, 2):
                yield f"M{places[k]}L{places[k + 1]}"


def _example(x: float, y: float, target: float, scene: Scene) -> str:
    if not all(map(math.isfinite, (x, y, target))):
        return ""
    if scene.kind == "number":
        fill = _ramp_colour(min(max(_share(target, scene), 0.0), 1.0))
        return tag("circle", cx=x, cy=y, r=3, class_="example", fill=fill)
    return sign(x, y, int(target))


def sign(x: float, y: float, code: int) -> str:
    """Draw the sign of a class at a point: circle, triangle, square, diamond, and so on."""
    side = code % NUM_SIDES
    class_ = f"example side-{side}"
    if side == 0:
        return tag("circle", cx=x, cy=y, r=3, class_=class_)
    shapes = ("l3.6 6.4h-7.2z", "m-3 1h6v6h-6z", "m0 -.6l4.2 4.6l-4.2 4.6l-4.2 -4.6z", "m-3.6 .8h7.2l-3.6 6.4z")
    return tag("path", d=f"M{x:.1f} {y - 4:.1f}{shapes[(side - 1) % len(shapes)]}", class_=class_)


def _key(scene: Scene) -> str:
    if scene.kind == "number":
        return _ramp(scene)
    parts, x = [], _BOX.left
    for code, name in enumerate(scene.classes[:_MOST_NAMED]):
        room = _BOX.right - x - 14.0
        short = name if len(name) * _LETTER <= room else name[: max(int(room / _LETTER) - 1, 0)] + "…"
        if room < _LETTER or (short != name and len(short) < 3):
            break
        parts.append(sign(x + 4.0, 48.0, code) + label(short, x + 13.0, 52.0, class_="tick"))
        x += 27.0 + _LETTER * len(short)
    return "".join(parts)


def _ramp(scene: Scene) -> str:
    width = 110.0 / _NUMBER_LEVELS
    low, high = setting(scene.low), setting(scene.high)
    left = _BOX.left + _LETTER * len(low) + 6.0
    steps = "".join(
        tag(
            "rect",
            x=left + k * width,
            y=43.0,
            width=width + 0.4,
            height=10.0,
            fill=_ramp_colour(k / (_NUMBER_LEVELS - 1)),
        )
        for k in range(_NUMBER_LEVELS)
    )
    return label(low, _BOX.left, 52.0, class_="tick") + steps + label(high, left + 117.0, 52.0, class_="tick")
