"""JF204."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, SignalEvidence
from justfit.rules._growth import signal_growth
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule


@dataclass(frozen=True, slots=True)
class ExplodingSignal(SignalRule):
    r"""The activations grow from layer to layer until outputs and loss are huge.

    How it is detected:
        .. math:: \ln\frac{\mathrm{rms}(a_{last})}{\mathrm{rms}(a_{first})} > \text{threshold}

        with threshold = `threshold` e-foldings, along those trunk points whose scale matters (no normalisation reads
        them; the network's input has a rule of its own); an error from `severe` on. A sum of R residual branches grows
        like the root of R and stays clear.
    Why it matters:
        The first losses and steps are huge; training diverges or spends its time undoing them (C12, C15).
    When it is wrong:
        A layer that multiplies on purpose, such as a learned output scale inside the network.
    What helps:
        `justfit.initialize_(module, *inputs, scheme='auto')`, smaller weights, residual branches scaled by one
        over the root of their number.

    References:
        He et al. 2015, "Delving deep into rectifiers", eq. 10. Lecture C12, C13, C15.
    """

    code: ClassVar[str] = "JF204"
    name: ClassVar[str] = "exploding signal"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "The first outputs, losses and steps are huge, so training diverges or is slow."
    when_wrong: ClassVar[str] = "A layer may multiply on purpose."
    cure: ClassVar[str] = "Run justfit.initialize_(module, *inputs, scheme='auto'), or use smaller weights."
    threshold: float = 6.0
    severe: float = 9.0

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Follow the activations' size along the trunk."""
        growth = signal_growth(evidence, lambda point: point.rms)
        if growth is None:
            return NotApplicable("fewer than three points of the trunk keep their scale: the rest is normalised")
        if growth.log_ratio <= self.threshold:
            return ()
        words = (
            f"the activations grow by e^{growth.log_ratio:.1f} up to `{growth.last}`, e-fold every "
            f"{growth.depth_scale:.2g} of {growth.num_steps} steps; the largest single step, {growth.step:.2g}x, "
            f"is at `{growth.steepest}`"
        )
        severity: Severity = "error" if growth.log_ratio > self.severe else "warning"
        return (
            self.finding(
                growth.steepest,
                growth.log_ratio,
                self.threshold,
                unit="e-foldings",
                evidence=words,
                source=growth.source,
                severity=severity,
            ),
        )
