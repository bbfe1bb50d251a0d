"""The axis of steps that the figures of a watched run share, with marks where something began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from justfit.records import LayerTrace, WatchEvidence, WatchRecord
from justfit.report._axes import Box, Tick
from justfit.report._names import shown
from justfit.report._svg import Scale, label, nice_ticks, tag, thinned, tooltip

WIDTH = 460.0
_LETTER = 6.8  # mean width of a letter of a mark, view-box units at font size 12
_MOST_MARKS = 40
_MOST_LAYERS = 1000  # whose series are read: of more, evenly spaced ones
_BEYOND, _LEAST_BEYOND = 2.0, 10  # as far as figures reach beyond a failure: times its step, and steps
_FAILED = {"nan": "NaN", "inf": "infinity", "divergence": "diverges"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A step from which on something holds.

    Attributes:
        step: From 1.
        short: What stands at the mark, such as a code.
        words: What a pointer resting on it shows.
        fatal: NaN, infinity or divergence: drawn as a line through the plot.
    """

    step: int
    short: str
    words: str
    fatal: bool = False


def marks_of(record: WatchRecord) -> tuple[Mark, ...]:
    """Collect where the run broke and since which steps the findings hold, one mark a step."""
    failure = record.evidence.first_failure
    marks = []
    if failure is not None:
        cause = _FAILED[failure.cause]
        words = f"{cause} first at step {failure.step:,}"
        marks.append(Mark(step=failure.step, short=f"{cause}, step {failure.step:,}", words=words, fatal=True))
    began: dict[int, dict[str, str]] = {}
    for finding in record.findings:
        if finding.since is not None and finding.since_unit == "step":
            code = shown(finding.code, 12)
            words = f"{code} {shown(finding.name)} in {shown(finding.where)}"
            began.setdefault(finding.since, {}).setdefault(code, words)
    return (*marks, *(_mark(step, began[step]) for step in sorted(began)[:_MOST_MARKS]))


def _mark(step: int, words: dict[str, str]) -> Mark:
    more = f" +{len(words) - 1}" if len(words) > 1 else ""
    return Mark(
        step=step, short=f"{next(iter(words))}{more}", words=f"Since step {step:,}: {'; '.join(words.values())}"
    )


def num_steps(record: WatchRecord) -> int:
    """Steps of the run, as far as anything of it tells."""
    evidence = record.evidence
    bins = evidence.losses
    width = bins.first_step[-1] - bins.first_step[-2] if len(bins.first_step) > 1 else 1
    last_bin = bins.first_step[-1] + min(max(bins.num_steps[-1], 1), width) - 1 if bins.first_step else 0
    counted = [optimizer.num_steps for optimizer in evidence.optimizers]
    return max([1, last_bin, *counted, *(frame.step for frame in record.frames[-1:])])


def shown_steps(record: WatchRecord) -> int:
    """Steps that the figures show: all, or not far beyond the first NaN or infinity where most come after it."""
    failure, steps = record.evidence.first_failure, num_steps(record)
    if failure is None or failure.cause == "divergence":
        return steps
    return min(steps, max(round(_BEYOND * failure.step), failure.step + _LEAST_BEYOND))


def trained_layers(evidence: WatchEvidence) -> list[LayerTrace]:
    """Layers that an optimizer holds and that were sampled; of a very deep network evenly spaced ones."""
    layers = [layer for layer in evidence.layers if layer.optimizer >= 0 and layer.gradient_norm]
    return [layers[k] for k in thinned(len(layers), _MOST_LAYERS)] if layers else []


def step_scale(last: int, box: Box, first: int = 1) -> Scale:
    """Positions of steps, from the first to the last."""
    return Scale(low=float(first), high=float(max(last, first + 1)), start=box.left, end=box.right)


def step_ticks(across: Scale, most: int = 6) -> list[Tick]:
    """Round numbers of steps; the first step stands for 0."""
    places = [place for place in nice_ticks(across.low, across.high, most) if place == int(place)]
    return [(across(place), f"{place:,.0f}") for place in places]


def draw_marks(marks: Sequence[Mark], across: Scale, box: Box) -> str:
    """Draw the marks: a line through the plot where it broke, diamonds on the axis where a finding began."""
    parts, taken = [], list[tuple[float, float]]()
    for mark in marks:
        if not across.low <= mark.step <= across.high:
            continue
        x = across(float(mark.step))
        if mark.fatal:
            parts.append(tag("path", tooltip(mark.words), d=f"M{x:.1f} {box.top:.1f}V{box.bottom:.1f}", class_="fatal"))
        else:
            shape = f"M{x:.1f} {box.bottom - 5:.1f}l5 5l-5 5l-5 -5z"
            parts.append(tag("path", tooltip(mark.words), d=shape, class_="finding-mark"))
        half = _LETTER * len(mark.short) / 2
        middle = max(min(x, box.right - half), box.left + half)
        if all(middle + half < left or middle - half > right for left, right in taken):
            taken.append((middle - half, middle + half))
            parts.append(label(mark.short, middle, box.top - 8.0, class_="mark-label", text_anchor="middle"))
    return "".join(parts)
