"""JF411."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, WatchEvidence
from justfit.rules._loss_curve import loss_curve
from justfit.rules._loss_progress import progress, swings, uneven
from justfit.rules._rule import NotApplicable
from justfit.rules._watch_rule import WatchOutcome, WatchRule


@dataclass(frozen=True, slots=True)
class OscillatingLoss(WatchRule):
    r"""The loss swings by as much as it has fallen in all, step after step.

    How it is detected:
        .. math:: \sigma_{late} > \text{threshold} \cdot \max(L_{start} - L_{end}, 0), \quad
                  \sigma_{late} > \text{growth} \cdot \sigma_{early}

        with σ the standard deviation of one step's loss around the curve, robust against single spikes, over the later
        half and over the first tenth, threshold = `threshold` and growth = `growth`; and σ over the later half is more
        than `least` of the loss's size. Fewer than `least_bins` bins or `least_losses` losses are not judged. Batches
        differ from the first step on, so their noise cancels. Where they differ by more than `informed` of their level
        it is information: some examples are done far better than others.
    Why it matters:
        Each step throws the weights across the valley instead of down into it.
    When it is wrong:
        Adversarial and reinforcement learning, where the loss is no measure of progress.
    What helps:
        A smaller learning rate or momentum, a schedule that lowers it, larger batches.

    References:
        LeCun et al. 1998, "Efficient BackProp", section 5. Lecture C8.
    """

    code: ClassVar[str] = "JF411"
    name: ClassVar[str] = "oscillating loss"
    severity: ClassVar[Severity] = "warning"
    things: ClassVar[str] = "losses"
    why: ClassVar[str] = "Each step throws the weights across the valley instead of down into it."
    when_wrong: ClassVar[str] = "Adversarial and reinforcement learning have losses that swing by design."
    cure: ClassVar[str] = "Lower the learning rate or the momentum, or make the batches larger."
    threshold: float = 0.5
    growth: float = 3.0
    least: float = 0.05
    least_bins: float = 40.0
    least_losses: float = 100.0
    informed: float = 0.6

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Compare the swings of the later half with the fall and with the first swings."""
        curve = loss_curve(evidence)
        if isinstance(curve, str):
            return NotApplicable(curve)
        if len(curve.steps) < self.least_bins:
            return NotApplicable(f"the losses are known in {len(curve.steps)} bins, {self.least_bins:g} are needed")
        if curve.num_losses < self.least_losses:
            return NotApplicable(f"only {curve.num_losses} losses were seen, {self.least_losses:g} are needed")
        early, late = swings(curve, 0.0, 0.1), swings(curve, 0.5, 1.0)
        seen = progress(curve)
        fall = max(seen.fall, 0.0) * curve.scale
        if late <= max(self.threshold * fall, self.growth * early, self.least * curve.scale):
            return ()
        bar = max(self.growth * early, self.least * curve.scale)
        since = next(step for step, share in _tenths(curve.steps[0], curve.last_step) if swings(curve, *share) > bar)
        return (
            self.finding(
                "network",
                late / fall if fall > self.least * late else late / (early or late),
                self.threshold,
                unit="of the fall in all",
                evidence=f"the loss swings by ±{late:.2g} from step to step after ±{early:.2g} at first, while it fell "
                f"by {fall:.2g} in all",
                since=since,
                severity="info" if uneven(curve) > self.informed else "warning",
            ),
        )


def _tenths(first: int, last: int) -> list[tuple[int, tuple[float, float]]]:
    """First step and share of each tenth of the run, the last of them as a fallback."""
    span = last - first + 1
    return [(first + span * i // 10, (i / 10, (i + 1) / 10)) for i in range(10)] + [(first + span // 2, (0.5, 1.0))]
