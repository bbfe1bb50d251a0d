"""JF408."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import ClassVar

from justfit.records import Severity, WatchEvidence
from justfit.rules._motion import LEAST_SAMPLES, lasting, motions, shrinking
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import worst_first
from justfit.rules._watch_rule import WatchOutcome, WatchRule


@dataclass(frozen=True, slots=True)
class UpdatesTooLarge(WatchRule):
    r"""Single steps replace a good part of a layer's weights, again and again.

    How it is detected:
        .. math:: r_t = \frac{\lVert\Delta w_t\rVert}{\sqrt{\lVert w_t\rVert^2 + \lVert\Delta w_t\rVert^2}}

        r ≥ `threshold` as the median over the later half of the samples and at the last one, in most of the layers with
        units: such layers remember 1/r steps. The first updates are large where weights begin at zero and where Adam
        has no averages yet, so a run whose last sample lies before `later` of its steps is not judged.
    Why it matters:
        A step of that size goes far beyond where the gradient holds, and forgets what the last ones learned.
    When it is wrong:
        Layers with very few weights.
    What helps:
        A smaller learning rate, gradient clipping; a smaller weight decay where the weights shrink.

    References:
        You et al. 2017, "Large batch training of convolutional networks", section 4 (ratio of weight to update).
    """

    code: ClassVar[str] = "JF408"
    name: ClassVar[str] = "updates too large"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "A step of that size goes far beyond where the gradient holds."
    when_wrong: ClassVar[str] = "Layers of very few weights move a lot and come to no harm."
    cure: ClassVar[str] = "Lower the learning rate, or clip the gradient."
    threshold: float = 0.15
    later: float = 0.1

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Look at the later updates of every layer with units."""
        layers = [one for one in motions(evidence) if one.layer.has_units and len(one.steps) >= LEAST_SAMPLES]
        if not layers:
            return NotApplicable("no layer with units that is trained was sampled twice")
        if max(one.steps[-1] / max(one.num_steps, 1) for one in layers) < self.later:
            return NotApplicable("no step but the first ones was sampled")
        if median(one.late for one in layers) < self.threshold:
            return ()
        cure = "The weights shrink to nothing: lower the weight decay." if shrinking(evidence) else ""
        found = []
        for one in layers:
            late = lasting(list(zip(one.steps, one.updates, strict=True)), self.threshold)
            if late is not None:
                value, since = late
                finding = self.finding(
                    one.layer.name,
                    value,
                    self.threshold,
                    unit="of the weight's norm a step",
                    evidence=f"each step changes its weights by {value:.2g} of their norm, from step {since} on",
                    since=since,
                    source=one.layer.source,
                    cure=cure,
                )
                found.append((value, finding))
        return worst_first(found)
