"""Figure: the learning curves of one run, with the best epoch and where overfitting began."""

from __future__ import annotations

import math

from justfit.records import History, Judgement
from justfit.report._axes import Box, axes, line_key, loss_scale, power_of_ten, value_ticks
from justfit.report._names import shown
from justfit.report._numbers import number, setting
from justfit.report._svg import Scale, band, clipped, drawing, label, nice_ticks, polyline, readable, tag, thinned

_WIDTH, _HEIGHT = 760.0, 380.0
# Above the plot, from the top: the key, the title of the value axis, since when it overfits, the best epoch.
_BOX = Box(left=58.0, top=90.0, right=748.0, bottom=328.0)
_BAND_POINTS = 250  # a band is broad and smooth; more points would only make the page heavy
_LARGEST = 1e300  # what is larger leaves the plot: an axis beyond it would end in infinity
_LETTER = 6.6  # mean width of a letter, view-box units at font size 12


def draw_history(judgement: Judgement, title: str) -> tuple[str, ...]:
    """Draw train and validation against the epoch; nothing if neither has a number."""
    history, verdict = judgement.history, judgement.verdict
    losses = (history.train_loss, history.validation_loss)
    lines = [value for value in (verdict.reference_loss, verdict.constant_loss) if math.isfinite(value)]
    every = [min(max(value, -_LARGEST), _LARGEST) for series in losses for value in series if math.isfinite(value)]
    if not every:
        return ()
    is_loss = history.direction == "minimize"
    up = loss_scale([*every, *lines], history.validation_loss if is_loss else (), start=_BOX.bottom, end=_BOX.top)
    first, last = history.epochs[0], history.epochs[-1]
    across = Scale(low=float(first), high=float(max(last, first + 1)), start=_BOX.left, end=_BOX.right)
    places = nice_ticks(float(first), float(max(last, first + 1)), 9)
    frame = axes(
        _BOX,
        [(across(place), f"{place:,.0f}") for place in places if place == int(place)],
        value_ticks(up),
        (shown(history.epoch_name, 40), value_title(judgement, power_of_ten(up))),
        title_gap=43.0,
    )
    curves = readable(_curves(judgement, across, up), across, up, shown(history.epoch_name, 40))
    content = (
        _shade(judgement, across)
        + frame
        + clipped(curves, _BOX.left, _BOX.top - 4, _BOX.width + 4, _BOX.height + 8)
        + _levels(judgement, up)
        + _marks(judgement, across, up)
        + line_key(_BOX.left, 16.0)
    )
    ends = ", ".join(
        f"{name} {number(_last(series))}" for name, series in zip(("training", "validation"), losses, strict=True)
    )
    described = f"At {history.epoch_name} {last}: {ends}."
    return (drawing(_WIDTH, _HEIGHT, content, title=title, description=described),)


def value_title(judgement: Judgement, power: int = 0) -> str:
    """Write the title of the value axis: what is measured, which way is better, and its unit."""
    history = judgement.history
    what = "loss" if history.direction == "minimize" else "score, higher is better"
    scaled = f"{setting(float(f'1e{power}'))} " if power else ""
    unit = shown(judgement.verdict.unit, 20) if judgement.verdict.unit else _own_unit(history)
    return f"{what} ({scaled}{unit})"


def _own_unit(history: History) -> str:
    return "unit of the log" if history.source else "its own unit"


def _curves(judgement: Judgement, across: Scale, up: Scale) -> str:
    history = judgement.history
    parts = []
    for class_, values, errors in (
        ("train", history.train_loss, history.train_loss_se),
        ("validation", history.validation_loss, history.validation_loss_se),
    ):
        # Only where there is a number, so that a validation every tenth epoch is a line and not dots.
        known = [k for k, value in enumerate(values) if math.isfinite(value)]
        coarse = [known[k] for k in thinned(len(known), _BAND_POINTS)] if known else []
        lower = [up(values[k] - errors[k]) for k in coarse]
        upper = [up(values[k] + errors[k]) for k in coarse]
        parts.append(band([across(float(history.epochs[k])) for k in coarse], lower, upper, class_))
        kept = [known[k] for k in thinned(len(known))] if known else []
        parts.append(polyline([(across(float(history.epochs[k])), up(values[k])) for k in kept], class_))
    return "".join(parts)


def _shade(judgement: Judgement, across: Scale) -> str:
    since = judgement.verdict.overfitting_since
    if since is None or not judgement.history.epochs[0] <= since <= judgement.history.epochs[-1]:
        return ""
    x = across(float(since))
    words = f"overfitting since {shown(judgement.history.epoch_name, 20)} {since:,}"
    named = _named(words, x, _BOX.top - 25.0, "tick strong")  # a row above the best epoch, which may be near
    return tag("rect", x=x, y=_BOX.top, width=max(_BOX.right - x, 1.0), height=_BOX.height, class_="ridge") + named


def _marks(judgement: Judgement, across: Scale, up: Scale) -> str:
    history, best = judgement.history, judgement.verdict.best_epoch
    if best is None or best not in history.epochs:
        return ""
    x = across(float(best))
    value = history.validation_loss[history.epochs.index(best)]
    line = tag("path", d=f"M{x:.1f} {_BOX.top:.1f}V{_BOX.bottom:.1f}", class_="choice-line")
    y = up(value)
    diamond = (
        tag("path", d=f"M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z", class_="diamond")
        if math.isfinite(y) and _BOX.top - 4 <= y <= _BOX.bottom + 4
        else ""
    )
    words = f"best {shown(history.epoch_name, 20)}: {best:,}"
    return line + diamond + _named(words, x, _BOX.top - 8.0, "tick strong", middle=True)


def _levels(judgement: Judgement, up: Scale) -> str:
    verdict = judgement.verdict
    parts = []
    for value, words in (
        (verdict.reference_loss, shown(verdict.reference_name or "reference", 30)),
        (verdict.constant_loss, "constant prediction"),
    ):
        y = up(value)
        if math.isfinite(y) and _BOX.top <= y <= _BOX.bottom:
            parts.append(tag("path", d=f"M{_BOX.left:.1f} {y:.1f}H{_BOX.right:.1f}", class_="axis level"))
            parts.append(label(words, _BOX.right - 4.0, y - 5.0, class_="tick", text_anchor="end"))
    return "".join(parts)


def _named(words: str, x: float, y: float, class_: str, *, middle: bool = False) -> str:
    """Write words at x, moved so that they stay inside the plot."""
    width = _LETTER * len(words)
    left = x - width / 2 if middle else x
    return label(words, max(min(left, _BOX.right - width), _BOX.left), y, class_=class_)


def _last(values: tuple[float, ...]) -> float:
    return next((value for value in reversed(values) if math.isfinite(value)), math.nan)
