"""Figure: every change that a repair tried, its gain with its interval, one row each."""

from __future__ import annotations

import math
from collections.abc import Sequence

from justfit.records import CureRecord, TriedChange
from justfit.report._axes import Box, axes
from justfit.report._cure_words import points
from justfit.report._names import shown
from justfit.report._numbers import count, setting
from justfit.report._svg import Scale, drawing, label, nice_ticks, tag, tooltip

_ROW, _TOP, _LEFT, _RIGHT, _WIDTH = 40.0, 14.0, 12.0, 316.0, 460.0
_MOST_ROWS = 16
_LOWEST, _HIGHEST = -0.6, 1.1  # of the axis: what lies beyond is drawn at its end as an arrow
_LETTERS = 62


def draw_tried(record: CureRecord, title: str) -> tuple[str, ...]:
    """Draw the rows, in the order of trying; nothing where nothing was tried."""
    rows = [*record.tried[:_MOST_ROWS], *([record.repeated] if record.repeated is not None else [])]
    if not rows:
        return ()
    box = Box(left=_LEFT, top=_TOP, right=_RIGHT, bottom=_TOP + _ROW * len(rows))
    across = _scale(rows)
    ticks = [(across(value), f"{setting(value * 100)} %") for value in nice_ticks(across.low, across.high, 5)]
    grid = "".join(tag("path", d=f"M{x:.1f} {box.top:.1f}V{box.bottom:.1f}", class_="grid") for x, _ in ticks)
    zero = across(0.0)
    content = (
        grid
        + axes(box, ticks, (), ("gain at the same epoch (% of the learnable)", ""))
        + tag("path", d=f"M{zero:.1f} {box.top:.1f}V{box.bottom:.1f}", class_="choice-line")
        + "".join(_row(tried, k, across, again=k >= len(record.tried[:_MOST_ROWS])) for k, tried in enumerate(rows))
    )
    said = "; ".join(f"{shown(t.name, 80)}: {_numbers(t)}" for t in rows)
    return (drawing(_WIDTH, box.bottom + 46.0, content, title=title, description=f"{said}."),)


def tried_title(record: CureRecord) -> str:
    """Say which change is proven to help, or that none is; one sentence without its full stop."""
    chosen = record.gain
    others = len(record.tried) - 1
    if chosen is None:
        tried = f"No change of the {len(record.tried):,} that were tried" if others else "The one change that was tried"
        return f"{tried} is {'' if others else 'not '}proven to help"
    name = shown(chosen.name, 90)
    words = f"★ “{name}” gains {points(chosen.gain, 'over 100 %')} of the learnable"
    return f"{words}; {count(others, 'other change')} {'was' if others == 1 else 'were'} tried" if others else words


def _scale(rows: Sequence[TriedChange]) -> Scale:
    ends = [v for t in rows for v in (t.gain_lower, t.gain, t.gain_upper) if math.isfinite(v)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    low, high = max(low, _LOWEST), min(high, _HIGHEST)
    room = 0.06 * max(high - low, 0.02)
    return Scale(low=low - room, high=high + room, start=_LEFT, end=_RIGHT)


def _row(tried: TriedChange, k: int, across: Scale, *, again: bool) -> str:
    y = _TOP + k * _ROW
    star = "★ " if tried.chosen else ""
    name = f"{star}again, with two draws" if again else f"{star}{shown(tried.name, _LETTERS)}"
    class_ = "tick strong halo" if tried.chosen else "tick halo"
    parts = [tooltip(f"{name}: {_numbers(tried)}"), label(name, _LEFT, y + 12.0, class_=class_)]
    middle = y + 26.0
    parts.append(label(_short(tried), _RIGHT + 14.0, middle + 4.0, class_=class_))
    if math.isfinite(tried.gain):
        parts.append(_interval(tried, middle, across))
    return tag("g", "".join(parts))


def _interval(tried: TriedChange, y: float, across: Scale) -> str:
    proven = "effect" if tried.gain_lower > 0 else "unproven"
    low, high = (min(max(v, across.low), across.high) for v in (tried.gain_lower, tried.gain_upper))
    left, right = across(low), across(high)
    parts = [tag("path", d=f"M{left:.1f} {y:.1f}H{right:.1f}", class_=f"{proven} line")]
    for end, x, way in ((tried.gain_lower, left, -1), (tried.gain_upper, right, 1)):
        beyond = end < across.low if way < 0 else end > across.high
        shape = f"M{x - way * 6:.1f} {y - 5:.1f}l{way * 6} 5l{-way * 6} 5" if beyond else f"M{x:.1f} {y - 4:.1f}v8"
        parts.append(tag("path", d=shape, class_=f"{proven} line cap"))
    if across.low <= tried.gain <= across.high:
        x = across(tried.gain)
        if tried.chosen:
            parts.append(tag("path", d=f"M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z", class_="diamond"))
        else:
            parts.append(tag("circle", cx=x, cy=y, r=4.0, class_=f"{proven} dot"))
    return "".join(parts)


def _short(tried: TriedChange) -> str:
    if math.isnan(tried.gain):
        return "failed"
    return f"{_signed(tried.gain)}, epoch {setting(tried.epochs)}"


def _numbers(tried: TriedChange) -> str:
    if math.isnan(tried.gain):
        return f"failed: {shown(tried.trouble, 160)}" if tried.trouble else "failed"
    return f"{_signed(tried.gain)}, {points(tried.gain_lower)} to {points(tried.gain_upper)}"


def _signed(gain: float) -> str:
    written = points(gain)
    return f"+{written}" if gain > 0 and written[0].isdigit() and written != "0 %" else written
