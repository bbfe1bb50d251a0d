"""JF413."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, WatchEvidence
from justfit.rules._loss_curve import LossCurve, loss_curve
from justfit.rules._loss_progress import progress, swings, uneven
from justfit.rules._motion import LEAST_SAMPLES, motions
from justfit.rules._rule import NotApplicable
from justfit.rules._watch_rule import WatchOutcome, WatchRule


@dataclass(frozen=True, slots=True)
class LearningRateTooHigh(WatchRule):
    r"""The updates throw the loss above where it began, and little is learned afterwards.

    How it is detected:
        .. math:: \max_{t > 1} L_t > L_{start} + \max(\text{jump}\cdot|L_{start}|, \text{errors}\cdot\sigma), \quad
                  \max_l \sum_t \frac{\lVert\Delta w_{l,t}\rVert}{\lVert (w, \Delta w)_{l,t}\rVert} > \text{moved}

        in more than one step, with jump = `jump`, errors = `errors`, σ the swing of one step over the first tenth or
        what it is over the later half (brought to the size of the first losses), whichever is smaller; for a level that
        stays up, the standard error of the first losses. And moved = `moved`, and an outcome that shows the harm: the
        loss has fallen by less than `threshold` of its size, or has lost that share of what it had gained; or it was
        thrown up by more than `large` of its first size in the first third of the run and has not fallen by
        `recovered`. Another jump from which the run recovers (a catapult) is information, and so is one in a run whose
        batches differ by more than `informed` of their level to the end: losses near zero have long tails.
    Why it matters:
        The steps leave the region where the gradient holds; units die or saturate, and stay so.
    When it is wrong:
        A batch of wrong data throws the loss up as well; then the flight recorder names the batch.
    What helps:
        A third of the learning rate, a warm-up, gradient clipping.

    References:
        Lewkowycz et al. 2020, "The large learning rate phase of deep learning: the catapult mechanism". Lecture C8.
    """

    code: ClassVar[str] = "JF413"
    name: ClassVar[str] = "learning rate too high"
    severity: ClassVar[Severity] = "warning"
    things: ClassVar[str] = "optimizers"
    why: ClassVar[str] = "The steps leave the region where the gradient holds; units die or saturate, and stay so."
    when_wrong: ClassVar[str] = "A batch of wrong data throws the loss up as well."
    cure: ClassVar[str] = "Try a third of the learning rate, warm it up, or clip the gradient."
    threshold: float = 0.5
    jump: float = 0.3
    errors: float = 5.0
    moved: float = 0.5
    large: float = 1.0
    recovered: float = 0.9
    informed: float = 0.6

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Look for a loss that was thrown up, and for what became of it."""
        curve = loss_curve(evidence)
        if isinstance(curve, str):
            return NotApplicable(curve)
        layers = [one for one in motions(evidence) if one.layer.has_units and len(one.steps) >= LEAST_SAMPLES]
        if not layers:
            return NotApplicable("no layer with units that is trained was sampled twice")
        noise = min(swings(curve, 0.0, 0.1), curve.start_noise)
        bar = curve.start + max(self.jump * abs(curve.start), self.errors * noise)
        # a level that stays up needs less height than a single loss, but the first losses may lie low by chance
        lasting = curve.start + max(self.jump * abs(curve.start), self.errors * curve.start_error)
        bar = min(bar, lasting) if max(level for _, level in curve.smoothed()) > lasting else bar
        above = [(step, top) for step, top in zip(curve.steps[1:], curve.maxima[1:], strict=True) if top > bar]
        most = max(layers, key=lambda one: one.total)
        if len(above) < 1 + (curve.sizes[0] == 1) or most.total <= self.moved:
            return ()
        size = abs(curve.start) or 1.0
        highest = max(top for _, top in above)
        harmed = self._harmed(curve, (highest - curve.start) / size, above[0][0])
        return (
            self.finding(
                "network",
                (highest - curve.start) / size,
                (bar - curve.start) / size,
                unit="of the first loss",
                evidence=f"the loss began at {curve.start:.4g}, was thrown up to {highest:.4g} and is {curve.end:.4g} "
                f"at the end; `{most.layer.name}` moved by {most.total:.2g} of its norm in all",
                since=above[0][0],
                severity="warning" if harmed and uneven(curve) <= self.informed else "info",
            ),
        )

    def _harmed(self, curve: LossCurve, thrown: float, since: int) -> bool:
        seen = progress(curve)
        early = since <= curve.steps[0] + (curve.last_step - curve.steps[0]) / 3
        badly = early and thrown > self.large and seen.fall < self.recovered
        return badly or seen.fall < self.threshold or seen.lost > self.threshold
