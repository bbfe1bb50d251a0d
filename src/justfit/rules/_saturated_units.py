"""JF305."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, SignalEvidence
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule, worst_first


@dataclass(frozen=True, slots=True)
class SaturatedUnits(SignalRule):
    """Most units sit on the flat ends of their activation.

    How it is detected:
        The share of (unit, example) pairs whose local derivative is below 5 % of the activation's largest >
        `threshold`. Heads are not judged; inside a branch, where it may be a gate, it is information.
    Why it matters:
        A flat activation passes next to no gradient, so the weights before it hardly move.
    When it is wrong:
        Gates that have learned to be open or shut.
    What helps:
        Smaller weights (`justfit.initialize_(module, *inputs, scheme='auto')` finds the size), scaled inputs.

    References:
        Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", section 3.
        LeCun et al. 1998, "Efficient BackProp", section 4.4. Lecture C15.
    """

    code: ClassVar[str] = "JF305"
    name: ClassVar[str] = "saturated units"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "A flat activation passes next to no gradient, so the weights before it hardly move."
    when_wrong: ClassVar[str] = "Gates may have learned to be open or shut."
    cure: ClassVar[str] = (
        "Use smaller weights (justfit.initialize_(module, *inputs, scheme='auto') finds the size), or scale the inputs."
    )
    threshold: float = 0.65

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Look at each saturating activation's local derivatives."""
        layers = [layer for layer in evidence.layers if not math.isnan(layer.saturated_fraction)]
        if not layers:
            return NotApplicable("no activation that saturates was measured")
        found = []
        for layer in layers:
            if layer.saturated_fraction > self.threshold and not layer.is_output:
                words = (
                    f"{layer.saturated_fraction:.0%} of the units' {layer.activation} derivatives are below 5 % of the "
                    f"largest; preactivations of rms {layer.output_rms:.3g}"
                )
                finding = self.finding(
                    layer.name,
                    layer.saturated_fraction,
                    self.threshold,
                    unit="share of units and examples",
                    evidence=words,
                    source=layer.source,
                    severity="info" if layer.in_branch and layer.num_calls == 1 else "warning",
                )
                found.append((layer.saturated_fraction, finding))
        return worst_first(found)
