"""JF414."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, WatchEvidence
from justfit.rules._loss_curve import loss_curve
from justfit.rules._loss_progress import outgrown, progress, warming_up
from justfit.rules._motion import LEAST_SAMPLES, clipped_to, motions
from justfit.rules._rule import NotApplicable
from justfit.rules._watch_rule import WatchOutcome, WatchRule


@dataclass(frozen=True, slots=True)
class LearningRateTooLow(WatchRule):
    r"""The loss has hardly fallen, because the steps were too short to lower it.

    How it is detected:
        .. math:: \frac{\sum_t \sum_l \lVert g_{l,t}\rVert\,\lVert\Delta w_{l,t}\rVert}{|L|} < \text{threshold}, \quad
                  \max_l \sum_t \frac{\lVert\Delta w_{l,t}\rVert}{\lVert (w, \Delta w)_{l,t}\rVert} < \text{moved}

        over all steps (at least `least_steps`), with threshold = `threshold` and moved = `moved`: to first order all
        updates together, even if they all had gone straight downhill, can lower the loss only by that share; while the
        loss has fallen by less than `fall` of its size, from the first losses or from the first tenth of them.
        Gradients that clipping cuts below `clipped` of themselves are not the learning rate's fault.
    Why it matters:
        The run would need many times its steps to get anywhere.
    When it is wrong:
        Polishing a trained network, whose loss has nowhere to fall.
    What helps:
        Ten times the learning rate; a range test.

    References:
        Bottou et al. 2018, "Optimization methods for large-scale machine learning", eq. 4.3. Lecture C8.
    """

    code: ClassVar[str] = "JF414"
    name: ClassVar[str] = "learning rate too low"
    severity: ClassVar[Severity] = "warning"
    things: ClassVar[str] = "optimizers"
    why: ClassVar[str] = "The run would need many times its steps to get anywhere."
    when_wrong: ClassVar[str] = "A trained network that is only polished has nowhere to fall."
    cure: ClassVar[str] = "Try ten times the learning rate."
    threshold: float = 0.5
    moved: float = 0.3
    fall: float = 0.25
    clipped: float = 0.1
    least_steps: float = 100.0

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Bound what the updates can have done."""
        curve = loss_curve(evidence)
        if isinstance(curve, str):
            return NotApplicable(curve)
        layers = [one for one in motions(evidence) if len(one.steps) >= LEAST_SAMPLES]
        units = [one for one in layers if one.layer.has_units]
        if not units:
            return NotApplicable("no layer with units that is trained was sampled twice")
        if units[0].num_steps < self.least_steps:
            return NotApplicable(f"only {units[0].num_steps} steps were taken, {self.least_steps:g} are needed")
        if warming_up(evidence):
            return NotApplicable("the learning rate still warms up")
        if outgrown(evidence):
            return NotApplicable("no step was sampled since the learning rate rose")
        reach = sum(one.reach for one in layers) / (curve.scale or 1.0)
        most = max(one.total for one in units)
        fall = min(progress(curve).fall, (curve.level(0.0, 0.1) - curve.end) / (curve.scale or 1.0))
        short = reach < self.threshold and most < self.moved and abs(fall) < self.fall
        if not short or clipped_to(layers) < self.clipped:
            return ()
        rate = evidence.optimizers[0].learning_rate[-1] if evidence.optimizers[0].learning_rate else float("nan")
        return (
            self.finding(
                "network",
                reach,
                self.threshold,
                unit="of the loss",
                evidence=f"at learning rate {rate:.2g} all {units[0].num_steps} steps can have lowered the loss by "
                f"{reach:.2g} of its size at most, and did by {fall:.2g}",
                since=units[0].steps[0],
            ),
        )
