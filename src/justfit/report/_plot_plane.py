"""Picture for papers: what networks of two features answer over their plane, under, right and over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from justfit.records import FitResult, NetworkView, Plane
from justfit.report._choice import cell_name
from justfit.report._network_words import telling_cells, view_of
from justfit.report._numbers import number
from justfit.report._plot import SERIES, key, name_axes, plain, say
from justfit.report._svg import thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Ends = tuple[float, float, float, float]
Rows = Sequence[Sequence[float]]

_SIDES = ("#7db8e0", "#ffffff", "#f0b060")  # of class 0, undecided, of class 1
_SIGNS = "os^Dv<>p"
_INK = "#1b1f24"
_MOST_EXAMPLES = 400


def opened_planes(result: FitResult) -> list[tuple[str, NetworkView]]:
    """Choose the networks to show, under, right and over, each with its name; none without two numeric features."""
    record = result.sweep
    if record.explored is None or record.explored.plane is None:
        return []
    named = [
        (f"{name}, {cell_name(record.l2[cell[0]], record.dropout[cell[1]])}", view_of(record, cell))
        for name, cell in telling_cells(record)
    ]
    return [(name, view) for name, view in named if view is not None and view.surface]


def plot_planes(result: FitResult, axes: list[Axes]) -> None:
    """Draw one panel a network, with the examples on it."""
    opened = opened_planes(result)
    plane = result.sweep.explored.plane if result.sweep.explored is not None else None
    if plane is None:
        return
    ends = _reach([view for _, view in opened], plane)
    for (name, view), one in zip(opened, axes, strict=True):
        say(one, f"{name}: linearity R² {number(view.linearity_r2, 2)}")
        _draw(plane, view, ends, one)
        name_axes(one, plain(plane.x_name, 30), plain(plane.y_name, 30))
    if plane.classes:
        key(axes[-1])


def draw_two_sides(axes: Axes, rows: Rows, extent: Ends) -> None:
    """Draw probabilities of the second of two classes: the surer, the stronger the colour."""
    from matplotlib.colors import LinearSegmentedColormap

    sides = LinearSegmentedColormap.from_list("sides", _SIDES)
    axes.imshow(rows, extent=extent, origin="lower", cmap=sides, vmin=0.0, vmax=1.0, aspect="auto")


def draw_examples(axes: Axes, x: Sequence[float], y: Sequence[float], code: int, name: str) -> None:
    """Draw the examples of one class with its sign."""
    sign, face = _SIGNS[code % len(_SIGNS)], _INK if code % 2 else "none"
    axes.plot(x, y, sign, markersize=4, markerfacecolor=face, color=_INK, label=name)


def _draw(plane: Plane, view: NetworkView, ends: tuple[float, float], axes: Axes) -> None:
    extent = (plane.x_low, plane.x_high, plane.y_low, plane.y_high)
    kept = thinned(len(plane.x), _MOST_EXAMPLES)
    if not plane.classes:
        _draw_numbers(plane, view, ends, axes)
        return
    if view.likeliest:
        axes.imshow(_tinted(view), extent=extent, origin="lower", aspect="auto")
    else:
        draw_two_sides(axes, view.surface, extent)
    for code, name in enumerate(plane.classes[: len(_SIGNS)]):
        places = [k for k in kept if plane.target[k] == code]
        draw_examples(axes, [plane.x[k] for k in places], [plane.y[k] for k in places], code, plain(name, 24))


def _draw_numbers(plane: Plane, view: NetworkView, ends: tuple[float, float], axes: Axes) -> None:
    extent = (plane.x_low, plane.x_high, plane.y_low, plane.y_high)
    kept = thinned(len(plane.x), _MOST_EXAMPLES)
    shades: dict[str, Any] = {"cmap": "cividis", "vmin": ends[0], "vmax": ends[1]}
    ground = axes.imshow(view.surface, extent=extent, origin="lower", aspect="auto", **shades)
    xs, ys, targets = ([series[k] for k in kept] for series in (plane.x, plane.y, plane.target))
    axes.scatter(xs, ys, c=targets, s=12, edgecolors="white", linewidths=0.5, **shades)
    axes.figure.colorbar(ground, ax=axes, pad=0.02).set_label("prediction; points: target (its own unit)")


def _reach(views: Sequence[NetworkView], plane: Plane) -> tuple[float, float]:
    every = [value for view in views for row in view.surface for value in row] + list(plane.target)
    finite = [value for value in every if math.isfinite(value)] or [0.0, 1.0]
    return min(finite), max(finite)


def _tinted(view: NetworkView) -> list[list[tuple[float, float, float]]]:
    """Colours of the likeliest class, paler where it is less sure."""
    from matplotlib.colors import to_rgb

    colours = [to_rgb(style["color"]) for style in SERIES]
    return [
        [_paler(colours[code % len(colours)], value) for code, value in zip(codes, row, strict=True)]
        for codes, row in zip(view.likeliest, view.surface, strict=True)
    ]


def _paler(colour: tuple[float, float, float], share: float) -> tuple[float, float, float]:
    # Even a sure class is a tint, so that its examples can be read on it.
    weight = 0.6 * min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
    red, green, blue = (1.0 - weight * (1.0 - part) for part in colour)
    return red, green, blue
