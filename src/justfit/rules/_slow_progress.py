"""JF410."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, WatchEvidence
from justfit.rules._loss_progress import settled_curve
from justfit.rules._rule import NotApplicable
from justfit.rules._watch_rule import WatchOutcome, WatchRule


@dataclass(frozen=True, slots=True)
class SlowProgress(WatchRule):
    r"""The loss still falls as fast as it did at first, and has hardly fallen: the run is far from done.

    How it is detected:
        The loss has fallen by less than `threshold` of its size in at least `least_losses` losses; it falls over the
        later half by at least `errors` standard errors; and that fall is at least `steady` of the fall over the earlier
        half. A loss that levels off is none: it has come as far as it gets. A first loss beyond `blown` times what it
        soon comes down to says only that the weights began too large; the second tenth of the run stands for it.
    Why it matters:
        A loss that has not begun to bend would need many times the steps that were taken.
    When it is wrong:
        The first steps of a long run; tasks that begin with a plateau.
    What helps:
        A larger learning rate, momentum or Adam, normalisation, `justfit.initialize_`; else more steps.

    References:
        Goodfellow et al. 2016, "Deep learning", section 11.4. Lecture C8.
    """

    code: ClassVar[str] = "JF410"
    name: ClassVar[str] = "slow progress"
    severity: ClassVar[Severity] = "warning"
    things: ClassVar[str] = "losses"
    why: ClassVar[str] = "At this rate it would need many times the steps that were taken."
    when_wrong: ClassVar[str] = "The first steps of a long run, and plateaus at the start, look the same."
    cure: ClassVar[str] = "Raise the learning rate, use momentum or Adam, normalise, or train for more steps."
    threshold: float = 0.25
    steady: float = 0.6
    errors: float = 3.0
    blown: float = 3.0
    least_losses: float = 200.0

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Compare how far the loss fell in the two halves of the run."""
        curve = settled_curve(evidence, self.least_losses)
        if isinstance(curve, NotApplicable):
            return curve
        settled, middle, last = curve.level(0.1, 0.2), curve.level(0.4, 0.6), curve.level(0.8, 1.0)
        start = settled if curve.start > self.blown * abs(settled) else curve.start
        early, late = start - middle, middle - last
        fall = (start - last) / (max(abs(start), abs(last)) or 1.0)
        error = curve.error(0.4, 0.6) + curve.error(0.8, 1.0)
        if not 0 < fall < self.threshold or late < self.errors * error or late < self.steady * early:
            return ()
        return (
            self.finding(
                "network",
                fall,
                self.threshold,
                unit="of the loss",
                evidence=f"the loss fell from {start:.4g} to {last:.4g} in {curve.num_losses} steps, and in the later "
                f"half by {late:.2g} after {early:.2g} in the earlier",
                since=1,
            ),
        )
