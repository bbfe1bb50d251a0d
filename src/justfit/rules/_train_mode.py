"""JF106."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity
from justfit.rules._history_learned import nothing_seen, of_learned
from justfit.rules._history_rule import HistoryEvidence, HistoryRule, probability_above
from justfit.rules._rule import DECISION_PROBABILITY, Clear, NotApplicable, Outcome


@dataclass(frozen=True, slots=True)
class TrainLossInTrainMode(HistoryRule):
    r"""The validation loss lies below the train loss, as it does where the train loss is taken in training mode.

    How it is detected:
        .. math:: \frac{T(e) - V(e)}{R} > \text{margin}

        at the last epoch with probability `probability`, and V below T in a share `share` of the epochs; V, T and R as
        in JF105.
    Why it matters:
        A train loss that was averaged over the epoch with dropout and augmentation on, while the weights moved, is not
        the loss of the network. The gap is larger than it looks, and the train loss says nothing of underfitting.
    When it is wrong:
        Validation rows that are easier than the training rows, or that are among them, look the same; measure the train
        loss in eval mode on the same rows to tell them apart.
    What helps:
        Evaluate the train loss after the epoch, in eval mode and without augmentation.

    References:
        None; the effect is asked about wherever dropout is used.
    """

    code: ClassVar[str] = "JF106"
    name: ClassVar[str] = "train loss in training mode"
    severity: ClassVar[Severity] = "info"
    why: ClassVar[str] = (
        "A train loss taken with dropout or augmentation on, or while the weights moved, is too large: the gap and the "
        "avoidable bias cannot be read from it."
    )
    when_wrong: ClassVar[str] = "Validation rows that are easier, or that are among the training rows, look the same."
    cure: ClassVar[str] = "Evaluate the train loss after the epoch, in eval mode and without augmentation."
    margin: float = 0.01
    share: float = 0.5
    probability: float = DECISION_PROBABILITY

    def check(self, evidence: HistoryEvidence) -> Outcome:
        """See on which side of the train loss the validation loss lies."""
        reading = evidence.reading
        if not reading.num_train or not reading.num_validation:
            return NotApplicable("one of the two losses is missing")
        if nothing_seen(evidence):
            return NotApplicable("nothing was learned, so there is no unit to measure it in")
        sure = probability_above(-reading.gap, reading.gap_error, self.margin) >= self.probability
        if not sure or reading.below < self.share:
            return Clear()
        kind, side = evidence.words[0], "above" if evidence.words[0] == "score" else "below"
        words = (
            f"the validation {kind} ends {of_learned(-reading.gap)} {side} the train {kind}, and was "
            f"{side} it in {reading.below:.0%} of the entries"
        )
        if evidence.history.train_mode is False:
            words += "; as the train loss was taken in eval mode, the validation rows are easier, few, or trained on"
        return self.finding("network", -reading.gap, self.margin, unit="of what was learned", evidence=words)
