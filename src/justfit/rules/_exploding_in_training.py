"""JF404."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from justfit.records import LayerTrace, Severity, WatchEvidence
from justfit.rules._motion import LEAST_SAMPLES, sampled
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import worst_first
from justfit.rules._watch_rule import WatchOutcome, WatchRule


@dataclass(frozen=True, slots=True)
class ExplodingInTraining(WatchRule):
    r"""A layer's gradient grows far beyond what it was, and stays there.

    How it is detected:
        .. math:: \ln\frac{\lVert g_t\rVert}{\operatorname{median}_{s \le t/2}\lVert g_s\rVert} > \text{threshold}

        for each of the last `lasting` samples, with the layer's own earlier half as its baseline, before clipping;
        threshold = `threshold` e-foldings; an error from `severe` on. A single spike is none. At least `least_samples`
        samples are needed.
    Why it matters:
        Steps that are thousands of times longer than those that trained the network destroy what it learned.
    When it is wrong:
        Losses that are summed over growing batches or sequences, or scaled up on the way.
    What helps:
        Clip the gradient, lower the learning rate, `justfit.initialize_`, normalisation; look at the batch where it began.

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

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Hold each layer's last gradients against its own earlier ones."""
        layers = [(one, sampled(evidence, one, one.gradient_norm)) for one in evidence.layers if one.num_trainable]
        layers = [(layer, series) for layer, series in layers if len(series) >= self.least_samples]
        if not layers:
            return NotApplicable(f"no layer's gradient was sampled {self.least_samples:g} times")
        found = []
        for layer, series in layers:
            growth = self._growth(layer, series)
            if growth is not None:
                value, since, before = growth
                words = f"its gradient is e^{value:.1f} times its earlier median {before:.2g}, from step {since} on"
                finding = self.finding(
                    layer.name,
                    value,
                    self.threshold,
                    unit="e-foldings",
                    evidence=words,
                    since=since,
                    source=layer.source,
                    severity="error" if value > self.severe else "warning",
                )
                found.append((value, finding))
        return worst_first(found)

    def _growth(self, layer: LayerTrace, series: list[tuple[int, float]]) -> tuple[float, int, float] | None:
        """Growth in e-foldings, since when, and the baseline; None where there is none."""
        half = max(len(series) // 2, LEAST_SAMPLES)
        baseline = [value for _, value in series[:half] if value > 0]
        # a layer that began at zero passes no gradient at first
        if len(baseline) < LEAST_SAMPLES or not all(weight > 0 for weight in layer.weight_norm[:1]):
            return None
        before = median(baseline)
        bar = before * math.exp(self.threshold)
        last = [value for _, value in series[-int(self.lasting) :]]
        if min(last) <= bar:
            return None
        since = series[-1][0]
        for step, value in reversed(series):
            if value <= bar:
                break
            since = step
        return math.log(min(last) / before), since, before
