"""JF205."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, SignalEvidence, TrunkPoint
from justfit.rules._growth import inner_trunk
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule


@dataclass(frozen=True, slots=True)
class RankCollapse(SignalRule):
    r"""All examples point the same way: depth has mapped every input to one direction.

    How it is detected:
        At the last trunk point before the output, the mean cosine between examples > `cosine`, and the effective rank
        (participation ratio of the centred activations)

        .. math:: r = \frac{(\operatorname{tr} C)^2}{\operatorname{tr} C^2} < \min(\rho, s \cdot
                  \min(r_{first}, \text{width})), \quad C = \operatorname{Cov}(a)

        with ρ = `rank` and s = `share`. Collapsed at a share > `lasting` of the second half of a trunk of at least
        `depth` points it is a warning, and an error where the cosine > `severe`; otherwise it is information.
    Why it matters:
        Norms and gradients look healthy, yet the network cannot tell its inputs apart: ReLU layers with He's variance
        reach a cosine of 1.000 at depth 100 and do not train.
    When it is wrong:
        A trained network with one output may need one direction only; it narrows down in its last layers, not over
        half of its depth, and then this is information.
    What helps:
        `justfit.initialize_(module, *inputs, scheme='auto')`, which keeps the rank at any depth; residual
        connections; normalisation.

    References:
        Poole et al. 2016, "Exponential expressivity in deep neural networks through transient chaos" (the map of
        correlations). Schoenholz et al. 2017, "Deep information propagation", section 3.
    """

    code: ClassVar[str] = "JF205"
    name: ClassVar[str] = "rank collapse"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "Every input points the same way after the last layer, so the head cannot tell them apart."
    when_wrong: ClassVar[str] = "A trained network with one output may need no more than one direction."
    cure: ClassVar[str] = (
        "Run justfit.initialize_(module, *inputs, scheme='auto'), or add residual connections or normalisation."
    )
    cosine: float = 0.95
    rank: float = 2.0
    share: float = 0.25
    depth: int = 8
    lasting: float = 0.7
    severe: float = 0.99

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Compare the last trunk point with the first."""
        points = [point for point in inner_trunk(evidence) if not math.isnan(point.effective_rank)]
        if len(points) < 2:
            return NotApplicable("the effective rank was measured at fewer than two points of the trunk")
        last, full = points[-1], points[0].effective_rank
        if math.isnan(last.cosine):
            return NotApplicable(f"the cosine between examples could not be measured at `{last.name}`")
        if not self._collapsed(last, full):
            return ()
        half = points[len(points) // 2 :]
        lasts = sum(self._collapsed(point, full) for point in half) > self.lasting * len(half)
        deep = len(points) >= self.depth and lasts
        severity: Severity = "info" if not deep else "error" if last.cosine > self.severe else "warning"
        where = next(point for point in points if self._collapsed(point, full))
        words = (
            f"effective rank {last.effective_rank:.2g} at `{last.name}` against {full:.3g} at `{points[0].name}`, mean "
            f"cosine between examples {last.cosine:.4f}; collapsed from `{where.name}` on"
        )
        return (
            self.finding(
                where.name,
                last.effective_rank,
                self._limit(last, full),
                unit="effective directions",
                evidence=words,
                source=where.source,
                severity=severity,
            ),
        )

    def _limit(self, point: TrunkPoint, full: float) -> float:
        return min(self.rank, self.share * min(full, point.width))

    def _collapsed(self, point: TrunkPoint, full: float) -> bool:
        return point.cosine > self.cosine and point.effective_rank < self._limit(point, full)
