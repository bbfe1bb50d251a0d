"""JF201."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Finding, Severity, SignalEvidence, TrunkPoint
from justfit.rules._growth import gradient_growth, inner_trunk, layer_between
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule


@dataclass(frozen=True, slots=True)
class VanishingGradient(SignalRule):
    r"""The gradient shrinks so much on its way back that the first layers do not learn.

    How it is detected:
        .. math:: \ln\frac{\lVert\partial L/\partial a_{last}\rVert}{\lVert\partial L/\partial a_{first}\rVert}
                  = \frac{\text{depth}}{\xi} > \text{threshold}

        along the trunk (outside residual branches), with threshold = `threshold` e-foldings; an error from `severe` on,
        or where the gradient is exactly zero. With six points or more a median of two or three points stands for each
        end. Where a normalisation reads the activations, their size times the gradient is compared.
    Why it matters:
        Layers that get no gradient stay what they were at random, whatever the learning rate of the others (C12, C13).
    When it is wrong:
        Optimizers that normalise each weight's gradient (Adam) make up for a part of it. A head that starts at zero
        gives no gradient in the first step; then the rule does not judge.
    What helps:
        `justfit.initialize_(module, *inputs, scheme='auto')`; residual connections; normalisation.

    References:
        Schoenholz et al. 2017, "Deep information propagation", sections 4 and 5, who find networks trainable up to
        about six depth scales of the squared gradient; here the gradient itself is held against the threshold, which
        is the more lenient. Lecture C12, C13.
    """

    code: ClassVar[str] = "JF201"
    name: ClassVar[str] = "vanishing gradient"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "The first layers get next to no gradient, so they stay what they were at random."
    when_wrong: ClassVar[str] = "Adam and its kin rescale each weight's gradient and so make up for a part of it."
    cure: ClassVar[str] = (
        "Run justfit.initialize_(module, *inputs, scheme='auto'), or add residual connections or normalisation."
    )
    threshold: float = 6.0
    severe: float = 9.0

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Follow ∂L/∂activation from the last trunk point to the first."""
        points = [point for point in inner_trunk(evidence) if not math.isnan(point.gradient_norm)]
        if len(points) < 2:
            return NotApplicable("fewer than two points of the trunk have a gradient")
        if points[0].gradient_norm == 0:
            return self._stopped(evidence, points)
        growth = gradient_growth(evidence)
        if growth is None:
            return NotApplicable("fewer than two points of the trunk can be compared")
        if growth.log_ratio <= self.threshold:
            return ()
        words = (
            f"∂L/∂activation falls by e^{growth.log_ratio:.1f} from `{growth.last}` back to `{growth.first}`, e-fold "
            f"every {growth.depth_scale:.2g} of {growth.num_steps} steps; the largest single step, "
            f"{1 / growth.step:.2g}x, is at `{growth.steepest}`"
        )
        severity: Severity = "error" if growth.log_ratio > self.severe else "warning"
        return (self._found(growth.steepest, growth.source, growth.log_ratio, words, severity),)

    def _stopped(self, evidence: SignalEvidence, points: list[TrunkPoint]) -> SignalOutcome:
        """Judge a gradient of exactly zero at the first point."""
        zero = [layer for layer in evidence.layers if layer.weight_rms == 0]
        learns = any(layer.is_output or layer.weight_gradient_rms > 0 for layer in zero)
        if learns and any(layer.weight_rms > 0 for layer in evidence.layers if not layer.is_output):
            return NotApplicable(f"`{zero[0].name}` starts at zero, so no gradient passes it in the first step")
        alive = [index for index, point in enumerate(points) if point.gradient_norm > 0]
        if alive:
            maker = layer_between(points[alive[0] - 1], points[alive[0]])
            words = (
                f"∂L/∂activation is exactly 0 before `{maker.name}` and {points[alive[0]].gradient_norm:.2g} after it"
            )
            return (self._found(maker.name, maker.source, math.inf, words, "error"),)
        if any(point.kind == "output" and point.gradient_norm == 0 for point in evidence.trunk):
            return NotApplicable("the loss has no gradient at the network's output")
        last = points[-1]
        words = f"∂L/∂activation is exactly 0 at every point of the trunk, up to `{last.name}`"
        return (self._found(last.name, last.source, math.inf, words, "error"),)

    def _found(self, where: str, source: str | None, value: float, words: str, severity: Severity) -> Finding:
        return self.finding(
            where, value, self.threshold, unit="e-foldings", evidence=words, source=source, severity=severity
        )
