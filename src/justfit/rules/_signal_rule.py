"""What a signal rule is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from justfit.records import Finding, Severity, SignalEvidence
from justfit.rules._rule import NotApplicable

# No findings means that the rule looked and found nothing.
SignalOutcome = tuple[Finding, ...] | NotApplicable

# Worst first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class SignalRule(ABC):
    """One disease of a network that can be seen in one forward and one backward pass.

    A final class fills `why`, `when_wrong` and `cure`, the sentences of its findings; a finding may name a cure of its
    own where the numbers allow one. `things` is what a finding is about, for the words "and 4 more layers".
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    why: ClassVar[str]
    when_wrong: ClassVar[str]
    cure: ClassVar[str]
    things: ClassVar[str] = "layers"

    @abstractmethod
    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Look at the evidence; answer with every finding, the worst first."""

    def finding(
        self,
        where: str,
        value: float,
        threshold: float,
        *,
        unit: str,
        evidence: str,
        source: str | None = None,
        severity: Severity | None = None,
        cure: str = "",
    ) -> Finding:
        """Make a finding of this rule, with the rule's own sentences where none are given."""
        return Finding(
            code=self.code,
            name=self.name,
            severity=severity or self.severity,
            where=where,
            value=value,
            threshold=threshold,
            unit=unit,
            why=self.why,
            when_wrong=self.when_wrong,
            cure=cure or self.cure,
            evidence=evidence,
            source=source,
        )


def worst_first(found: Sequence[tuple[float, Finding]]) -> tuple[Finding, ...]:
    """Order findings by severity, then by how bad each is.

    Args:
        found: How bad, and the finding.
    """
    order = sorted(found, key=lambda one: (SEVERITIES.index(one[1].severity), -one[0]))
    return tuple(finding for _, finding in order)
