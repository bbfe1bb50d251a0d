"""JF304."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import LayerSignal, Severity, SignalEvidence
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule, worst_first


@dataclass(frozen=True, slots=True)
class DeadUnits(SignalRule):
    r"""Units whose activation has derivative zero on every example: they pass nothing on and learn nothing.

    How it is detected:
        .. math:: d - d_{chance} > \max\left(e, z\sqrt{\frac{d_{chance}(1 - d_{chance})}{\text{units}}}\right)

        with d the dead fraction, the chance that zero-mean weights have for so many examples at their cosine, and
        z = `errors`. It is a warning for d at least `dead` with e = `excess`, an error where a layer of the trunk is
        dead altogether, and information with e = `noticed`. Only activations with a flat region are judged (ReLU, not
        GELU or SiLU), and no layer whose examples' mean cosine > `cosine`: that is rank collapse.
    Why it matters:
        A unit that is off for every example gets no gradient, so it stays off.
    When it is wrong:
        A small batch shows units as dead that other examples would wake; trained sparse networks have many.
    What helps:
        Zero or slightly positive biases, a smaller learning rate, LeakyReLU or GELU, `justfit.initialize_`.

    References:
        Lu et al. 2019, "Dying ReLU and initialization: theory and numerical examples". Lecture C7, C15.
    """

    code: ClassVar[str] = "JF304"
    name: ClassVar[str] = "dead units"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "A unit that is off for every example gets no gradient, so it stays off."
    when_wrong: ClassVar[str] = "Other examples than this batch may wake some of them."
    cure: ClassVar[str] = "Use zero or slightly positive biases and a smaller learning rate, or LeakyReLU or GELU."
    dead: float = 0.8
    excess: float = 0.3
    noticed: float = 0.4
    errors: float = 4.0
    cosine: float = 0.95

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Hold each layer's dead fraction against chance."""
        layers = [
            layer for layer in evidence.layers if not math.isnan(layer.dead_fraction + layer.chance_dead_fraction)
        ]
        if not layers:
            return NotApplicable("no activation with a flat region was measured")
        found = []
        for layer in layers:
            severity = self._judge(layer)
            if severity is not None:
                threshold = layer.chance_dead_fraction + self.excess
                words = (
                    f"{layer.dead_fraction:.0%} of the units are off on all {layer.num_samples} examples or positions, "
                    f"{layer.chance_dead_fraction:.0%} expected by chance"
                )
                finding = self.finding(
                    layer.name,
                    layer.dead_fraction,
                    threshold,
                    unit="share of units",
                    evidence=words,
                    source=layer.source,
                    severity=severity,
                )
                found.append((layer.dead_fraction, finding))
        return worst_first(found)

    def _judge(self, layer: LayerSignal) -> Severity | None:
        chance, units = layer.chance_dead_fraction, max(layer.shape[0], 1)
        excess = layer.dead_fraction - chance
        if layer.cosine > self.cosine or excess <= self.errors * math.sqrt(chance * (1 - chance) / units):
            return None
        if layer.dead_fraction >= self.dead and excess > self.excess:
            return "error" if layer.dead_fraction == 1 and not layer.in_branch else "warning"
        return "info" if excess > self.noticed else None
