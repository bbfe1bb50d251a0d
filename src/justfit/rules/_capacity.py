"""JF103."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Finding, Severity
from justfit.rules._evidence import FitEvidence
from justfit.rules._rule import Clear, Outcome, Rule


@dataclass(frozen=True, slots=True)
class Capacity(Rule):
    """The network has more parameters than training examples.

    How it is detected:
        parameters / training examples > `threshold`.
    Why it matters:
        Such a network can memorise its training rows, so only data, noise and regularization decide (lecture C3).
    When it is wrong:
        Often: large networks generalize well when regularized or when the data are clean. It is information, never a
        verdict.
    What helps:
        Nothing needs to, unless the network overfits.

    References:
        Lecture C3; Zhang et al. 2017, "Understanding deep learning requires rethinking generalization".
    """

    code: ClassVar[str] = "JF103"
    name: ClassVar[str] = "more parameters than examples"
    severity: ClassVar[Severity] = "info"
    threshold: float = 1.0

    def check(self, evidence: FitEvidence) -> Outcome:
        """Compare parameters with examples."""
        ratio = evidence.num_parameters / evidence.num_examples
        if ratio <= self.threshold:
            return Clear()
        return Finding(
            code=self.code,
            name=self.name,
            severity=self.severity,
            where="network",
            value=ratio,
            threshold=self.threshold,
            unit="parameters per example",
            why="It could memorise its training rows; whether it does is decided by the losses, not by this number.",
            when_wrong="Large networks often generalize well; this is information, not a verdict.",
            cure="None is needed unless the network overfits.",
        )
