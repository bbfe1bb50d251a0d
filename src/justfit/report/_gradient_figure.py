"""Figure: the gradient norm of every layer over the sampled steps, as a grid of shades on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

from justfit.records import LayerTrace, WatchEvidence, WatchRecord
from justfit.report._axes import Box
from justfit.report._layer_rows import LEFT, draw_rows, layer_rows
from justfit.report._names import quoted
from justfit.report._numbers import count, number, setting
from justfit.report._raster import NOT_FINITE, NOT_MEASURED, NOTHING, shade_key
from justfit.report._sampled_steps import when_last_sampled
from justfit.report._signal_figure import common_range
from justfit.report._step_axis import trained_layers
from justfit.report._svg import Scale, label

_DECADES = 12.0  # from the middle to an end of the colours
_FAR = 1e3  # between the largest and the smallest gradient of the layers


def draw_gradients(record: WatchRecord, title: str) -> tuple[str, ...]:
    """Draw the grid; nothing if no gradient was sampled."""
    rows = layer_rows(record, lambda layer: layer.gradient_norm)
    ends = common_range([[v for v in row.values if v > 0] for row in rows], _DECADES)
    if not rows or ends is None:
        return ()
    described = f"{len(rows)} rows, in order of execution from the top. Colours from {number(ends[0], 2)} to "
    described += f"{number(ends[1], 2)}."
    return (draw_rows(record, rows, lambda value: _shade(value, *ends), _key(ends), said=(title, described)),)


def gradients_title(record: WatchRecord) -> str:
    """Say how the gradients of the layers compare where they were last measured; one sentence without its full stop."""
    evidence = record.evidence
    last = [
        (layer, value) for layer in trained_layers(evidence) if (value := last_finite(layer.gradient_norm)) is not None
    ]
    broken = _broken_title(evidence)
    if broken:
        return broken
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
    return f"{far}{'T' if not far else 't'}hat of {quoted(_name(largest[0]))} is {when_last_sampled(record)} {words}"


def last_finite(series: Sequence[float]) -> float | None:
    """The last finite number of a series; None without one."""
    return next((value for value in reversed(series) if math.isfinite(value)), None)


def _name(layer: LayerTrace) -> str:
    return layer.name or layer.kind


def _broken_title(evidence: WatchEvidence) -> str:
    """Say since when or at which samples gradients are infinite; empty where none is."""
    broken, finite = set[int](), set[int]()
    for layer in trained_layers(evidence):
        for step, value in zip(evidence.optimizers[layer.optimizer].steps, layer.gradient_norm, strict=False):
            if math.isinf(value):
                broken.add(step)
            elif math.isfinite(value):
                finite.add(step)
    if not broken:
        return ""
    whole = finite - broken  # a step at which only some layers broke is a broken step
    if max(whole, default=0) < min(broken):
        return f"Gradients are not finite from step {min(broken):,} on"
    return f"Gradients are infinite in {count(len(broken), 'sampled step')}, first in step {min(broken):,}"


def _shade(value: float, low: float, high: float) -> float:
    if math.isnan(value):
        return NOT_MEASURED
    if math.isinf(value):
        return NOT_FINITE
    if value <= 0:
        return NOTHING
    return min(max(math.log(value / low) / math.log(high / low), 0.0), 1.0)


def _key(ends: tuple[float, float]) -> str:
    strip = Box(left=LEFT, top=20.0, right=LEFT + 200.0, bottom=30.0)
    scale = Scale(low=ends[0], high=ends[1], start=strip.left, end=strip.right, log=True)
    ticks = [(value, setting(value)) for value in scale.ticks(4)]
    return label("gradient norm before clipping (loss per unit of weight)", 0.0, 12.0, class_="axis-title") + shade_key(
        strip, scale, ticks
    )
