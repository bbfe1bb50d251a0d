"""How far a run has come, by its loss: what was gained, how it swings, whether it stands still."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from justfit.records import WatchEvidence
from justfit.rules._loss_curve import LossCurve, loss_curve, noise_of
from justfit.rules._once import once
from justfit.rules._rule import NotApplicable

# Losses from which on a loss that stands still is told from one that has not begun to fall, and how still it stands.
ENOUGH = 100
STILL = 0.1
# Standard errors of the first losses that a fall may be off.
LENIENCE = 2.0
# Growth of the learning rate between the last two samples from which on it is still warming up.
WARMING = 1.01
# Share of its earlier slope that is left of a rising learning rate's slope once the warm-up is over.
SLOWED = 0.8
# Growth of the learning rate since the last sample from which on that sample does not tell how large the updates are.
OUTGROWN = 2.0


def warming_up(evidence: WatchEvidence) -> bool:
    """The learning rate still rises towards a peak not seen before, as steeply as it did before."""
    if not evidence.optimizers:
        return False
    first = evidence.optimizers[0]
    points = list(zip(first.steps, first.learning_rate, strict=False))
    if not math.isnan(first.last_learning_rate) and points and first.num_steps > points[-1][0]:
        points.append((first.num_steps, first.last_learning_rate))
    if len(points) < 2 or points[-1][1] <= WARMING * points[-2][1] or points[-1][1] < max(rate for _, rate in points):
        return False
    slopes = [(rate - before) / (step - since) for (since, before), (step, rate) in pairwise(points[-3:])]
    return len(slopes) < 2 or slopes[1] >= SLOWED * slopes[0]


def settled_curve(evidence: WatchEvidence, least_losses: float) -> LossCurve | NotApplicable:
    """The curve of a run's losses, where there are enough of them and the learning rate no longer warms up."""
    curve = loss_curve(evidence)
    if isinstance(curve, str):
        return NotApplicable(curve)
    if curve.num_losses < least_losses:
        return NotApplicable(f"only {curve.num_losses} losses were seen, {least_losses:g} are needed")
    return NotApplicable("the learning rate still warms up") if warming_up(evidence) else curve


def outgrown(evidence: WatchEvidence) -> bool:
    """The learning rate has grown so much since the last sample that the updates are no longer known."""
    return any(
        one.last_learning_rate > OUTGROWN * one.learning_rate[-1] for one in evidence.optimizers if one.learning_rate
    )


@dataclass(frozen=True, slots=True)
class Progress:
    r"""What the loss achieved, as shares of its size: (start − end) / max(|start|, |end|).

    Attributes:
        curve: The losses.
        fall: From the first losses to the last fifth.
        fall_error: One standard error of it that comes from the first losses, few as they are.
        late_fall: From the level over the second tenth to the last fifth.
        late_errors: That fall in standard errors of the two levels.
        lost: What was lost again of the largest fall: (end − best) / (start − best), at least 0.
        best_step: Where the best level lay.
    """

    curve: LossCurve
    fall: float
    fall_error: float
    late_fall: float
    late_errors: float
    lost: float
    best_step: int


@once
def progress(curve: LossCurve) -> Progress:
    """Summarise a curve."""
    scale = curve.scale or 1.0
    early = curve.level(0.1, 0.2)
    errors = math.hypot(curve.error(0.1, 0.2), curve.error(0.8, 1.0))
    best_step, best = min(curve.smoothed(), key=lambda part: part[1])
    gained = curve.start - best
    return Progress(
        curve=curve,
        fall=(curve.start - curve.end) / scale,
        fall_error=curve.start_error / scale,
        late_fall=(early - curve.end) / scale,
        late_errors=(early - curve.end) / errors if errors else math.inf * (early - curve.end or 0.0),
        lost=max((curve.end - best) / gained, 0.0) if gained > 0 else math.inf,
        best_step=best_step,
    )


def swings(curve: LossCurve, start: float, stop: float) -> float:
    """Standard deviation of one step's loss around the curve within a share of the steps."""
    inside = curve.within(start, stop)
    within = [curve.stds[i] for i in inside if curve.sizes[i] > 2 and not math.isnan(curve.stds[i])]
    if within:
        return median(within)
    return noise_of([curve.means[i] for i in inside], [curve.sizes[i] for i in inside])


def uneven(curve: LossCurve) -> float:
    """How much one batch's loss differs from the next, as a share of the level, over the later half.

    It is large where some examples are done far better than others, which takes a network that has learned something.
    """
    return curve.jump(0.5, 1.0) / (abs(curve.level(0.5, 1.0)) or 1.0)


def stands_still(evidence: WatchEvidence) -> bool:
    """Enough losses were seen to tell that they have not fallen by a tenth; false where it cannot be told."""
    curve = loss_curve(evidence)
    return not isinstance(curve, str) and curve.num_losses >= ENOUGH and _is_still(progress(curve))


def _is_still(seen: Progress) -> bool:
    return abs(seen.fall) < STILL + LENIENCE * seen.fall_error


def learned(evidence: WatchEvidence, share: float) -> bool:
    """The loss has fallen by a share of its size, and kept most of it; false where it cannot be told."""
    curve = loss_curve(evidence)
    if isinstance(curve, str):
        return False
    seen = progress(curve)
    return seen.fall >= share and seen.lost < share and curve.end >= 0
