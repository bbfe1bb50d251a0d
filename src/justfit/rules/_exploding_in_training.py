"""JF404."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from justfit.records import Finding, LayerTrace, Severity, WatchEvidence
from justfit.rules._loss_curve import loss_curve
from justfit.rules._loss_progress import learned
from justfit.rules._motion import sampled
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import worst_first
from justfit.rules._watch_rule import WatchOutcome, WatchRule

# Layers whose activations are compared with each other at least.
LEAST_LAYERS = 3


@dataclass(frozen=True, slots=True)
class ExplodingInTraining(WatchRule):
    r"""A layer's gradient grows far beyond what it was, and stays there.

    How it is detected:
        .. math:: \ln\frac{\lVert g_t\rVert}{\operatorname{median}_{s \le t/2}\lVert g_s\rVert} > \text{threshold}

        for each of the last `lasting` samples, with the layer's own earlier half as its baseline, before clipping;
        threshold = `threshold` e-foldings; an error from `severe` on. A single spike is none. At least `least_samples`
        samples are needed. Where the loss has fallen by `fall` of its size and kept it, the growth is information: the
        gradient of a network that leaves a saddle grows as well. Or, at the first sample, the activations of at least
        three layers in a row, none of them normalised, grow by more than `growth` e-foldings a layer on average, or by
        more than `in_all` in all while the loss begins at `blown` times what it soon comes down to: their gradients
        then grow as much on the way back.
    Why it matters:
        Steps that are thousands of times longer than those that trained the network destroy what it learned.
    When it is wrong:
        Losses that are summed over growing batches or sequences, or scaled up on the way.
    What helps:
        Clip the gradient, lower the learning rate, `justfit.initialize_`, normalisation; look at the batch
        where it began.

    References:
        Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", section 3.2.
    """

    code: ClassVar[str] = "JF404"
    name: ClassVar[str] = "exploding gradient in training"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "Steps far longer than those that trained the network destroy what it learned."
    when_wrong: ClassVar[str] = "The loss may be scaled up on the way on purpose."
    cure: ClassVar[str] = "Clip the gradient, lower the learning rate, normalise, and look at the batch where it began."
    threshold: float = 5.0
    severe: float = 9.0
    lasting: float = 2.0
    least_samples: float = 6.0
    fall: float = 0.3
    growth: float = 1.2
    in_all: float = 4.0
    blown: float = 3.0

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Hold each layer's last gradients against its own earlier ones, and the first activations together."""
        layers = [(one, sampled(evidence, one, one.gradient_norm)) for one in evidence.layers if one.num_trainable]
        layers = [(layer, series) for layer, series in layers if len(series) >= self.least_samples]
        signal = self._growing_signal(evidence)
        if not layers and signal is None:
            return NotApplicable(f"no layer's gradient was sampled {self.least_samples:g} times")
        well = learned(evidence, self.fall)
        found = [one for layer, series in layers for one in self._judge(layer, series, well=well)]
        return worst_first(found + ([(signal.value, signal)] if signal is not None else []))

    def _judge(self, layer: LayerTrace, series: list[tuple[int, float]], *, well: bool) -> list[tuple[float, Finding]]:
        growth = self._growth(layer, series)
        if growth is None:
            return []
        value, since, before = growth
        severity: Severity = "error" if value > self.severe else "warning"
        finding = self.finding(
            layer.name,
            value,
            self.threshold,
            unit="e-foldings",
            evidence=f"its gradient is e^{value:.1f} times its earlier median {before:.2g}, from step {since} on",
            since=since,
            source=layer.source,
            severity="info" if well else severity,
        )
        return [(value, finding)]

    def _growing_signal(self, evidence: WatchEvidence) -> Finding | None:
        """Judge activations that grow from layer to layer at the first sample."""
        layers = [
            (layer, layer.activation_rms[0])
            for layer in evidence.layers
            if layer.has_units and layer.activation_rms and 0 < layer.activation_rms[0] < math.inf
        ]
        if len(layers) < LEAST_LAYERS or any(layer.normalised for layer, _ in layers):
            return None
        whole = math.log(layers[-1][1] / layers[0][1])
        growth = whole / (len(layers) - 1)
        if growth <= self.growth and not (whole > self.in_all and self._is_blown(evidence)):
            return None
        first, last = layers[0][0], layers[-1][0]
        return self.finding(
            last.name,
            growth if growth > self.growth else whole,
            self.growth if growth > self.growth else self.in_all,
            unit="e-foldings a layer" if growth > self.growth else "e-foldings",
            evidence=f"from `{first.name}` to `{last.name}` the activations grow by e^{growth:.1f} a layer at the "
            "start, and their gradients as much on the way back",
            since=1,
            source=last.source,
            cure="Make the weights smaller: justfit.initialize_(module, *inputs, scheme='auto') before training.",
        )

    def _is_blown(self, evidence: WatchEvidence) -> bool:
        curve = loss_curve(evidence)
        return not isinstance(curve, str) and curve.start > self.blown * curve.level(0.1, 0.2)

    def _growth(self, layer: LayerTrace, series: list[tuple[int, float]]) -> tuple[float, int, float] | None:
        """Growth in e-foldings, since when, and the baseline; None where there is none."""
        half = len(series) // 2
        baseline = [value for _, value in series[:half] if value > 0]
        # a layer that began at zero passes no gradient at first
        if 2 * len(baseline) < half or not all(weight > 0 for weight in layer.weight_norm[:1]):
            return None
        before = median(baseline)
        heights = [(step, math.log(value / before) if value > 0 else -math.inf) for step, value in series]
        least = min(height for _, height in heights[-int(self.lasting) :])
        if least <= self.threshold:
            return None
        since = series[-1][0]
        for step, height in reversed(heights):
            if height <= self.threshold:
                break
            since = step
        return least, since, before
