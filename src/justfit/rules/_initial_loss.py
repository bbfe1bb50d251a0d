"""JF504."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, SignalEvidence
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule


@dataclass(frozen=True, slots=True)
class InitialLoss(SignalRule):
    r"""The first loss is far above what an uninformed prediction costs.

    How it is detected:
        Cross entropies, in nats, where `margin` nats are more than what rounding or luck can do:

        .. math:: L - L_{expected} > \max(\text{margin}, L_{expected}), \quad L_{expected} = \ln C

        and an error from `severe` nats above on. Other losses have a unit, so only their ratio is judged: a warning
        for L > `ratio` times the expected. A loss below the expected is that of a trained network.
    Why it matters:
        The network is confident in random answers; the first steps only shrink the head, and they may be large enough
        to break what lies before it.
    When it is wrong:
        A trained network on examples or labels it has never seen.
    What helps:
        A small head: `justfit.initialize_(module, *inputs, scheme='auto')` makes it so. For regression,
        standardized targets.

    References:
        Karpathy 2019, "A recipe for training neural networks" (verify the loss at initialization).
    """

    code: ClassVar[str] = "JF504"
    name: ClassVar[str] = "initial loss too high"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "The network is confident in random answers, and the first steps only undo that."
    when_wrong: ClassVar[str] = "It may be a trained network on labels it has never seen."
    cure: ClassVar[str] = (
        "Start with a small head: justfit.initialize_(module, *inputs, scheme='auto'); standardize regression targets."
    )
    margin: float = 1.0
    severe: float = 10.0
    ratio: float = 30.0

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Hold the first loss against that of an uninformed prediction."""
        loss = evidence.loss
        if not (math.isfinite(loss.value) and math.isfinite(loss.expected)):
            return NotApplicable("the loss, or what an uninformed prediction would cost, is not known")
        in_nats = loss.num_classes > 0 or "cross_entropy" in loss.name
        threshold = loss.expected + max(self.margin, loss.expected) if in_nats else self.ratio * loss.expected
        if loss.value <= threshold or loss.expected <= 0:
            return ()
        severity: Severity = "error" if in_nats and loss.value - loss.expected > self.severe else "warning"
        last = next((layer for layer in reversed(evidence.layers) if layer.is_output), None)
        words = (
            f"loss {loss.value:.3g}, an uninformed prediction costs {loss.expected_words or 'about'} "
            f"{'= ' if loss.expected_words else ''}{loss.expected:.3g}; outputs of rms {loss.output_rms:.3g}"
        )
        return (
            self.finding(
                last.name if last else "loss",
                loss.value,
                threshold,
                unit="nats" if in_nats else "in the unit of the loss",
                evidence=words,
                source=last.source if last else None,
                severity=severity,
            ),
        )
