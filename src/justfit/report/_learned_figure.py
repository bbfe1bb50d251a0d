"""Figures of a cured training: its losses beside those of the user's, and what share of the learnable both learned."""

from __future__ import annotations

import math

from justfit.records import CureRecord, History, Learned
from justfit.report._axes import Box, axes
from justfit.report._cure_words import WORSE_THAN_CONSTANT, points
from justfit.report._curve_panel import draw_panel, shared_scale
from justfit.report._numbers import percent, setting
from justfit.report._svg import Scale, band, clipped, drawing, label, nice_ticks, polyline, tag

_BOX = Box(left=52.0, top=50.0, right=450.0, bottom=250.0)
_LOWEST = -0.5  # of the axis; what is far worse than a constant leaves the plot
_OWN_UNIT = "unit of its loss"


def draw_before_after(record: CureRecord, _title: str) -> tuple[str, ...]:
    """Draw the losses of both trainings, on one axis if they are of one loss."""
    sides = [
        ("Your training", "as you gave it", record.history_before),
        ("Cured training", record.gain.name if record.gain is not None else "", record.history_after),
    ]
    drawn = [(name, words, history) for name, words, history in sides if history is not None and history.epochs]
    together = shared_scale([history for _, _, history in drawn]) if drawn and not _other_loss(record) else None
    return tuple(
        draw_panel(name, words, history, together or shared_scale([history]), _OWN_UNIT)
        for name, words, history in drawn
    )


def before_after_title(record: CureRecord) -> str:
    """Say what became of the validation loss; one sentence without its full stop."""
    before, after = _last(record.history_before), _last(record.history_after)
    if record.history_after is None:
        return "Your training, epoch by epoch"
    if _other_loss(record):
        return "Your training and the cured one, each in the unit of its own loss"
    if before is None or after is None or _is_lost(record.history_before) or _is_lost(record.history_after):
        ends = [_end(history) for history in (record.history_after, record.history_before)]
        return f"The validation loss of the cured training {ends[0]}, that of yours {ends[1]}"
    return f"The validation loss ends at {setting(after)}, cured, and at {setting(before)} as it was"


def draw_learned(record: CureRecord, title: str) -> tuple[str, ...]:
    """Draw the share of the learnable of both trainings against the epoch; nothing where it was never looked at."""
    sides = [("train", record.learned_before), ("effect", record.learned_after)]
    drawn = [(class_, learned) for class_, learned in sides if learned is not None]
    if not drawn:
        return ()
    last = max(learned.epochs[-1] for _, learned in drawn)
    lowest = min((v for _, learned in drawn for v in learned.share if math.isfinite(v)), default=0.0)
    across = Scale(low=0.0, high=max(last, 1.0), start=_BOX.left, end=_BOX.right)
    up = Scale(low=max(min(lowest - 0.03, 0.0), _LOWEST), high=1.02, start=_BOX.bottom, end=_BOX.top)
    ticks = [(across(value), setting(value)) for value in nice_ticks(0.0, max(last, 1.0))]
    levels = [(up(value), f"{setting(value * 100)} %") for value in nice_ticks(up.low, up.high, 6)]
    content = (
        axes(_BOX, ticks, levels, ("epoch", "share of the learnable, on validation rows (%)"), title_gap=14.0)
        + _key(len(drawn) > 1)
        + clipped(
            "".join(_line(class_, learned, across, up) for class_, learned in drawn),
            _BOX.left,
            _BOX.top - 4,
            _BOX.width + 4,
            _BOX.height + 8,
        )
        + _reference(record, up)
    )
    said = f"Before {points(record.share_before)}, after {points(record.share_after)} at the end."
    return (drawing(460.0, 298.0, content, title=title, description=said),)


def learned_title(record: CureRecord) -> str:
    """Say what both trainings learned; one sentence without its full stop."""
    known = f"{points(max(record.share_before, 0.0))} of the learnable"
    before = "less than a constant" if record.share_before < WORSE_THAN_CONSTANT else known
    if math.isnan(record.share_before):
        before = "an unknown share"
    if record.learned_after is None:
        return f"Your training learns {before}"
    return f"Your training learns {before}, the cured one {points(max(record.share_after, 0.0))}"


def _other_loss(record: CureRecord) -> bool:
    return record.history_after is not None and bool(record.history_after.notes)


def _last(history: History | None) -> float | None:
    values = () if history is None else history.validation_loss
    return next((value for value in reversed(values) if math.isfinite(value)), None)


def _is_lost(history: History | None) -> bool:
    return history is not None and bool(history.epochs) and not math.isfinite(history.train_loss[-1])


def _end(history: History | None) -> str:
    last = _last(history)
    if last is None:
        return "was not measured"
    return f"is lost after {setting(last)}" if _is_lost(history) else f"ends at {setting(last)}"


def _line(class_: str, learned: Learned, across: Scale, up: Scale) -> str:
    xs = [across(epoch) for epoch in learned.epochs]
    pairs = list(zip(learned.share, learned.share_se, strict=True))
    spread = band(xs, [up(s - e) for s, e in pairs], [up(s + e) for s, e in pairs], class_)
    line = polyline(zip(xs, [up(s) for s in learned.share], strict=True), class_)
    # The epochs that were looked at are few: they are shown, so that nobody reads the line between them as measured.
    dots = "".join(
        tag("circle", cx=x, cy=up(share), r=2.6, class_=f"{class_} dot")
        for x, share in zip(xs, learned.share, strict=True)
        if share >= up.low
    )
    return spread + line + dots


def _key(both: bool) -> str:
    parts, x = [], _BOX.left
    for class_, text in (("train", "your training"), ("effect", "cured"))[: 2 if both else 1]:
        parts.append(tag("path", d=f"M{x:.1f} 12h24", class_=f"{class_} line"))
        parts.append(label(text, x + 30.0, 16.0, class_="tick"))
        x += 150.0
    return "".join(parts)


def _reference(record: CureRecord, up: Scale) -> str:
    if not math.isfinite(record.reference_share) or not up.low <= record.reference_share <= up.high:
        return ""
    y = up(record.reference_share)
    words = f"closed-form fit of the same rows: {percent(record.reference_share)}"
    return tag("path", d=f"M{_BOX.left:.1f} {y:.1f}H{_BOX.right:.1f}", class_="axis level") + label(
        words,
        # On the left: a training that learns comes from below, and is not there yet.
        _BOX.left + 4.0,
        y + (15.0 if record.reference_share > 0.5 else -6.0),
        class_="tick halo",
    )
