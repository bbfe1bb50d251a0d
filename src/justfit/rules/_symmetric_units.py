"""JF301."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Finding, LayerSignal, Severity, SignalEvidence
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule, worst_first


@dataclass(frozen=True, slots=True)
class SymmetricUnits(SignalRule):
    """Units of a layer are copies of each other, in weights and in gradient, so they stay copies for ever.

    How it is detected:
        The share of units that have a twin with the same weights, the same bias and the same weight gradient >
        `threshold`. Layers with one unit, frozen layers, embeddings and heads (whose rows for absent classes agree) are
        not judged, nor are branches that get no gradient in the first step. Mirrored pairs have opposite signs and are
        no twins. A warning where the same share has a twin in its weights only, which are not all zero: copies that
        only the next layer tells apart.
    Why it matters:
        Gradient descent never tells twins apart: a layer of hundreds of units works like one of a single unit (C14).
    When it is wrong:
        Dropout, or any other noise on single units, breaks the tie slowly.
    What helps:
        Draw the weights at random: `justfit.initialize_(module, *inputs, scheme='auto')`. Biases may start at zero.

    References:
        Goodfellow, Bengio and Courville 2016, "Deep learning", section 8.4. Lecture C14.
    """

    code: ClassVar[str] = "JF301"
    name: ClassVar[str] = "symmetric units"
    severity: ClassVar[Severity] = "error"
    why: ClassVar[str] = "Twins get the same update for ever, so the layer works like a single unit."
    when_wrong: ClassVar[str] = "Dropout or other noise on single units breaks the tie slowly."
    cure: ClassVar[str] = "Draw the weights at random: justfit.initialize_(module, *inputs, scheme='auto')."
    threshold: float = 0.5

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Count twins, layer by layer."""
        layers = [layer for layer in evidence.layers if self._can_be_judged(layer)]
        if not layers:
            return NotApplicable("no trainable hidden layer with more than one unit was measured")
        found = []
        for layer in layers:
            if layer.copied_fraction > self.threshold >= layer.identical_fraction:
                found.append((layer.copied_fraction, self._copied(layer)))
            if layer.identical_fraction > self.threshold:
                words = f"{layer.identical_fraction:.0%} of the units of `{layer.name}` have a twin"
                if layer.distribution in ("zero", "constant"):
                    words += f"; its weights are {'all zero' if layer.distribution == 'zero' else 'one constant'}"
                finding = self.finding(
                    layer.name,
                    layer.identical_fraction,
                    self.threshold,
                    unit="share of units",
                    evidence=words,
                    source=layer.source,
                )
                found.append((layer.identical_fraction, finding))
        return worst_first(found)

    def _copied(self, layer: LayerSignal) -> Finding:
        return self.finding(
            layer.name,
            layer.copied_fraction,
            self.threshold,
            unit="share of units",
            evidence=f"{layer.copied_fraction:.0%} of the units of `{layer.name}` start as copies of each other; only "
            "what reads them tells them apart",
            source=layer.source,
            severity="warning",
        )

    @staticmethod
    def _can_be_judged(layer: LayerSignal) -> bool:
        units = layer.shape[1] if layer.operation.startswith("conv_transpose") else layer.shape[0]
        blocked = layer.in_branch and not layer.weight_gradient_rms > 0
        passed = layer.is_output or layer.frozen or layer.operation == "embedding" or blocked
        return units > 1 and not passed and not math.isnan(layer.identical_fraction)
