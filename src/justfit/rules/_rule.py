"""What a rule is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Finding, Severity
from justfit.rules._evidence import FitEvidence

# Share of bootstrap resamples from which on something is said to be so.
DECISION_PROBABILITY = 0.8


@dataclass(frozen=True, slots=True)
class Clear:
    """The rule looked and found nothing."""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The rule cannot judge; `reason` says why."""

    reason: str


Outcome = Finding | Clear | NotApplicable


class Disease(ABC):
    """What every kind of rule that says its own sentences shares.

    A final class fills `why`, `when_wrong` and `cure`, the sentences of its findings; a finding may name a cure of its
    own where the numbers allow one. `things` is what a finding is about, for the words "and 4 more layers", and
    `since_unit` what its findings count in.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    why: ClassVar[str]
    when_wrong: ClassVar[str]
    cure: ClassVar[str]
    things: ClassVar[str] = "layers"
    since_unit: ClassVar[str] = "step"

    def finding(
        self,
        where: str,
        value: float,
        threshold: float,
        *,
        unit: str,
        evidence: str,
        since: int | None = None,
        source: str | None = None,
        severity: Severity | None = None,
        cure: str = "",
    ) -> Finding:
        """Make a finding of this rule, with the rule's own sentences where none are given."""
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
            since_unit=self.since_unit,
        )


class Rule(ABC):
    """One disease: its code, how it is detected, and what helps."""

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]

    @abstractmethod
    def check(self, evidence: FitEvidence) -> Outcome:
        """Look at the evidence."""
