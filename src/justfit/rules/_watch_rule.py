"""What a watch rule is."""

from __future__ import annotations

from abc import abstractmethod

from justfit.records import Finding, WatchEvidence
from justfit.rules._rule import Disease, NotApplicable

# No findings means that the rule looked and found nothing.
WatchOutcome = tuple[Finding, ...] | NotApplicable


class WatchRule(Disease):
    """One disease of a training run that shows in its losses, gradients, updates or activations.

    Every number is held against one of the same run, so units of the loss, depth and the numbers' type do not matter.
    """

    @abstractmethod
    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Look at the evidence; answer with every finding, the worst first."""
