"""JF202."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, SignalEvidence
from justfit.rules._growth import gradient_growth, signal_growth
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule


@dataclass(frozen=True, slots=True)
class ExplodingGradient(SignalRule):
    r"""The gradient grows so much on its way back that no learning rate suits all layers.

    How it is detected:
        .. math:: \ln\frac{\lVert\partial L/\partial a_{first}\rVert}{\lVert\partial L/\partial a_{last}\rVert}
                  = \frac{\text{depth}}{\xi} > \text{threshold}

        along the trunk (outside residual branches), with threshold = `threshold` e-foldings; an error from `severe` on.
        Where the signal itself does not grow by more than `steady` and nothing normalises it, the gradient grows alone,
        which over at least `steps` steps is chaos, and the threshold is `chaos`. Fewer than `least` steps are not
        judged.
        With six points or more a median of two or three points stands for each end. Where a normalisation reads the
        activations, their size times the gradient is compared.
    Why it matters:
        The step that suits the last layers throws the first ones out; small changes of the input change the output
        chaotically, which clipping the gradient does not repair (C12, C13).
    When it is wrong:
        Adam and gradient clipping keep such a network from diverging; it may then learn, but rarely well.
    What helps:
        `justfit.initialize_(module, *inputs, scheme='auto')`, smaller weights, residual branches that are scaled down.

    References:
        Schoenholz et al. 2017, "Deep information propagation", sections 4 and 5 (chaotic phase). Lecture C12, C13.
    """

    code: ClassVar[str] = "JF202"
    name: ClassVar[str] = "exploding gradient"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = (
        "No learning rate suits all layers, and small changes of the input change the output at random."
    )
    when_wrong: ClassVar[str] = "With Adam and clipping such a network does not diverge, and it may learn."
    cure: ClassVar[str] = "Run justfit.initialize_(module, *inputs, scheme='auto'), or use smaller weights."
    threshold: float = 6.0
    severe: float = 9.0
    chaos: float = 4.6
    steady: float = 1.0
    steps: int = 20
    least: int = 3

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Follow ∂L/∂activation from the last trunk point to the first."""
        growth = gradient_growth(evidence)
        if growth is None:
            return NotApplicable("fewer than two points of the trunk have a gradient that is not zero")
        if growth.num_steps < self.least:
            return NotApplicable(f"the trunk has fewer than {self.least} steps, so nothing compounds")
        grown = -growth.log_ratio
        threshold = self._threshold(evidence, growth.num_steps)
        if grown <= threshold:
            return ()
        words = (
            f"∂L/∂activation grows by e^{grown:.1f} from `{growth.last}` back to `{growth.first}`, e-fold every "
            f"{growth.depth_scale:.2g} of {growth.num_steps} steps; the largest single step, {1 / growth.step:.2g}x, "
            f"is at `{growth.steepest}`"
        )
        severity: Severity = "error" if grown > self.severe else "warning"
        return (
            self.finding(
                growth.steepest,
                grown,
                threshold,
                unit="e-foldings",
                evidence=words,
                source=growth.source,
                severity=severity,
            ),
        )

    def _threshold(self, evidence: SignalEvidence, num_steps: int) -> float:
        signal = signal_growth(evidence, lambda point: point.rms)
        is_plain = not any(point.normalised for point in evidence.trunk)
        is_chaos = is_plain and num_steps >= self.steps and signal is not None and signal.log_ratio < self.steady
        return self.chaos if is_chaos else self.threshold
