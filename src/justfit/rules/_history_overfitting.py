"""JF105."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity
from justfit.rules._history_learned import is_lost_in_noise, of_learned
from justfit.rules._history_rule import HistoryEvidence, HistoryRule, probability_above
from justfit.rules._rule import DECISION_PROBABILITY, Clear, NotApplicable, Outcome


@dataclass(frozen=True, slots=True)
class OverfittingFromEpoch(HistoryRule):
    r"""From some epoch on the validation loss rises while the train loss does not.

    How it is detected:
        .. math:: \text{rise} = \frac{V(e) - V(t^*)}{R} > \text{margin}, \quad R = \max_{L \in \{T, V\}} L(1) - \min L

        with V and T the smoothed validation and train loss, e the last epoch and t* the best. A rise of T is taken off,
        and where a loss has a zero R is at most five times the lowest V, so that a tenth of the loss that remains
        counts. Found where the rise exceeds `margin` with probability `probability`, given the noise of the history.
        `since` is the first epoch from which on V stays above V(t*) by more than a hundredth of R and its noise.
    Why it matters:
        The further epochs taught the network accidents of the training rows; the one of the best epoch is better.
    When it is wrong:
        Confidence grows with training, so a loss in nats may rise while the share of right answers does not fall: the
        probabilities became worse, the decisions not. A validation set that was chosen or changed on the way.
    What helps:
        Keep the best epoch (`justfit.EarlyStopping`), raise l2 or dropout, bring more data.

    References:
        Prechelt 1998, "Early stopping, but when?", whose generalization loss this is, over R in place of V.
    """

    code: ClassVar[str] = "JF105"
    name: ClassVar[str] = "overfitting from an epoch on"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "The epochs after the best one made the network worse on rows it was not trained on."
    when_wrong: ClassVar[str] = (
        "A loss in nats may rise from growing confidence alone, while the share of right answers does not fall."
    )
    cure: ClassVar[str] = "Keep the best epoch, raise l2 or dropout, or bring more data."
    margin: float = 0.03
    probability: float = DECISION_PROBABILITY

    def check(self, evidence: HistoryEvidence) -> Outcome:
        """Hold the rise of the validation loss against a share of what was learned."""
        reading = evidence.reading
        if reading.num_validation < 4:
            return NotApplicable(f"{reading.num_validation} epochs have a validation loss, and a trend needs four")
        if is_lost_in_noise(evidence):
            return NotApplicable("nothing was learned that could be lost again")
        if reading.turn is None or reading.best is None:
            return Clear()
        if probability_above(reading.harm, reading.rise_error, self.margin) < self.probability:
            return Clear()
        since, name = evidence.epoch(reading.turn), evidence.history.epoch_name
        kind, side = evidence.words[0], "below" if evidence.words[0] == "score" else "above"
        words = (
            f"since {name} {since} the validation {kind} stays {side} that of {name} "
            f"{evidence.epoch(reading.best)}; at the end by {of_learned(reading.rise)}"
        )
        return self.finding(
            "network", reading.harm, self.margin, unit="of what was learned", evidence=words, since=since
        )
