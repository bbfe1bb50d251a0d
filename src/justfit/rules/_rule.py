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


class Rule(ABC):
    """One disease: its code, how it is detected, and what helps."""

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]

    @abstractmethod
    def check(self, evidence: FitEvidence) -> Outcome:
        """Look at the evidence."""
