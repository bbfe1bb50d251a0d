"""JF415."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Finding, LayerTrace, Severity, WatchEvidence
from justfit.rules._loss_progress import stands_still
from justfit.rules._motion import SETTLED
from justfit.rules._rule import NotApplicable
from justfit.rules._watch_rule import WatchOutcome, WatchRule


@dataclass(frozen=True, slots=True)
class ParametersUnchanged(WatchRule):
    r"""Parameters are meant to be trained and never change.

    How it is detected:
        A layer that requires a gradient and gets one, while no optimizer holds its parameters; or one whose update was
        exactly zero at each of at least `least_samples` sampled steps with a learning rate above zero, while others
        moved: steps at which it moved ≤ `threshold`; where only the first few steps were sampled the loss must stand
        still as well. Frozen layers (`requires_grad=False`) are none. A layer that gets
        no gradient at all is information: heads that this task does not use are common.
    Why it matters:
        The layer stays what it was at random, and its gradient is computed for nothing.
    When it is wrong:
        A backbone that is kept on purpose by giving the optimizer only the head; a part that another optimizer moves
        which is not watched.
    What helps:
        Make the optimizer after the last layer is in place, from `module.parameters()`; freeze with
        `requires_grad_(False)` what is to stay.

    References:
        torch.optim, "Constructing it".
    """

    code: ClassVar[str] = "JF415"
    name: ClassVar[str] = "parameters that never change"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "The layer stays what it was at random, and its gradient is computed for nothing."
    when_wrong: ClassVar[str] = "It may be kept on purpose, or be moved by an optimizer that is not watched."
    cure: ClassVar[str] = (
        "Give it to the optimizer, made after the last layer is in place; freeze with requires_grad_(False) what stays."
    )
    threshold: float = 0.0
    least_samples: float = 2.0

    def check(self, evidence: WatchEvidence) -> WatchOutcome:
        """Look for layers without an optimizer and for updates of zero."""
        if not any(one.steps for one in evidence.optimizers):
            return NotApplicable("no step of an optimizer was sampled")
        found = [self._judge(layer, evidence) for layer in evidence.layers]
        return tuple(sorted(filter(None, found), key=lambda finding: finding.severity == "info"))

    def _judge(self, layer: LayerTrace, evidence: WatchEvidence) -> Finding | None:
        if layer.num_trainable == 0 or self.threshold < 0:
            return None
        gradients = [value for value in layer.gradient_norm if not math.isnan(value)]
        if not 0 <= layer.optimizer < len(evidence.optimizers):
            gets = any(value > 0 for value in gradients)
            words = "no optimizer holds its parameters, and " + ("it gets a gradient" if gets else "no gradient came")
            return self._found(layer, words, since=1, severity="warning" if gets else "info")
        optimizer = evidence.optimizers[layer.optimizer]
        rows = zip(optimizer.steps, optimizer.learning_rate, layer.update_norm, strict=False)
        seen = [(step, update) for step, rate, update in rows if rate > 0 and not math.isnan(update)]
        moved = sum(update > 0 for _, update in seen)
        if len(seen) < self.least_samples or moved > self.threshold:
            return None
        if seen[-1][0] <= SETTLED and not stands_still(evidence):
            return None
        reason = "its gradient is zero" if gradients and not any(gradients) else "the steps are lost in rounding"
        words = (
            f"its update was exactly 0 at all {len(seen)} sampled steps: {reason if gradients else 'no gradient came'}"
        )
        return self._found(layer, words, since=seen[0][0], severity="warning" if gradients else "info")

    def _found(self, layer: LayerTrace, words: str, *, since: int, severity: Severity) -> Finding:
        return self.finding(
            layer.name,
            0.0,
            self.threshold,
            unit="steps at which it moved",
            evidence=words,
            since=since,
            source=layer.source,
            severity=severity,
        )
