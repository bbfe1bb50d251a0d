"""Figure: how far a step moves the weights of each layer, as a share of their norm; and the learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from justfit.records import WatchEvidence, WatchRecord
from justfit.report._axes import Box, axes
from justfit.report._end_labels import LABEL_ROOM, LineEnd, end_labels
from justfit.report._names import quoted, shown
from justfit.report._numbers import number, percent, setting
from justfit.report._sampled_steps import last_sampled, sampled_scale, samples_end_early
from justfit.report._signal_figure import common_range
from justfit.report._step_axis import WIDTH, draw_marks, marks_of, step_ticks, trained_layers
from justfit.report._svg import Scale, band, clipped, drawing, polyline, tag

_HEIGHT = 306.0
_BOX = Box(left=52.0, top=48.0, right=WIDTH - LABEL_ROOM, bottom=258.0)
_RATE = Box(left=52.0, top=30.0, right=450.0, bottom=190.0)
_MOST_LINES, _FEW_SAMPLES = 6, 40
_DECADES = 8.0
_MANY = 10.0  # from here on a ratio is told as so many times


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """How far steps moved one layer.

    Attributes:
        name: Of the layer.
        steps: Sampled steps.
        ratios: ‖Δw‖ / ‖w‖ of each; NaN where unknown.
        late: Median over the later half of those that are known; NaN where none is.
    """

    name: str
    steps: tuple[int, ...]
    ratios: tuple[float, ...]
    late: float


def moves_of(evidence: WatchEvidence) -> tuple[Moves, ...]:
    """Relative updates of the trained layers that have them."""
    found = []
    for layer in trained_layers(evidence):
        steps = evidence.optimizers[layer.optimizer].steps
        pairs = zip(layer.update_norm, layer.weight_norm, strict=False)
        ratios = tuple(update / weight if weight > 0 else math.nan for update, weight in pairs)
        known = [value for value in ratios if math.isfinite(value)]
        late = median(known[len(known) // 2 :]) if known else math.nan
        found.append(Moves(name=layer.name or layer.kind, steps=steps[: len(ratios)], ratios=ratios, late=late))
    return tuple(moves for moves in found if any(math.isfinite(value) for value in moves.ratios))


def draw_updates(record: WatchRecord, title: str) -> tuple[str, ...]:
    """Draw a line for each of a few layers over the range of all; nothing if no update was measured."""
    every = moves_of(record.evidence)
    ends = common_range([[v for v in moves.ratios if v > 0] for moves in every], _DECADES)
    if not every or ends is None:
        return ()
    up = Scale(low=ends[0] / 1.3, high=ends[1] * 1.3, start=_BOX.bottom, end=_BOX.top, log=True)
    across = sampled_scale(record, _BOX)
    chosen = _chosen(every)
    lines, labels = [_range(every, chosen, across, up)], []
    for style, moves in enumerate(chosen):
        points = [(across(float(step)), up(ratio)) for step, ratio in zip(moves.steps, moves.ratios, strict=True)]
        lines.append(polyline(points, f"series-{style}"))
        finite = [point for point in points if math.isfinite(point[1])]
        if len(finite) <= _FEW_SAMPLES:  # so few that the line alone would hide where they are
            lines += [tag("circle", cx=x, cy=y, r=2.6, class_=f"series-{style} dot") for x, y in finite]
        labels.append(LineEnd(name=moves.name, at=finite[-1], style=style))
    titles = ("step", "‖Δw‖ / ‖w‖ of one step (no unit)")
    content = (
        axes(_BOX, step_ticks(across, 5), [(up(v), setting(v)) for v in up.ticks()], titles, title_gap=30.0)
        + clipped("".join(lines), _BOX.left - 4, _BOX.top - 4, _BOX.width + 8, _BOX.height + 8)
        + end_labels(labels, _BOX, inside=True)
        + draw_marks(marks_of(record), across, _BOX)
    )
    described = (
        "Median of the later half: " + ", ".join(f"{shown(m.name, 40)} {number(m.late, 2)}" for m in chosen) + "."
    )
    return (drawing(WIDTH, _HEIGHT, content, title=title, description=described),)


def updates_title(record: WatchRecord) -> str:
    """Say how far steps move the weights; one sentence without its full stop."""
    known = [moves for moves in moves_of(record.evidence) if math.isfinite(moves.late)]
    if not known:
        return "No update was measured"
    middle = median(moves.late for moves in known)
    most = max(known, key=lambda moves: moves.late)
    start = f"Up to step {last_sampled(record):,}, the last measured, a" if samples_end_early(record) else "A"
    words = f"{start} step moves the weights by {_share(middle, 'of their norm', 'times their norm')}"
    if len(known) == 1:
        return words
    return f"{words} in the middle layer, and by {_share(most.late, '', 'times')} in {quoted(most.name, 40)}, the most"


def draw_learning_rate(record: WatchRecord, title: str) -> tuple[str, ...]:
    """Draw the learning rate of the first optimizer; nothing where it never changed."""
    optimizers = [o for o in record.evidence.optimizers if _changes(o.learning_rate)][:1]
    if not optimizers:
        return ()
    (optimizer,) = optimizers
    top = max(value for value in optimizer.learning_rate if math.isfinite(value))
    up = Scale(low=0.0, high=top * 1.08, start=_RATE.bottom, end=_RATE.top)
    across = sampled_scale(record, _RATE)
    points = [(across(float(s)), up(v)) for s, v in zip(optimizer.steps, optimizer.learning_rate, strict=True)]
    ticks = [(up(value), setting(value)) for value in up.ticks(5)]
    content = (
        axes(_RATE, step_ticks(across), ticks, ("step", "learning rate (first parameter group)"), title_gap=10.0)
    ) + clipped(polyline(points, "step"), _RATE.left, _RATE.top - 4, _RATE.width + 4, _RATE.height + 8)
    first, last = optimizer.learning_rate[0], optimizer.learning_rate[-1]
    described = f"From {setting(first)} at the first sampled step to {setting(last)} at the last."
    return (drawing(WIDTH, 236.0, content, title=title, description=described),)


def learning_rate_title(record: WatchRecord) -> str:
    """Say how the learning rate moved; one sentence without its full stop."""
    rates = next((o.learning_rate for o in record.evidence.optimizers if _changes(o.learning_rate)), ())
    known = [value for value in rates if math.isfinite(value)]
    if not known:
        return "The learning rate does not change"
    first, top, last = (setting(value) for value in (known[0], max(known), known[-1]))
    if max(known) > max(known[0], known[-1]):
        return f"The learning rate rises from {first} to {top}, and ends at {last}"
    return f"The learning rate goes from {first} to {last}"


def _changes(rates: Sequence[float]) -> bool:
    known = [value for value in rates if math.isfinite(value)]
    return bool(known) and max(known) > min(known)


def _share(ratio: float, of: str, times: str) -> str:
    written = percent(ratio) if 0.001 <= ratio <= _MANY else number(ratio, 2)
    return f"{written} {of if ratio <= _MANY else times}".rstrip()


def _chosen(every: Sequence[Moves]) -> list[Moves]:
    """At most six layers: the ends, those that move most and least, and others evenly spaced; in their order."""
    if len(every) <= _MOST_LINES:
        return list(every)
    known = [k for k, moves in enumerate(every) if math.isfinite(moves.late)] or [0]
    by_late = sorted(known, key=lambda k: every[k].late)
    wanted = [0, len(every) - 1, by_late[-1], by_late[0], by_late[len(by_late) // 2], len(every) // 2]
    return [every[k] for k in sorted(dict.fromkeys(wanted))]


def _range(every: Sequence[Moves], chosen: Sequence[Moves], across: Scale, up: Scale) -> str:
    """The span of all layers, where not every layer has a line."""
    if len(every) == len(chosen):
        return ""
    at: dict[int, list[float]] = {}
    for moves in every:
        for step, ratio in zip(moves.steps, moves.ratios, strict=True):
            if ratio > 0 and math.isfinite(ratio):
                at.setdefault(step, []).append(ratio)
    steps = sorted(at)
    lower, upper = [up(min(at[step])) for step in steps], [up(max(at[step])) for step in steps]
    return band([across(float(step)) for step in steps], lower, upper, "extremes")
