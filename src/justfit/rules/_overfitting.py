"""JF101."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from justfit.records import Finding, Severity
from justfit.rules._evidence import FitEvidence
from justfit.rules._rule import DECISION_PROBABILITY, Clear, NotApplicable, Outcome, Rule

if TYPE_CHECKING:
    from justfit.rules._evidence import Array


@dataclass(frozen=True, slots=True)
class Overfitting(Rule):
    r"""The network does worse on unseen rows than a more regularized twin, and better on its own.

    How it is detected:
        .. math:: \text{excess} = L_{val} - L_{best} > \tau, \quad \text{gap} = L_{val} - L_{train} > \tau, \quad
                  \tau = \min(\max(a\,L_{best}, b\,R), c\,R), \quad R = L_{constant} - L_{best}

        The share a (`remaining_share`) of the loss that remains, but at least the share b (`least_share`) and at most
        the share c (`margin`) of R, what there is to learn, so units and scale of the loss cancel.
        The probability is the share of bootstrap resamples of the examples in which both hold.
    Why it matters:
        The network has learned accidents of the training rows; its predictions on new rows suffer (lecture C1).
    When it is wrong:
        Validation rows of another kind than the training rows (drift, leakage, augmentation only in training) open
        a gap that no regularization closes; the excess then stays near 0 and the rule stays silent.
    What helps:
        l2, dropout, fewer epochs, more data: whichever the sweep shows to help.

    References:
        Lecture C1; Bayle et al. 2020, "Cross-validation confidence intervals for test error", eq. 3.
    """

    code: ClassVar[str] = "JF101"
    name: ClassVar[str] = "overfitting"
    severity: ClassVar[Severity] = "warning"
    remaining_share: float = 0.1
    least_share: float = 0.002
    margin: float = 0.02
    probability: float = DECISION_PROBABILITY

    def threshold(self, evidence: FitEvidence) -> float:
        """The excess, in the unit of the loss, from which on it counts."""
        best = evidence.validation_losses if evidence.best_losses is None else evidence.best_losses
        wanted = max(self.remaining_share * float(best.mean()), self.least_share * evidence.learnable)
        return min(wanted, self.margin * evidence.learnable)

    def probabilities(self, evidence: FitEvidence) -> Array:
        """1.0 for each bootstrap resample in which the network overfits, else 0.0."""
        threshold = self.threshold(evidence)
        draws = evidence.draws
        return ((draws["excess"] > threshold) & (draws["gap"] > threshold)).astype(float)

    def check(self, evidence: FitEvidence) -> Outcome:
        """Hold the excess loss against a share of what there is to learn."""
        if evidence.best_losses is None:
            return NotApplicable("no regularized twin was trained")
        if self.probabilities(evidence).mean() < self.probability:
            return Clear()
        return Finding(
            code=self.code,
            name=self.name,
            severity=self.severity,
            where="network",
            value=float((evidence.validation_losses - evidence.best_losses).mean()),
            threshold=self.threshold(evidence),
            unit=evidence.unit,
            why="Its validation loss is above that of the best regularized twin, and its training loss below its own "
            "validation loss: it has learned accidents of the training rows.",
            when_wrong="Validation rows of another kind than the training rows also open a gap.",
            cure="Use the chosen l2 and dropout; more data helps where they do not.",
        )
