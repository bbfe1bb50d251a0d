"""Figure: the share of units that are dead or saturated, every layer over the sampled steps."""

from __future__ import annotations

import math

from justfit.records import LayerTrace, WatchRecord
from justfit.report._axes import Box
from justfit.report._gradient_figure import last_finite
from justfit.report._layer_rows import LEFT, draw_rows, layer_rows
from justfit.report._names import quoted
from justfit.report._numbers import percent
from justfit.report._raster import shade_key
from justfit.report._sampled_steps import when_last_sampled
from justfit.report._step_axis import trained_layers
from justfit.report._svg import Scale, label

_NOTICED = 0.05  # share of units off that is worth a figure


def draw_layers_off(record: WatchRecord, title: str) -> tuple[str, ...]:
    """Draw the grid; nothing where next to no unit was off."""
    worst = _worst(record)
    if worst is None or worst[1] < _NOTICED:
        return ()
    rows = layer_rows(record, _off)
    strip = Box(left=LEFT, top=20.0, right=LEFT + 200.0, bottom=30.0)
    scale = Scale(low=0.0, high=1.0, start=strip.left, end=strip.right)
    key = label("units dead or saturated (% of the layer)", 0.0, 12.0, class_="axis-title") + shade_key(
        strip, scale, [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")]
    )
    described = f"{len(rows)} rows, in order of execution from the top. Most in {worst[0]}: {percent(worst[1])}."
    return (draw_rows(record, rows, lambda value: value, key, said=(title, described)),)


def layers_off_title(record: WatchRecord) -> str:
    """Say where most units are off in the end; one sentence without its full stop."""
    worst = _worst(record)
    if worst is None:
        return "No unit was seen to be dead or saturated"
    when = when_last_sampled(record)
    words = f"{percent(worst[1])} of the units of {worst[0]} are dead or saturated, the most of all layers"
    return f"{when[0].upper()}{when[1:]} {words}"


def _off(layer: LayerTrace) -> tuple[float, ...]:
    dead, saturated = layer.dead_fraction, layer.saturated_fraction
    return dead if any(map(math.isfinite, dead)) else saturated


def _worst(record: WatchRecord) -> tuple[str, float] | None:
    known = [
        (quoted(layer.name or layer.kind, 40), value)
        for layer in trained_layers(record.evidence)
        if (value := last_finite(_off(layer))) is not None
    ]
    return max(known, key=lambda pair: pair[1], default=None)
