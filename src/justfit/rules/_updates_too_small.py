"""JF407."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from justfit.records import Severity, WatchEvidence
from justfit.rules._loss_curve import curve_of
from justfit.rules._loss_progress import learned, outgrown, warming_up
from justfit.rules._motion import LEAST_SAMPLES, Motion, clipped_to, motions
from justfit.rules._rule import NotApplicable
from justfit.rules._watch_rule import WatchOutcome, WatchRule


@dataclass(frozen=True, slots=True)
class UpdatesTooSmall(WatchRule):
    r"""All updates together can hardly have moved the weights, or the loss.

    How it is detected:
        .. math:: \max_l \sum_t \frac{\lVert\Delta w_{l,t}\rVert}{\lVert (w, \Delta w)_{l,t}\rVert} < \text{threshold},
                  \quad \frac{\sum_t \sum_l \lVert g_{l,t}\rVert\,\lVert\Delta w_{l,t}\rVert}{|L|} < \text{reach}

        over all steps taken (at least `least_steps`), threshold = `threshold`, reach = `reach`: no layer can have moved
        further than that share of its norm, and to first order the loss not by more than that share of its size,
        whatever the direction. Without a loss, movement alone decides and it is information. Or the median update lies
        below the numbers' rounding, r < unit roundoff, which is information where the loss has fallen by `fall` of its
        size all the same.
    Why it matters:
        The network stays what it was before training.
    When it is wrong:
        The first steps of a warm-up that was not seen to rise; polishing of a trained network.
    What helps:
        A larger learning rate, a larger clipping norm, another number type; the finding says which number is small.

    References:
        Bottou et al. 2018, "Optimization methods for large-scale machine learning", eq. 4.3 (first-order bound).
    """

    code: ClassVar[str] = "JF407"
    name: ClassVar[str] = "updates too small"
    severity: ClassVar[Severity] = "warning"
    things: ClassVar[str] = "optimizers"
    why: ClassVar[str] = "The network stays what it was before training."
    when_wrong: ClassVar[str] = "A trained network that is only polished moves as little."
    cure: ClassVar[str] = "Raise the learning rate."
    threshold: float = 0.05
    reach: float = 0.1
    fall: float = 0.1
    least_steps: float = 100.0

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Add up all updates."""
        layers = [one for one in motions(evidence) if len(one.steps) >= LEAST_SAMPLES]
        if not layers:
            return NotApplicable("no layer that is trained was sampled twice")
        num_steps = max(one.num_steps for one in layers)
        if num_steps < self.least_steps:
            return NotApplicable(f"only {num_steps} steps were taken, {self.least_steps:g} are needed")
        if warming_up(evidence):
            return NotApplicable("the learning rate still warms up")
        if outgrown(evidence):
            return NotApplicable("no step was sampled since the learning rate rose")
        units = [one for one in layers if one.layer.has_units] or layers
        most = max(units, key=lambda one: one.total)
        curve = curve_of(evidence.losses)
        reach = sum(one.reach for one in layers) / curve.scale if curve is not None and curve.scale else None
        lost = 0 < median(one.late for one in units) < evidence.unit_roundoff and self.threshold > 0
        if not lost and (most.total >= self.threshold or (reach is not None and reach >= self.reach)):
            return ()
        words = f"in {num_steps} steps no layer can have moved by more than {most.total:.2g} of its norm"
        words += "" if reach is None else f", nor the loss by more than {reach:.2g} of its size"
        return (
            self.finding(
                "network",
                most.total,
                self.threshold,
                unit="of the weight's norm",
                evidence=words,
                since=most.steps[0],
                severity="info" if reach is None or (lost and learned(evidence, self.fall)) else "warning",
                cure=self._cure(layers),
            ),
        )

    def _cure(self, layers: list[Motion]) -> str:
        share = clipped_to(layers)
        if share < 0.1:
            return f"Raise the norm that gradients are clipped to: clipping leaves {share:.1g} of them."
        return ""
