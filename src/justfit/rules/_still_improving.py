"""JF108."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity
from justfit.rules._history_learned import nothing_seen
from justfit.rules._history_rule import HistoryEvidence, HistoryRule, probability_above
from justfit.rules._rule import DECISION_PROBABILITY, Clear, NotApplicable, Outcome


@dataclass(frozen=True, slots=True)
class StillImproving(HistoryRule):
    r"""The validation loss was still falling when training stopped.

    How it is detected:
        .. math:: \frac{V(0.8\,e) - V(e)}{R} > \text{margin}

        with probability `probability`: what the last fifth of the epochs brought, V and R as in JF105.
    Why it matters:
        More epochs of the same kind would very likely have helped.
    When it is wrong:
        A learning rate that is lowered towards the end makes the loss fall once more, and it would fall no further.
    What helps:
        Train longer, or with a larger learning rate.

    References:
        Prechelt 1998, "Early stopping, but when?", section 2, for measuring progress over a strip of epochs.
    """

    code: ClassVar[str] = "JF108"
    name: ClassVar[str] = "still improving when training stopped"
    severity: ClassVar[Severity] = "info"
    why: ClassVar[str] = "More epochs of the same kind would very likely have helped."
    when_wrong: ClassVar[str] = "A learning rate that is lowered towards the end makes the loss fall once, not further."
    cure: ClassVar[str] = "Train longer, or with a larger learning rate."
    margin: float = 0.02
    probability: float = DECISION_PROBABILITY

    def check(self, evidence: HistoryEvidence) -> Outcome:
        """Look at what the last fifth of the epochs brought."""
        reading = evidence.reading
        if reading.num_validation < 4:
            return NotApplicable(f"{reading.num_validation} epochs have a validation loss, and a trend needs four")
        if reading.diverged_from is not None:
            return NotApplicable("training ends in NaN or infinity")
        if nothing_seen(evidence):
            return NotApplicable("nothing was learned, so there is no unit to measure it in")
        fall, error = reading.validation_fall, reading.validation_fall_error
        if probability_above(fall, error, self.margin) < self.probability:
            return Clear()
        words = f"the last fifth of the epochs brought {fall:.2g} of all that was learned"
        return self.finding("network", fall, self.margin, unit="of what was learned", evidence=words)
