"""JF102."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from justfit.records import Finding, Severity
from justfit.rules._evidence import FitEvidence
from justfit.rules._rule import DECISION_PROBABILITY, Clear, NotApplicable, Outcome, Rule

if TYPE_CHECKING:
    from justfit.rules._evidence import Array


@dataclass(frozen=True, slots=True)
class Underfitting(Rule):
    r"""The network does worse on its own training rows than a named reference does on rows it never saw.

    How it is detected:
        .. math:: \text{avoidable bias} = L_{train} - L_{reference} > \tau R, \quad R = L_{constant} - L_{best}

        with :math:`\tau` = `margin`. The probability is the share of bootstrap resamples in which it holds.
    Why it matters:
        The network has not learned what can be learned; regularization would make it worse (lecture C2).
    When it is wrong:
        A reference that profits from leakage makes every honest network look underfitted.
    What helps:
        More epochs, a larger learning rate, more or wider layers, another initialization, scaled inputs.

    References:
        Lecture C2.
    """

    code: ClassVar[str] = "JF102"
    name: ClassVar[str] = "underfitting"
    severity: ClassVar[Severity] = "warning"
    margin: float = 0.05
    probability: float = DECISION_PROBABILITY

    def probabilities(self, evidence: FitEvidence) -> Array:
        """1.0 for each bootstrap resample in which the network underfits, else 0.0."""
        return (evidence.draws["bias"] > self.margin * evidence.learnable).astype(float)

    def check(self, evidence: FitEvidence) -> Outcome:
        """Hold the avoidable bias against a share of what there is to learn."""
        if evidence.reference_losses is None and evidence.best_losses is None:
            return NotApplicable("there is no reference to hold the training loss against")
        if self.probabilities(evidence).mean() < self.probability:
            return Clear()
        reference = evidence.best_losses if evidence.reference_losses is None else evidence.reference_losses
        assert reference is not None  # noqa: S101 - one of the two exists, see above
        return Finding(
            code=self.code,
            name=self.name,
            severity=self.severity,
            where="network",
            value=float(evidence.train_losses.mean() - reference.mean()),
            threshold=self.margin * evidence.learnable,
            unit=evidence.unit,
            why=f"Its loss on its own training rows is above what {evidence.reference_name} reaches on unseen rows.",
            when_wrong="A reference that profits from leakage makes every honest network look underfitted.",
            cure="More epochs, a larger learning rate, wider or more layers; less regularization, not more.",
        )
