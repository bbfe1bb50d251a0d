"""JF405."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Finding, LayerTrace, Severity, WatchEvidence
from justfit.rules._motion import lasting_layers
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import worst_first
from justfit.rules._watch_rule import WatchOutcome, WatchRule


@dataclass(frozen=True, slots=True)
class DeadInTraining(WatchRule):
    r"""Most units of a layer are off on every example, step after step.

    How it is detected:
        The share of units whose activation has derivative zero on every example of the sampled batch: median over the
        later half of the samples ≥ `threshold`, and at least as much at the last. All units at every one of them are an
        error. Only activations with a flat region are judged (ReLU, not GELU or SiLU).
    Why it matters:
        A unit that is off for every example gets no gradient, so it stays off; a layer of them passes nothing on.
    When it is wrong:
        Batches of one or two examples show many units as off that others wake; wide networks can spare them.
    What helps:
        A smaller learning rate or a warm-up, zero or slightly positive biases, normalisation, LeakyReLU or GELU.

    References:
        Lu et al. 2019, "Dying ReLU and initialization: theory and numerical examples". Lecture C7, C15.
    """

    code: ClassVar[str] = "JF405"
    name: ClassVar[str] = "units dead in training"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "A unit that is off for every example gets no gradient, so it stays off."
    when_wrong: ClassVar[str] = "Batches of one or two examples show units as off that others wake."
    cure: ClassVar[str] = (
        "Lower the learning rate or warm it up, start biases at zero, normalise, or use LeakyReLU or GELU."
    )
    threshold: float = 0.9

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Look at the later samples of every layer."""
        layers = lasting_layers([(layer, layer.dead_fraction) for layer in evidence.layers], evidence, self.threshold)
        if layers is None:
            return NotApplicable("no activation with a flat region was measured")
        return worst_first([(value, self._describe(layer, value, since)) for layer, value, since in layers])

    def _describe(self, layer: LayerTrace, value: float, since: int) -> Finding:
        return self.finding(
            layer.name,
            value,
            self.threshold,
            unit="share of units",
            evidence=f"{value:.0%} of the units are off on all examples, from step {since} on",
            since=since,
            source=layer.source,
            severity="error" if value == 1 else "warning",
        )
