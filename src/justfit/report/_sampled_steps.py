"""How far into a watched run what was sampled reaches: it speaks for no step after the last that was measured."""

from __future__ import annotations

import math
from itertools import pairwise

from justfit.records import WatchRecord
from justfit.report._axes import Box
from justfit.report._step_axis import shown_steps, step_scale, trained_layers
from justfit.report._svg import Scale

_NEAR_THE_END = 0.9  # share of the steps from which on a sample is one of the end


def last_sampled(record: WatchRecord) -> int:
    """The last step shown at which a sampled gradient is a number; 0 if none is."""
    return max(_sampled(record), default=0)


def sampled_steps(record: WatchRecord) -> int:
    """Steps that figures of sampled numbers show: a sample holds until the next, the last one as long as any before."""
    steps, shown_all = _sampled(record), shown_steps(record)
    if not steps:
        return shown_all
    return min(shown_all, steps[-1] + max((after - before for before, after in pairwise(steps)), default=1))


def sampled_scale(record: WatchRecord, box: Box) -> Scale:
    """Positions of steps of lines through samples: to the last of them where many steps follow it."""
    return step_scale(
        (last_sampled(record) or shown_steps(record)) if samples_end_early(record) else sampled_steps(record), box
    )


def samples_end_early(record: WatchRecord) -> bool:
    """Tell whether so much of the run came after the last sample that nothing sampled can speak for its end."""
    return last_sampled(record) < _NEAR_THE_END * shown_steps(record)


def when_last_sampled(record: WatchRecord) -> str:
    """Say when the last sample was taken: in the end only where that is so."""
    return f"at step {last_sampled(record):,}, the last measured," if samples_end_early(record) else "in the end"


def _sampled(record: WatchRecord) -> list[int]:
    last, steps = shown_steps(record), set[int]()
    for k, optimizer in enumerate(record.evidence.optimizers):
        norms = [layer.gradient_norm for layer in trained_layers(record.evidence) if layer.optimizer == k]
        end = next(
            (
                at + 1
                for at in reversed(range(len(optimizer.steps)))
                if any(math.isfinite(n[at]) for n in norms if at < len(n))
            ),
            0,
        )
        steps.update(step for step in optimizer.steps[:end] if step <= last)
    return sorted(steps)
