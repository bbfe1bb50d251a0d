"""What a signal rule is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from justfit.records import Finding, Severity, SignalEvidence
from justfit.rules._rule import Disease, NotApplicable

# No findings means that the rule looked and found nothing.
SignalOutcome = tuple[Finding, ...] | NotApplicable

# Worst first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class SignalRule(Disease):
    """One disease of a network that can be seen in one forward and one backward pass."""

    @abstractmethod
    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Look at the evidence; answer with every finding, the worst first."""


def worst_first(found: Sequence[tuple[float, Finding]]) -> tuple[Finding, ...]:
    """Order findings by severity, then by how bad each is.

    Args:
        found: How bad, and the finding.
    """
    order = sorted(found, key=lambda one: (SEVERITIES.index(one[1].severity), -one[0]))
    return tuple(finding for _, finding in order)
