"""Figure and table: the last steps of a watched run, as the flight recorder held them."""

from __future__ import annotations

import math

from justfit.records import FlightFrame, WatchRecord
from justfit.report._axes import Box, axes, loss_scale, power_of_ten, value_ticks
from justfit.report._document import Table
from justfit.report._numbers import count, setting
from justfit.report._step_axis import WIDTH, draw_marks, marks_of, step_scale, step_ticks
from justfit.report._svg import Scale, drawing, label, polyline, tag, tooltip
from justfit.report._trunk import tidy

_LOSS = Box(left=52.0, top=48.0, right=450.0, bottom=178.0)
_NORM = Box(left=52.0, top=232.0, right=450.0, bottom=322.0)
_FEW = 12  # rows of the short table
_MOST_ROWS = 256
_MOST_EXAMPLES = 5  # that are named of a batch


def draw_last_steps(record: WatchRecord, title: str) -> tuple[str, ...]:
    """Draw loss and gradient norm of the last steps; nothing of fewer than two with a loss."""
    frames = record.frames
    if sum(math.isfinite(frame.train_loss) for frame in frames) < 2:
        return ()
    losses = [frame.train_loss for frame in frames]
    across = step_scale(frames[-1].step, _LOSS, frames[0].step)
    up = loss_scale(losses, losses, start=_LOSS.bottom, end=_LOSS.top)
    power = power_of_ten(up)
    scaled = f" ({setting(float(f'1e{power}'))})" if power else ""
    points = [(across(float(frame.step)), up(frame.train_loss)) for frame in frames]
    lost = "".join(
        label("✕", x, _LOSS.bottom - 4.0, class_="fatal-label", text_anchor="middle")
        for x, y in points
        if not math.isfinite(y)
    )
    content = (
        axes(_LOSS, step_ticks(across, 5), value_ticks(up), ("", f"loss{scaled}"), title_gap=30.0)
        + polyline(points, "step")
        + lost
        + draw_marks(marks_of(record), across, _LOSS)
        + _norms(frames, across)
    )
    span = f"Steps {frames[0].step:,} to {frames[-1].step:,}."
    height = _NORM.bottom + 48.0 if _has_norms(frames) else _LOSS.bottom + 72.0
    return (drawing(WIDTH, height, content, title=title, description=span),)


def last_steps_title(record: WatchRecord) -> str:
    """Say what the last steps show; one sentence without its full stop."""
    frames = record.frames
    if not frames:
        return "No step was recorded"
    lost = [frame.step for frame in frames if not math.isfinite(frame.train_loss)]
    if lost:
        steps = f"{count(len(lost), 'step')} of the last {len(frames):,}"
        return f"The loss is no number in {steps}, first in step {lost[0]:,}"
    losses = [frame.train_loss for frame in frames]
    return f"The last {count(len(frames), 'step')}: the loss stays between {tidy(min(losses))} and {tidy(max(losses))}"


def last_steps_tables(record: WatchRecord) -> tuple[Table, ...]:
    """Write the last steps: the very last of them to see, all of them on demand."""
    frames = record.frames[-_MOST_ROWS:]
    if not frames:
        return ()
    if len(frames) <= _FEW:
        return (_table(frames, f"The last {count(len(frames), 'step')}.", folded=False),)
    return (
        _table(frames[-_FEW:], f"The last {_FEW} steps.", folded=False),
        _table(frames, f"The last {len(frames)} steps.", folded=True),
    )


def _table(frames: tuple[FlightFrame, ...], caption: str, *, folded: bool) -> Table:
    has_batches = any(frame.batch >= 0 for frame in frames)
    has_examples = any(frame.examples for frame in frames)
    heads = ["Step", "Loss", "Gradient norm", *["Batch"] * has_batches, *["Examples"] * has_examples]
    rows = []
    for frame in frames:
        row = [f"{frame.step:,}", _loss(frame.train_loss), tidy(frame.gradient_norm)]
        row += [f"{frame.batch:,}" if frame.batch >= 0 else "—"] * has_batches
        row += [_examples(frame.examples)] * has_examples
        rows.append(tuple(row))
    every = all(math.isfinite(frame.gradient_norm) for frame in frames)
    sampled = "" if every else " The gradient norm is that of sampled steps."
    return Table(caption=f"{caption}{sampled}", columns=tuple(heads), rows=tuple(rows), folded=folded)


def _loss(value: float) -> str:
    return "no number" if math.isnan(value) else tidy(value)


def _examples(examples: tuple[int, ...]) -> str:
    some = ", ".join(map(str, examples[:_MOST_EXAMPLES]))
    return some + (f", … ({len(examples):,})" if len(examples) > _MOST_EXAMPLES else "") if examples else "—"


def last_steps_caption(record: WatchRecord) -> str:
    """Say how to read the figure."""
    losses = "the loss of each of the last steps (✕: no number)"
    if _has_norms(record.frames):
        return f"Above {losses}, below the gradient norm of those sampled."
    return f"{losses[0].upper()}{losses[1:]}. No gradient of these steps was sampled."


def _has_norms(frames: tuple[FlightFrame, ...]) -> bool:
    return any(math.isfinite(frame.gradient_norm) for frame in frames)


def _norms(frames: tuple[FlightFrame, ...], across: Scale) -> str:
    if not _has_norms(frames):
        return label(
            "step", (_LOSS.left + _LOSS.right) / 2, _LOSS.bottom + 38.0, class_="axis-title", text_anchor="middle"
        )
    known = [frame for frame in frames if math.isfinite(frame.gradient_norm)]
    norms = [frame.gradient_norm for frame in known]
    up = loss_scale(norms, norms, start=_NORM.bottom, end=_NORM.top)
    power = power_of_ten(up)
    scaled = f" ({setting(float(f'1e{power}'))})" if power else ""
    dots = "".join(
        tag(
            "circle",
            tooltip(f"step {frame.step:,}: {tidy(frame.gradient_norm)}"),
            cx=across(float(frame.step)),
            cy=up(frame.gradient_norm),
            r=3.0,
            class_="step dot",
        )
        for frame in known
    )
    titles = ("step", f"gradient norm of sampled steps{scaled}")
    return axes(_NORM, step_ticks(across, 5), value_ticks(up)[::2], titles) + dots
