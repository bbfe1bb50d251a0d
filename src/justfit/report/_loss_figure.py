"""Figure: the loss of every step of a watched run, in bins: mean, spread, extremes, and where something began."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise, takewhile
from statistics import fmean, median

from justfit.records import LossBins, WatchRecord
from justfit.report._axes import Box, axes, loss_scale, power_of_ten, value_ticks
from justfit.report._numbers import number, setting
from justfit.report._step_axis import WIDTH, draw_marks, marks_of, num_steps, shown_steps, step_scale, step_ticks
from justfit.report._svg import band, clipped, drawing, polyline, readable

_HEIGHT = 306.0
_BOX = Box(left=52.0, top=48.0, right=450.0, bottom=258.0)
_WINDOW = 0.05  # share of the bins that first, lowest and last loss are means of
_MEDIAN_TO_STD = 1.4826  # of a normal distribution, from the median of absolute values
_THROWN = 10.0  # so many times above where it was, a loss is thrown up rather than rising
_CLEAR = 2.0  # standard errors by which two windows must differ to be told apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How the loss moved: means of a window at the start, at the lowest place, at the end; and its largest bin.

    Attributes:
        start, lowest, end: In the unit of the loss. The start ends where the loss is thrown up.
        lowest_step: Where the lowest window begins.
        peak, peak_step: Mean of the bin that has the largest, and where it begins.
        se: One standard error of the difference of two windows.
    """

    start: float
    lowest: float
    end: float
    lowest_step: int
    peak: float
    peak_step: int
    se: float


def draw_loss(record: WatchRecord, title: str) -> tuple[str, ...]:
    """Draw the loss against the step; nothing if none was seen."""
    bins = record.evidence.losses
    known = [k for k, value in enumerate(bins.mean) if math.isfinite(value)]
    if not known:
        return ()
    values = [value for k in known for value in (bins.minimum[k], bins.maximum[k]) if math.isfinite(value)]
    up = loss_scale(values, [bins.mean[k] for k in known], start=_BOX.bottom, end=_BOX.top)
    across = step_scale(shown_steps(record), _BOX)
    xs = [across(middle) for middle in _middles(bins)]
    lower = [up(mean - std) for mean, std in zip(bins.mean, bins.std, strict=True)]
    upper = [up(mean + std) for mean, std in zip(bins.mean, bins.std, strict=True)]
    drawn = (
        band(xs, [up(value) for value in bins.minimum], [up(value) for value in bins.maximum], "extremes")
        + band(xs, lower, upper, "step")
        + polyline(zip(xs, map(up, bins.mean), strict=True), "step")
    )
    power = power_of_ten(up)
    scaled = f" ({setting(float(f'1e{power}'))})" if power else ""
    content = (
        axes(_BOX, step_ticks(across), value_ticks(up), ("step", f"loss of a step{scaled}"), title_gap=30.0)
        + clipped(readable(drawn, across, up, "step"), _BOX.left - 4, _BOX.top - 4, _BOX.width + 8, _BOX.height + 8)
        + draw_marks(marks_of(record), across, _BOX)
    )
    marks = "; ".join(mark.words for mark in marks_of(record)[:12])
    described = f"From {number(bins.mean[known[0]])} to {number(bins.mean[known[-1]])}. {marks}"
    return (drawing(WIDTH, _HEIGHT, content, title=title, description=described),)


def loss_title(record: WatchRecord) -> str:
    """Say how the loss moved; one sentence without its full stop."""
    moved, failure = course(record.evidence.losses), record.evidence.first_failure
    is_lost = failure is not None and failure.cause != "divergence"
    steps = failure.step if failure is not None and is_lost else num_steps(record)
    if moved is None:
        return "No loss of a step was seen"
    start, lowest, end = (number(value) for value in (moved.start, moved.lowest, moved.end))
    clear = _CLEAR * moved.se
    if sum(map(math.isfinite, record.evidence.losses.mean)) == 1 and is_lost:
        words = f"The loss was {start} before it was lost"
    elif moved.start > 0 and moved.peak > _THROWN * max(moved.start, moved.end):
        words = (
            f"The loss is thrown up from {start} to {number(moved.peak)} by step {moved.peak_step:,} and ends at {end}"
        )
    elif moved.end - moved.lowest > max(clear, 0.25 * abs(moved.start - moved.lowest)):
        if moved.start - moved.lowest <= clear:
            words = f"The loss rises from {start} to {end} over {steps:,} steps"
        else:
            words = f"The loss falls from {start} to {lowest} by step {moved.lowest_step:,} and rises to {end}"
    elif moved.start - moved.end > clear:
        words = f"The loss falls from {start} to {end} over {steps:,} steps"
    else:
        words = f"The loss does not move: {start} at the start, {end} at the end of {steps:,} steps"
    if failure is not None and is_lost:
        words += f"; first {'NaN' if failure.cause == 'nan' else 'infinity'} at step {failure.step:,}"
    return words


def course(bins: LossBins) -> Course | None:
    """Summarize the finite losses by three windows; None without any."""
    known = [k for k, value in enumerate(bins.mean) if math.isfinite(value)]
    if not known:
        return None
    width = max(1, round(_WINDOW * len(known)))
    means = [fmean([bins.mean[k] for k in known[at : at + width]]) for at in range(len(known) - width + 1)]
    best = min(range(len(means)), key=lambda at: means[at])
    peak = max(known, key=lambda k: bins.mean[k])
    return Course(
        start=_start([bins.mean[k] for k in known[:width]]),
        lowest=means[best],
        end=means[-1],
        lowest_step=bins.first_step[known[best]],
        peak=bins.mean[peak],
        peak_step=bins.first_step[peak],
        se=_window_se([bins.mean[k] for k in known], width),
    )


def _start(means: list[float]) -> float:
    """Mean of the first bins, up to one that lies far above the first."""
    calm = takewhile(lambda mean: not means[0] > 0 or mean <= _THROWN * means[0], means)
    return fmean(calm)


def _window_se(means: list[float], width: int) -> float:
    """Standard error of the difference of two windows, from how far neighbouring bins lie apart.

    The median of those distances does not mind that the loss runs away in the end, or where it falls.
    """
    steps = [abs(later - earlier) for earlier, later in pairwise(means)]
    noise = _MEDIAN_TO_STD * median(steps) / math.sqrt(2) if steps else 0.0
    return noise * math.sqrt(2 / width)


def _middles(bins: LossBins) -> list[float]:
    ends = [*bins.first_step[1:], bins.first_step[-1] + max(bins.num_steps[-1], 1)]
    return [(first + end - 1) / 2 for first, end in zip(bins.first_step, ends, strict=True)]
