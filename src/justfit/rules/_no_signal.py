"""JF104."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Finding, Severity
from justfit.rules._evidence import FitEvidence
from justfit.rules._rule import Clear, NotApplicable, Outcome, Rule


@dataclass(frozen=True, slots=True)
class NoSignal(Rule):
    r"""Even the best network of the sweep cannot be told from a constant prediction.

    How it is detected:
        .. math:: \bar d < z \cdot \mathrm{SE}(\bar d), \quad d_i = L_{constant,i} - L_{best,i}

        on the same held-out examples, with z = `errors`; the threshold shown is z·SE.
    Why it matters:
        Whatever else the report says is about noise: the table may hold nothing that this network can learn.
    When it is wrong:
        A few rows with huge losses (outliers of a regression target) widen the standard error until nothing can be
        told; too few rows do the same.
    What helps:
        Look at the rows with the largest targets, predict the logarithm, bring better columns or more rows.

    References:
        Lecture C2 (the constant predictor is the named reference).
    """

    code: ClassVar[str] = "JF104"
    name: ClassVar[str] = "no better than a constant"
    severity: ClassVar[Severity] = "warning"
    errors: float = 1.645

    def check(self, evidence: FitEvidence) -> Outcome:
        """Compare the best network with the constant, example by example."""
        if evidence.best_losses is None or len(evidence.best_losses) != len(evidence.constant_losses):
            return NotApplicable("no network was evaluated on the same rows as the constant prediction")
        gain = evidence.constant_losses - evidence.best_losses
        needed = self.errors * evidence.mean_error(gain)
        if gain.mean() > needed:
            return Clear()
        return Finding(
            code=self.code,
            name=self.name,
            severity=self.severity,
            where="network",
            value=float(gain.mean()),
            threshold=needed,
            unit=evidence.unit,
            why="Even the best network of the sweep cannot be told from always predicting the same: there may be "
            "nothing in this table that it can learn.",
            when_wrong="A few rows with huge losses, or too few rows, hide what there is.",
            cure="Look at the rows with the largest targets, predict the logarithm, bring better columns or more rows.",
        )
