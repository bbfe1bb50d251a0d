"""JF107."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity
from justfit.rules._history_rule import HistoryEvidence, HistoryRule, probability_above
from justfit.rules._rule import DECISION_PROBABILITY, Clear, NotApplicable, Outcome


@dataclass(frozen=True, slots=True)
class UnderfittingHistory(HistoryRule):
    r"""The train loss ends above what a named reference reaches on rows it never saw.

    How it is detected:
        .. math:: \frac{T(e) - L_{reference}}{R} > \text{margin}, \quad R = L_{constant} - \min(L_{reference}, \min V)

        with probability `probability`, given the noise of the history; without a constant predictor R is the range of
        what was learned, as in JF105.
    Why it matters:
        The network has not learned what can be learned; regularization would make it worse (lecture C2).
    When it is wrong:
        A train loss taken in training mode is too large (JF106); then the rule does not judge where V lies below T. A
        reference that profits from leakage makes every honest network look underfitted.
    What helps:
        More epochs, a larger learning rate, more or wider layers, less l2 and dropout, another initialization.

    References:
        Lecture C2.
    """

    code: ClassVar[str] = "JF107"
    name: ClassVar[str] = "underfitting history"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "On its own training rows the network does worse than the reference does on unseen rows."
    when_wrong: ClassVar[str] = (
        "A train loss taken in training mode is too large, and a reference may profit from leakage."
    )
    cure: ClassVar[str] = (
        "Train longer or with a larger learning rate, widen or deepen the network, or lower l2 and dropout."
    )
    margin: float = 0.05
    probability: float = DECISION_PROBABILITY

    def check(self, evidence: HistoryEvidence) -> Outcome:
        """Hold the train loss against the reference."""
        reading = evidence.reading
        if math.isnan(evidence.reference_loss):
            return NotApplicable("no reference was given")
        if not reading.num_train:
            return NotApplicable("there is no train loss")
        if evidence.in_train_mode and reading.gap < 0:
            return NotApplicable("the train loss was taken in training mode and lies above the validation loss")
        error = reading.train_error * reading.unit_loss / evidence.learnable
        if probability_above(evidence.bias, error, self.margin) < self.probability:
            return Clear()
        kind, reference = evidence.words
        words = (
            f"the train {kind} ends at {evidence.loss(reading.train):.3g}, {evidence.bias:.2g} of what there is to "
            f"learn short of that of {reference}, {evidence.reference_loss:.3g}"
        )
        return self.finding("network", evidence.bias, self.margin, unit="of what there is to learn", evidence=words)
