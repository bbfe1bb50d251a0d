"""What a watch rule is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from justfit.records import Finding, Severity, WatchEvidence
from justfit.rules._rule import NotApplicable

# No findings means that the rule looked and found nothing.
WatchOutcome = tuple[Finding, ...] | NotApplicable


class WatchRule(ABC):
    """One disease of a training run that shows in its losses, gradients, updates or activations.

    A final class fills `why`, `when_wrong` and `cure`, the sentences of its findings; a finding may name a cure of its
    own where the numbers allow one. `things` is what a finding is about, for the words "and 4 more layers". Every
    number is held against one of the same run, so units of the loss, depth and the numbers' type do not matter.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    why: ClassVar[str]
    when_wrong: ClassVar[str]
    cure: ClassVar[str]
    things: ClassVar[str] = "layers"

    @abstractmethod
    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Look at the evidence; answer with every finding, the worst first."""

    def finding(
        self,
        where: str,
        value: float,
        threshold: float,
        *,
        unit: str,
        evidence: str,
        since: int,
        source: str | None = None,
        severity: Severity | None = None,
        cure: str = "",
    ) -> Finding:
        """Make a finding of this rule, with the rule's own sentences where none are given; `since` is a step."""
        return Finding(
            code=self.code,
            name=self.name,
            severity=severity or self.severity,
            where=where or "network",
            value=value,
            threshold=threshold,
            unit=unit,
            why=self.why,
            when_wrong=self.when_wrong,
            cure=cure or self.cure,
            evidence=evidence,
            source=source,
            since=since,
        )
