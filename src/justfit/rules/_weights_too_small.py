"""JF302."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, SignalEvidence
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule, worst_first
from justfit.rules._weight_scale import in_words, judged_layers, trunk_growth


@dataclass(frozen=True, slots=True)
class WeightsTooSmall(SignalRule):
    r"""A layer's weights are smaller than what keeps the signal, and the network suffers from it.

    How it is detected:
        .. math:: \frac{\sigma_{right}}{\sigma_w} > c

        on layers outside branches that no normalisation follows and that are not the head, with c = `ratio` where
        signal or gradient along the trunk fall by more than `trunk` e-foldings (information up to `severe`, a warning
        beyond), or with c = `alone` on its own. The right size keeps the activations' size for this layer's own
        activation and inputs.
    Why it matters:
        Activations tend to zero, and gradients with them: the network learns slowly or not at all (C15).
    When it is wrong:
        Schemes that start small on purpose, with a learnable or fixed factor after the layer.
    What helps:
        The std that is named, or `justfit.initialize_(module, *inputs, scheme='auto')`.

    References:
        He et al. 2015, "Delving deep into rectifiers", eq. 10. Glorot and Bengio 2010, "Understanding the difficulty of
        training deep feedforward neural networks", eq. 12. Lecture C15 to C17.
    """

    code: ClassVar[str] = "JF302"
    name: ClassVar[str] = "weights too small"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "Activations and gradients tend to zero, so the network learns slowly or not at all."
    when_wrong: ClassVar[str] = "Some schemes start small on purpose and scale up later."
    cure: ClassVar[str] = "Run justfit.initialize_(module, *inputs, scheme='auto')."
    ratio: float = 1.2
    alone: float = 30.0
    trunk: float = 3.0
    severe: float = 6.0

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Hold each weight's size against the right one."""
        layers = judged_layers(evidence)
        if not layers:
            return NotApplicable("the right size is known of no weight whose size matters")
        shrinks, _ = trunk_growth(evidence)
        found = []
        for layer in layers:
            ratio = layer.right_weight_rms / layer.weight_rms if layer.weight_rms > 0 else math.inf
            limit = self.ratio if -shrinks > self.trunk else self.alone
            if ratio <= limit:
                continue
            finding = self.finding(
                layer.name,
                ratio,
                limit,
                unit="right std over std",
                evidence=in_words(layer),
                source=layer.source,
                severity="warning" if ratio > self.alone or -shrinks > self.severe else "info",
                cure=f"Draw `{layer.parameter}` with std {layer.right_weight_rms:.3g}, or run "
                "justfit.initialize_(module, *inputs, scheme='auto').",
            )
            found.append((ratio, finding))
        return worst_first(found)
