"""JF303."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, SignalEvidence
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule, worst_first
from justfit.rules._weight_scale import in_words, judged_layers, trunk_growth


@dataclass(frozen=True, slots=True)
class WeightsTooLarge(SignalRule):
    r"""A layer's weights are larger than what keeps the signal, and the network suffers from it.

    How it is detected:
        .. math:: \frac{\sigma_w}{\sigma_{right}} > c

        on layers outside branches that no normalisation follows and that are not the head, with c = `ratio` where
        signal or gradient along the trunk grow by more than `trunk` e-foldings (information up to `severe`, a warning
        beyond), with c = `with_loss` (a warning) where the first loss lies more than `loss` times what an uninformed
        prediction costs above it, or with c = `alone` on its own. The right size keeps the activations' size for this
        layer's own activation and inputs.
    Why it matters:
        With ReLU the outputs explode, with tanh the units saturate and the gradient grows chaotically; training is
        slow or diverges (C15).
    When it is wrong:
        Networks that divide by a factor in their forward pass, such as those with an equalised learning rate.
    What helps:
        The std that is named, or `justfit.initialize_(module, *inputs, scheme='auto')`.

    References:
        He et al. 2015, "Delving deep into rectifiers", eq. 10. Glorot and Bengio 2010, "Understanding the difficulty of
        training deep feedforward neural networks", eq. 12. Lecture C15 to C17.
    """

    code: ClassVar[str] = "JF303"
    name: ClassVar[str] = "weights too large"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "Outputs explode or units saturate, so training is slow or diverges."
    when_wrong: ClassVar[str] = "The forward pass may divide by a factor that this rule does not see."
    cure: ClassVar[str] = "Run justfit.initialize_(module, *inputs, scheme='auto')."
    ratio: float = 1.2
    alone: float = 30.0
    trunk: float = 3.0
    severe: float = 6.0
    with_loss: float = 5.0
    loss: float = 3.0

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Hold each weight's size against the right one."""
        layers = judged_layers(evidence)
        if not layers:
            return NotApplicable("the right size is known of no weight whose size matters")
        _, grows = trunk_growth(evidence)
        swollen = evidence.loss.value - evidence.loss.expected > self.loss * max(1.0, evidence.loss.expected)
        found = []
        for layer in layers:
            ratio = layer.weight_rms / layer.right_weight_rms
            limit = self.ratio if grows > self.trunk else self.with_loss if swollen else self.alone
            if ratio <= limit:
                continue
            finding = self.finding(
                layer.name,
                ratio,
                limit,
                unit="std over right std",
                evidence=in_words(layer),
                source=layer.source,
                severity=self._severity(ratio, grows, swollen=swollen),
                cure=f"Draw `{layer.parameter}` with std {layer.right_weight_rms:.3g}, or run "
                "justfit.initialize_(module, *inputs, scheme='auto').",
            )
            found.append((ratio, finding))
        return worst_first(found)

    def _severity(self, ratio: float, grows: float, *, swollen: bool) -> Severity:
        sure = ratio > self.alone or grows > self.severe or (swollen and ratio > self.with_loss)
        return "warning" if sure else "info"
