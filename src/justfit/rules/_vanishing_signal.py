"""JF203."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, SignalEvidence, TrunkPoint
from justfit.rules._growth import inner_trunk, layer_between, signal_growth
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule


@dataclass(frozen=True, slots=True)
class VanishingSignal(SignalRule):
    r"""What tells one example from another shrinks to nothing on its way through the network.

    How it is detected:
        .. math:: \ln\frac{\mathrm{rms}(a_{first} - \bar a_{first})}{\mathrm{rms}(a_{last} - \bar a_{last})}
                  > \text{threshold}

        where the bar is the mean over examples and the threshold `threshold` e-foldings, along those trunk points
        whose scale matters (no normalisation reads them; the network's input has a rule of its own). It is an error
        from `severe` on, or where nothing is left but rounding. Biases hide such a loss from the plain size.
    Why it matters:
        The last layers see the same for every example and can learn no more than a constant (C12, C15).
    When it is wrong:
        A batch of nearly identical examples leaves nothing to lose; a normalisation that is written by hand may
        bring the differences back.
    What helps:
        `justfit.initialize_(module, *inputs, scheme='auto')`, larger weights, normalisation.

    References:
        He et al. 2015, "Delving deep into rectifiers", eq. 10. Schoenholz et al. 2017, "Deep information
        propagation", sections 3 and 5. Lecture C12, C15.
    """

    code: ClassVar[str] = "JF203"
    name: ClassVar[str] = "vanishing signal"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "The last layers see the same for every example and can learn no more than a constant."
    when_wrong: ClassVar[str] = "A normalisation written by hand may bring the differences back."
    cure: ClassVar[str] = "Run justfit.initialize_(module, *inputs, scheme='auto'), or use larger weights."
    threshold: float = 6.0
    severe: float = 9.0

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Follow the differences between examples along the trunk."""
        points = [p for p in inner_trunk(evidence) if p.num_samples != 1 and not math.isnan(p.centred_rms)]
        if len(points) < 2:
            return NotApplicable("differences between examples were measured at fewer than two points of the trunk")
        if points[0].centred_rms == 0:
            return NotApplicable("the examples of the batch are identical")
        lost = [point.centred_rms <= evidence.unit_roundoff * point.rms for point in points]
        if lost[-1]:
            return self._lost(points, lost)
        growth = signal_growth(evidence, lambda point: point.centred_rms)
        if growth is None:
            return NotApplicable("fewer than three points of the trunk keep their scale: the rest is normalised")
        shrunk = -growth.log_ratio
        if shrunk <= self.threshold:
            return ()
        words = (
            f"the differences between examples fall by e^{shrunk:.1f} up to `{growth.last}`, e-fold every "
            f"{growth.depth_scale:.2g} of {growth.num_steps} steps; the largest single step, {growth.step:.2g}x, "
            f"is at `{growth.steepest}`"
        )
        severity: Severity = "error" if shrunk > self.severe else "warning"
        return (
            self.finding(
                growth.steepest,
                shrunk,
                self.threshold,
                unit="e-foldings",
                evidence=words,
                source=growth.source,
                severity=severity,
            ),
        )

    def _lost(self, points: list[TrunkPoint], lost: list[bool]) -> SignalOutcome:
        """Name the layer after which nothing but rounding is left."""
        index = max(i for i, is_lost in enumerate(lost) if not is_lost) if not all(lost) else 0
        maker = layer_between(points[index], points[min(index + 1, len(points) - 1)])
        words = f"after `{maker.name}` every example gives the same activations, up to rounding"
        return (
            self.finding(
                maker.name,
                math.inf,
                self.threshold,
                unit="e-foldings",
                evidence=words,
                source=maker.source,
                severity="error",
            ),
        )
