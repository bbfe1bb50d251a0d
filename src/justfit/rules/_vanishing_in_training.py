"""JF403."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, WatchEvidence
from justfit.rules._loss_curve import loss_curve
from justfit.rules._loss_progress import progress, stands_still, warming_up
from justfit.rules._motion import LEAST_SAMPLES, SETTLED, Motion, motions
from justfit.rules._rule import NotApplicable
from justfit.rules._watch_rule import WatchOutcome, WatchRule


@dataclass(frozen=True, slots=True)
class VanishingInTraining(WatchRule):
    r"""The first layers get so little gradient that they stay what they were at random.

    How it is detected:
        .. math:: \ln\frac{\max_l \lVert g_l\rVert / \lVert w_l\rVert}{\lVert g_1\rVert / \lVert w_1\rVert}
                  > \text{threshold}, \quad \frac{M_1}{\max_l M_l} < \text{behind}, \quad
                  M_l = \sum_t \frac{\lVert\Delta w_{l,t}\rVert}{\lVert (w, \Delta w)_{l,t}\rVert}

        with gradient over weight as the median over the samples, the first layer with units that is trained as layer 1,
        threshold = `threshold` e-foldings, behind = `behind`, and M below `moved`: it gets little gradient, and the
        optimizer does not make up for it. Where it does (Adam), it moves the layer along noise; then the loss must show
        it: it falls by less than `still` of its level from the second tenth of the run to the last fifth, or, from
        `severe` e-foldings on, it has fallen by less than `learned` in all. A gradient of exactly zero at every sample
        while later layers get some is an error, but where only the first few steps were sampled, in which weights that
        begin at zero stop it: then the loss must stand still as well. Fewer than `least_layers` layers are not judged.
    Why it matters:
        The network learns with its last layers alone, on features that are random.
    When it is wrong:
        Fine-tuning with smaller learning rates for the first layers, where the gradient is small as well.
    What helps:
        `justfit.initialize_(module, *inputs, scheme='auto')`; residual connections; normalisation; ReLU for sigmoid.

    References:
        Glorot and Bengio 2010. Schoenholz et al. 2017, "Deep information propagation", sections 4 and 5 (six depth
        scales). Lecture C12, C13.
    """

    code: ClassVar[str] = "JF403"
    name: ClassVar[str] = "vanishing gradient in training"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "The network learns with its last layers alone, on features that are random."
    when_wrong: ClassVar[str] = "Fine-tuning may hold the first layers back on purpose."
    cure: ClassVar[str] = (
        "Run justfit.initialize_(module, *inputs, scheme='auto') before training, or add residual connections or "
        "normalisation."
    )
    threshold: float = 6.0
    behind: float = 0.1
    moved: float = 0.3
    still: float = 0.04
    severe: float = 9.0
    learned: float = 0.5
    least_layers: float = 2.0

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Compare the first layer's gradient and movement with the others'."""
        layers = [one for one in motions(evidence) if one.layer.has_units and len(one.steps) >= LEAST_SAMPLES]
        if len(layers) < self.least_layers:
            return NotApplicable("fewer than two layers with units that are trained were sampled twice")
        stopped = self._stopped(layers)
        if stopped is not None:
            return stopped if layers[0].steps[-1] > SETTLED or stands_still(evidence) else ()
        ratios = [math.nan if math.isnan(one.gradient) else one.gradient for one in layers]
        largest = max((ratio for ratio in ratios if ratio > 0), default=math.nan)
        if not (ratios[0] > 0 and largest > 0):
            return ()
        span = math.log(largest / ratios[0])
        most = max(one.total for one in layers)
        left_behind = layers[0].total < min(self.behind * most, self.moved)
        if span <= self.threshold or not (left_behind or self._shows(evidence, span)):
            return ()
        behind = [one for one, ratio in zip(layers, ratios, strict=True) if ratio * math.exp(self.threshold) < largest]
        first = layers[0]
        words = (
            f"its gradient is e^{span:.1f} smaller, for its weights, than that of "
            f"`{layers[ratios.index(largest)].layer.name}`, and it moved by {first.total:.2g} of its norm in all, the "
            f"most by {most:.2g}; {len(behind)} of {len(layers)} layers are behind"
        )
        return (
            self.finding(
                first.layer.name,
                span,
                self.threshold,
                unit="e-foldings",
                evidence=words,
                since=first.steps[0],
                source=first.layer.source,
            ),
        )

    def _shows(self, evidence: WatchEvidence, span: float) -> bool:
        """The loss shows that the network does not learn, although the optimizer moves its first layer."""
        curve = loss_curve(evidence)
        if isinstance(curve, str) or warming_up(evidence):
            return False
        level = curve.level(0.1, 0.2)
        stands = level - curve.end < self.still * abs(level)
        return stands or (span > self.severe and progress(curve).fall < self.learned)

    def _stopped(self, layers: Sequence[Motion]) -> WatchOutcome | None:
        """Judge a gradient of exactly zero at every sample."""
        zero = [one for one in layers if not any(one.work) and not any(_gradients(one))]
        if not zero or zero[0] is not layers[0] or len(zero) == len(layers) or self.threshold == math.inf:
            return None
        alive = next(one for one in layers if one not in zero)
        words = (
            f"its gradient is exactly 0 at all {len(zero[0].steps)} sampled steps, while `{alive.layer.name}` gets "
            f"one; {len(zero)} of {len(layers)} layers get none"
        )
        first = zero[0]
        return (
            self.finding(
                first.layer.name,
                math.inf,
                self.threshold,
                unit="e-foldings",
                evidence=words,
                since=first.steps[0],
                source=first.layer.source,
                severity="error",
            ),
        )


def _gradients(one: Motion) -> list[float]:
    return [value for value in one.layer.gradient_norm if not math.isnan(value)]
