"""JF109."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity
from justfit.rules._history_rule import HistoryEvidence, HistoryRule
from justfit.rules._rule import Clear, NotApplicable, Outcome


@dataclass(frozen=True, slots=True)
class TrainingEndsNonFinite(HistoryRule):
    r"""From some epoch on to the last there is no finite loss any more.

    How it is detected:
        .. math:: \exists\, s \le e: \; T(t) \text{ or } V(t) = \pm\infty, \text{ or both NaN}, \quad t = s, \dots, e

        A log seldom keeps infinity apart from a missing value, so both losses missing to the end counts; one that is
        only measured now and then, beside one that goes on, does not.
    Why it matters:
        The weights are NaN or infinite, and every further epoch was wasted. The network of the last epoch is lost.
    When it is wrong:
        A log whose losses were no longer written while its epochs went on looks the same.
    What helps:
        Go back to the best epoch, lower the learning rate, clip the gradient; `justfit.watch` names the first tensor
        that was not finite (JF402).

    References:
        None; NaN and infinity are what IEEE 754 makes of an overflow.
    """

    code: ClassVar[str] = "JF109"
    name: ClassVar[str] = "training ends in NaN or infinity"
    severity: ClassVar[Severity] = "error"
    why: ClassVar[str] = "The weights of the last epoch are NaN or infinite: the network is lost."
    when_wrong: ClassVar[str] = "A log whose losses were no longer written while its epochs went on looks the same."
    cure: ClassVar[str] = (
        "Go back to the best epoch, lower the learning rate or clip the gradient; `justfit.watch` names the first "
        "tensor that was not finite."
    )

    def check(self, evidence: HistoryEvidence) -> Outcome:
        """Look for an end without a finite loss."""
        reading, history = evidence.reading, evidence.history
        if reading.diverged_from is None:
            return Clear()
        if not reading.num_train + reading.num_validation and not any(
            map(math.isinf, (*history.train_loss, *history.validation_loss))
        ):
            return NotApplicable("every loss is missing")
        epochs = len(history.epochs) - reading.diverged_from
        since = evidence.epoch(reading.diverged_from)
        words = f"from {history.epoch_name} {since} on no loss is finite, to the last, {history.epochs[-1]}"
        return self.finding("network", float(epochs), 0.0, unit="epochs", evidence=words, since=since)
