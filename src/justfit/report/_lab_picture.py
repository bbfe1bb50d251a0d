"""Picture of the lab: the output of a network over the plane."""

from __future__ import annotations

from justfit.records import LabSurface
from justfit.report._names import shown
from justfit.report._scene import Scene
from justfit.report._surface import draw_scene


def draw_surface(surface: LabSurface) -> str:
    """Draw probabilities as shades of two colours, the border between them, and the rows that were learned from."""
    return draw_scene(
        Scene(
            kind="two",
            title=shown(surface.title),
            x_name="first input",
            y_name="second input",
            x_low=surface.x_low,
            x_high=surface.x_high,
            y_low=surface.y_low,
            y_high=surface.y_high,
            rows=surface.rows,
            x=surface.x,
            y=surface.y,
            target=surface.label,
            classes=("class 0", "class 1"),
        )
    )
