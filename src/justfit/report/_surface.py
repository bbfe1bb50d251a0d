"""Picture: what a network of two inputs answers over their plane, where its border runs, and the examples.

Two classes are two colours that grow stronger with the probability, several are told apart by colour, sign and border,
and a number is a ramp from dark to bright.
"""

from __future__ import annotations

import math

from justfit.report._axes import axes
from justfit.report._numbers import setting
from justfit.report._scene import BOX, NUM_SIDES, Scene, ramp_colour
from justfit.report._surface_shades import NUM_LEVELS, draw_border, draw_shades
from justfit.report._svg import Scale, clipped, drawing, label, tag, thinned

_WIDTH, _HEIGHT = 330.0, 372.0
_MOST_EXAMPLES = 400
_MOST_NAMED = 6  # classes in the key
_LETTER = 6.8


def draw_scene(scene: Scene) -> str:
    """Draw shades, the border, the examples and the key to them."""
    across = Scale(low=scene.x_low, high=scene.x_high, start=BOX.left, end=BOX.right)
    up = Scale(low=scene.y_low, high=scene.y_high, start=BOX.bottom, end=BOX.top)
    x_ticks = [(across(value), setting(value)) for value in across.ticks(5)]
    y_ticks = [(up(value), setting(value)) for value in up.ticks(5)]
    kept = thinned(len(scene.x), _MOST_EXAMPLES)
    examples = "".join(_example(across(scene.x[k]), up(scene.y[k]), scene.target[k], scene) for k in kept)
    ground = tag("rect", x=BOX.left, y=BOX.top, width=BOX.width, height=BOX.height, class_="ground")
    content = (
        label(scene.title, 0.0, 14.0, class_="panel")
        + (label(scene.note, 0.0, 31.0, class_="tick") if scene.note else "")
        + _key(scene)
        + axes(BOX, x_ticks, y_ticks, (scene.x_name, scene.y_name))
        + clipped(ground + draw_shades(scene) + draw_border(scene) + examples, BOX.left, BOX.top, BOX.width, BOX.height)
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


def _example(x: float, y: float, target: float, scene: Scene) -> str:
    if not all(map(math.isfinite, (x, y, target))):
        return ""
    if scene.kind == "number":
        fill = ramp_colour(min(max(scene.share(target), 0.0), 1.0))
        return tag("circle", cx=x, cy=y, r=3, class_="example", fill=fill)
    return _sign(x, y, int(target))


def _sign(x: float, y: float, code: int) -> str:
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
    parts, x = [], BOX.left
    for code, name in enumerate(scene.classes[:_MOST_NAMED]):
        room = BOX.right - x - 14.0
        short = name if len(name) * _LETTER <= room else name[: max(int(room / _LETTER) - 1, 0)] + "…"
        if room < _LETTER or (short != name and len(short) < 3):
            break
        parts.append(_sign(x + 4.0, 48.0, code) + label(short, x + 13.0, 52.0, class_="tick"))
        x += 27.0 + _LETTER * len(short)
    return "".join(parts)


def _ramp(scene: Scene) -> str:
    width = 110.0 / NUM_LEVELS
    low, high = setting(scene.low), setting(scene.high)
    left = BOX.left + _LETTER * len(low) + 6.0
    steps = "".join(
        tag(
            "rect",
            x=left + k * width,
            y=43.0,
            width=width + 0.4,
            height=10.0,
            fill=ramp_colour(k / (NUM_LEVELS - 1)),
        )
        for k in range(NUM_LEVELS)
    )
    return label(low, BOX.left, 52.0, class_="tick") + steps + label(high, left + 117.0, 52.0, class_="tick")
