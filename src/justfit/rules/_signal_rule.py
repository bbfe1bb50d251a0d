"""What a signal rule is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from justfit.records import Finding, Severity, SignalEvidence
from justfit.rules._rule import NotApplicable

# No findings means that the rule looked and found nothing.
SignalOutcome = tuple[Finding, ...] | NotApplicable

# Worst first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
# Findings that one rule shows at most.
MOST = 3


class SignalRule(ABC):
    """One disease of a network that can be seen in one forward and one backward pass.

    A final class fills `why`, `when_wrong` and `cure`, the sentences of its findings; a finding may name a cure of its
    own where the numbers allow one.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    why: ClassVar[str]
    when_wrong: ClassVar[str]
    cure: ClassVar[str]

    @abstractmethod
    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Look at the evidence."""

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


def worst(found: Sequence[tuple[float, Finding]], things: str = "layers") -> tuple[Finding, ...]:
    """Keep the three worst findings in the order they came in; the last one says how many were left out.

    Args:
        found: How bad, and the finding; the severity decides first.
        things: What a finding is about, for the words "and 4 more layers".
    """
    order = sorted(range(len(found)), key=lambda i: (SEVERITIES.index(found[i][1].severity), -found[i][0]))
    kept = [found[i][1] for i in sorted(order[:MOST])]
    if len(found) > MOST:
        kept[-1] = replace(kept[-1], evidence=f"{kept[-1].evidence}; and {len(found) - MOST} more {things}")
    return tuple(kept)
