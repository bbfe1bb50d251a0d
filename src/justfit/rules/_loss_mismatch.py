"""JF502."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from justfit.records import LossFaultKind, Severity, SignalEvidence
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule, worst_first

# How bad, what is wrong, what helps.
_FAULTS: dict[LossFaultKind, tuple[Severity, str, str]] = {
    "softmax_before_cross_entropy": (
        "error",
        "softmax before a cross entropy that takes its own softmax",
        "Give cross entropy the logits: remove the softmax from the forward pass.",
    ),
    "log_softmax_before_cross_entropy": (
        "info",
        "log_softmax before a cross entropy that takes its own: the same value, computed twice",
        "Nothing needs to be done; use nll_loss, or remove the log_softmax.",
    ),
    "sigmoid_before_cross_entropy": (
        "error",
        "sigmoid before a cross entropy that takes a softmax: no class can get a probability near 1",
        "Give cross entropy the logits: remove the sigmoid from the forward pass.",
    ),
    "sigmoid_before_bce_with_logits": (
        "error",
        "sigmoid before a binary cross entropy that takes its own sigmoid",
        "Give binary_cross_entropy_with_logits the logits: remove the sigmoid.",
    ),
    "no_sigmoid_before_bce": (
        "error",
        "binary_cross_entropy on an output that is no probability",
        "Use binary_cross_entropy_with_logits, or add a sigmoid.",
    ),
    "no_log_softmax_before_nll": (
        "error",
        "nll_loss on an output that holds no log-probabilities: its value has no lower bound",
        "Use cross_entropy, or add a log_softmax.",
    ),
    "broadcast_in_regression_loss": (
        "error",
        "output and target have different shapes that broadcast: every output is compared with every target",
        "Give both the same shape, for instance with output.squeeze(-1).",
    ),
    "targets_outside_output_range": (
        "warning",
        "targets lie outside what the last activation can reach",
        "Remove the last activation, or scale the targets into its range.",
    ),
    "one_output_for_cross_entropy": (
        "error",
        "cross entropy over a single class: the loss is always 0",
        "Use binary_cross_entropy_with_logits, or one output per class.",
    ),
}


@dataclass(frozen=True, slots=True)
class LossMismatch(SignalRule):
    """The network's output and the loss do not belong together.

    How it is detected:
        By the operation that makes the output, the loss function that reads it, and the shapes and range of the
        targets; wrong pairings > `threshold`. It is an error where training cannot reach what is meant, a warning where
        it falls short, information where nothing is lost.
    Why it matters:
        Such a network trains, its loss falls, and it learns something else; a softmax before cross entropy keeps the
        loss above a floor and shrinks the gradient.
    When it is wrong:
        Soft targets that are meant to be compared with every output.
    What helps:
        The pairing that the finding names.

    References:
        Goodfellow, Bengio and Courville 2016, "Deep learning", section 6.2.2.
    """

    code: ClassVar[str] = "JF502"
    name: ClassVar[str] = "output and loss do not match"
    severity: ClassVar[Severity] = "error"
    why: ClassVar[str] = "The network trains, its loss falls, and it learns something else than what is meant."
    when_wrong: ClassVar[str] = "The pairing may be meant, as with targets that every output is compared with."
    cure: ClassVar[str] = "Use the loss that belongs to the output."
    things: ClassVar[str] = "pairings"
    threshold: float = 0.0

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Translate the pairings that were seen."""
        loss = evidence.loss
        if loss.name == "random projection":
            return NotApplicable("no loss was given")
        if len(loss.faults) <= self.threshold:
            return ()
        last = next((layer for layer in reversed(evidence.layers) if layer.is_output), None)
        found = []
        for fault in loss.faults:
            severity, words, cure = _FAULTS[fault.kind]
            finding = self.finding(
                last.name if last else "loss",
                1.0,
                self.threshold,
                unit="wrong pairings",
                evidence=f"{words} ({fault.detail})" if fault.detail else words,
                source=last.source if last else None,
                severity=severity,
                cure=cure,
            )
            found.append((1.0, finding))
        return worst_first(found)
