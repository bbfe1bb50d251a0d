"""JF406."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Finding, LayerTrace, Severity, WatchEvidence
from justfit.rules._motion import lasting_layers
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import worst_first
from justfit.rules._watch_rule import WatchOutcome, WatchRule


@dataclass(frozen=True, slots=True)
class SaturatedInTraining(WatchRule):
    r"""Most activations of a hidden layer lie where the activation is flat, step after step.

    How it is detected:
        The share of (unit, example) pairs whose local derivative is below 5 % of the largest: median over the later
        half of the samples ≥ `threshold`, and at least as much at the last. Only activations that saturate are judged
        (tanh, sigmoid and their kin), and not that of the output, which is to saturate once it is certain.
    Why it matters:
        Next to no gradient passes a saturated unit: the layers before it learn slowly or not at all.
    When it is wrong:
        Gates and binary codes are saturated on purpose.
    What helps:
        Standardized inputs, smaller weights or learning rate, normalisation before the activation, ReLU or GELU.

    References:
        Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks".
    """

    code: ClassVar[str] = "JF406"
    name: ClassVar[str] = "units saturated in training"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "Next to no gradient passes a saturated unit, so the layers before it hardly learn."
    when_wrong: ClassVar[str] = "Gates and binary codes are saturated on purpose."
    cure: ClassVar[str] = (
        "Standardize the inputs, lower the weights or the learning rate, normalise before the activation, or use ReLU."
    )
    threshold: float = 0.7

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Look at the later samples of every hidden layer."""
        hidden = [(layer, layer.saturated_fraction) for layer in evidence.layers if not layer.is_output]
        layers = lasting_layers(hidden, evidence, self.threshold)
        if layers is None:
            return NotApplicable("no activation that saturates was measured in a hidden layer")
        return worst_first([(value, self._describe(layer, value, since)) for layer, value, since in layers])

    def _describe(self, layer: LayerTrace, value: float, since: int) -> Finding:
        return self.finding(
            layer.name,
            value,
            self.threshold,
            unit="share of activations",
            evidence=f"{value:.0%} of the activations are saturated, from step {since} on",
            since=since,
            source=layer.source,
        )
