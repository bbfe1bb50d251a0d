"""JF412."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Finding, Severity, WatchEvidence
from justfit.rules._loss_curve import FIRST_BINS, THROWN, LossCurve, loss_curve
from justfit.rules._loss_progress import progress, swings
from justfit.rules._rule import NotApplicable
from justfit.rules._watch_rule import WatchOutcome, WatchRule


@dataclass(frozen=True, slots=True)
class DivergingLoss(WatchRule):
    r"""The loss rises and stays up, or runs away below zero.

    How it is detected:
        .. math:: \frac{L_{end} - L_{best}}{L_{start} - L_{best}} > \text{threshold}

        with the levels of the last fifth and of the best twentieth of the run: more than `threshold` of what had been
        gained is lost again, by more than `errors` standard errors and `least` of the loss's size, and the last two
        twentieths of the run both lie above. Above 1 the loss is worse than before the first update, an error. Or a
        loss that is negative from the first steps on grows beyond `runaway` times its first size and swings, and
        nothing holds it: it falls faster and faster at first (in the first tenth by less than `slow` of what it falls
        to the second), is only `middle` of the way in the middle of the run, and still falls by `unheld` of its size
        near the end.
    Why it matters:
        What was learned is being destroyed; further steps do not bring it back by themselves.
    When it is wrong:
        A task or a loss that changes on the way, such as a curriculum or a penalty that is faded in.
    What helps:
        Go back to the best checkpoint; lower the learning rate or momentum, clip the gradient, look at the batch where
        it began; for a loss that runs away below zero, its sign.

    References:
        Cohen et al. 2021, "Gradient descent on neural networks typically occurs at the edge of stability".
    """

    code: ClassVar[str] = "JF412"
    name: ClassVar[str] = "diverging loss"
    severity: ClassVar[Severity] = "warning"
    things: ClassVar[str] = "losses"
    why: ClassVar[str] = "What was learned is being destroyed."
    when_wrong: ClassVar[str] = "The task or the loss may change on the way, as in a curriculum."
    cure: ClassVar[str] = "Go back to the best checkpoint, lower the learning rate or momentum, clip the gradient."
    threshold: float = 0.2
    least: float = 0.1
    errors: float = 4.0
    runaway: float = 20.0
    slow: float = 0.35
    middle: float = 0.9
    unheld: float = 0.02

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Hold the end against the best and the start."""
        curve = loss_curve(evidence)
        if isinstance(curve, str):
            return NotApplicable(curve)
        below = self._below_zero(curve)
        if below is not None:
            return (below,)
        seen = progress(curve)
        best = min(level for _, level in curve.smoothed())
        rise, gained = curve.end - best, max(curve.start - best, 0.0)
        bar = best + self.threshold * gained
        share = (seen.best_step - curve.steps[0]) / (curve.last_step - curve.steps[0] + 1)
        error = self.errors * math.hypot(curve.error(share, share + 0.05), self._end_error(curve))
        lasting = min(level for _, level in curve.smoothed()[-2:])
        if lasting <= bar or rise <= max(self.threshold * gained, self.least * curve.scale, error):
            return ()
        height = best + max(self.threshold * gained, self.least * abs(curve.start), error)
        since = next(
            step for step, level in curve.smoothed() if step > seen.best_step and level >= min(height, lasting)
        )
        worse = curve.end > curve.start + self.least * abs(curve.start)
        return (
            self.finding(
                "network",
                rise / gained if gained > self.least * rise else rise / (abs(best) or 1.0),
                self.threshold,
                unit="of what was gained",
                evidence=f"the loss began at {curve.start:.4g}, was {best:.4g} around step {seen.best_step}, and is "
                f"{curve.end:.4g} at the end",
                since=since,
                severity="error" if worse else "warning",
            ),
        )

    def _below_zero(self, curve: LossCurve) -> Finding | None:
        size = max(abs(curve.start), THROWN * swings(curve, 0.0, 0.1))
        far = max(curve.means[:FIRST_BINS]) < 0 and curve.end < -self.runaway * size
        first, second = curve.level(0.0, 0.1), curve.level(0.1, 0.2)
        faster = curve.start - first < self.slow * (first - second)
        half_way = curve.level(0.45, 0.55) > self.middle * curve.end
        unheld = curve.level(0.6, 0.7) - curve.level(0.9, 1.0) > self.unheld * abs(curve.end)
        if not (far and faster and half_way and unheld):
            return None
        return self.finding(
            "network",
            curve.end / curve.start,
            self.runaway,
            unit="times the first loss",
            evidence=f"the loss ran from {curve.start:.4g} to {curve.end:.4g}, and nothing holds it",
            since=next(step for step, level in curve.smoothed() if level < 2 * curve.start),
            severity="error",
            cure="Look at the sign of the loss: it is pushed below zero without bound.",
        )

    def _end_error(self, curve: LossCurve) -> float:
        """Of the level at the end; a loss above where it began needs none, and may grow within it beyond all bounds."""
        return 0.0 if curve.end > curve.start + self.least * abs(curve.start) else curve.error(0.8, 1.0)
