"""JF409."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, WatchEvidence
from justfit.rules._loss_progress import ENOUGH, LENIENCE, STILL, outgrown, progress, settled_curve, uneven
from justfit.rules._motion import LEAST_SAMPLES, motions, shrinking
from justfit.rules._rule import NotApplicable
from justfit.rules._watch_rule import WatchOutcome, WatchRule

_SHRUNK = "The weights shrink to nothing: lower the weight decay."


@dataclass(frozen=True, slots=True)
class LossNotDecreasing(WatchRule):
    r"""The loss stays where it was before the first update.

    How it is detected:
        .. math:: \frac{L_{start} - L_{end}}{\max(|L_{start}|, |L_{end}|)} < \text{threshold}, \quad
                  \frac{L_{10-20\%} - L_{end}}{\max(|L_{start}|, |L_{end}|)} < \text{still}

        with the last fifth of at least `least_losses` losses as the end, threshold = `threshold` plus `errors` standard
        errors of the first losses, at most `clear`, and still = `still`: a small fall that is over early. A loss that
        ends above its start by more than those errors diverges (JF412).
        A learning rate that still warms up, several optimizers and a loss that moves around zero are not judged.
        Where one batch's loss varies by more than `informed` of its level, the network already does some examples far
        better than others; and where no layer can have moved by more than `moved` of its norm, the network is what it
        was, well trained or not, and JF407 and JF414 judge the updates. Both are information only.
    Why it matters:
        Nothing is learned: the labels do not go with the inputs, or no gradient reaches the weights.
    When it is wrong:
        A run that goes on from converged weights; tasks whose best prediction is hardly better than a constant.
    What helps:
        Look at a few inputs with their labels; train on one batch alone, which must reach a loss near zero; then the
        learning rate, and `justfit check`.

    References:
        Karpathy 2019, "A recipe for training neural networks". Zhang et al. 2017, "Understanding deep learning requires
        rethinking generalization", section 2.1 (shuffled labels fall late).
    """

    code: ClassVar[str] = "JF409"
    name: ClassVar[str] = "loss not decreasing"
    severity: ClassVar[Severity] = "warning"
    things: ClassVar[str] = "losses"
    why: ClassVar[str] = "Nothing is learned: labels do not go with inputs, or no gradient reaches the weights."
    when_wrong: ClassVar[str] = "A run that goes on from converged weights does not fall either."
    cure: ClassVar[str] = "Look at inputs with their labels, overfit a single batch, run justfit.check on the network."
    threshold: float = STILL
    still: float = 0.04
    errors: float = LENIENCE
    clear: float = 0.9
    informed: float = 0.5
    moved: float = 0.3
    least_losses: float = ENOUGH

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Compare the last fifth of the losses with the first ones."""
        curve = settled_curve(evidence, self.least_losses)
        if isinstance(curve, NotApplicable):
            return curve
        seen = progress(curve)
        noise = self.threshold + self.errors * seen.fall_error
        bar = min(noise, self.clear)  # a loss that has lost nearly all of its start has fallen, however noisy that was
        if not -noise < seen.fall < bar or seen.late_fall > self.still or self.threshold <= 0:
            return ()
        cure = _SHRUNK if shrinking(evidence) else ""
        return (
            self.finding(
                "network",
                seen.fall,
                bar,
                unit="of the loss",
                evidence=f"the loss went from {curve.start:.4g} to {curve.end:.4g} in {curve.num_losses} steps",
                since=1,
                severity="info" if uneven(curve) > self.informed or self._is_as_it_was(evidence) else "warning",
                cure=cure,
            ),
        )

    def _is_as_it_was(self, evidence: WatchEvidence) -> bool:
        totals = [one.total for one in motions(evidence) if len(one.steps) >= LEAST_SAMPLES]
        return bool(totals) and max(totals) < self.moved and not outgrown(evidence)
