"""JF401."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Finding, Severity
from justfit.rules._evidence import FitEvidence
from justfit.rules._rule import Clear, Outcome, Rule


@dataclass(frozen=True, slots=True)
class Divergence(Rule):
    """Some variants of the sweep ended in NaN or infinity.

    How it is detected:
        Share of variants with a non-finite validation loss > `threshold`.
    Why it matters:
        A cell that diverges in one fold cannot be judged, and its neighbours may be close to the edge.
    When it is wrong:
        Never about the numbers; the cause may be the data (huge values) rather than the learning rate.
    What helps:
        A smaller learning rate, scaled inputs.

    References:
        IEEE 754.
    """

    code: ClassVar[str] = "JF401"
    name: ClassVar[str] = "diverged variants"
    severity: ClassVar[Severity] = "warning"
    threshold: float = 0.0

    def check(self, evidence: FitEvidence) -> Outcome:
        """Count diverged variants."""
        share = evidence.num_diverged / evidence.num_variants
        if share <= self.threshold:
            return Clear()
        return Finding(
            code=self.code,
            name=self.name,
            severity=self.severity,
            where=f"{evidence.num_diverged} of {evidence.num_variants} variants",
            value=share,
            threshold=self.threshold,
            unit="share of variants",
            why="A cell that diverges in one fold cannot be judged.",
            when_wrong="The cause may be huge values in the data rather than the learning rate.",
            cure="Use a smaller learning rate, or scale the inputs.",
        )
