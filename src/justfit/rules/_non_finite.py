"""JF206."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, SignalEvidence
from justfit.rules._signal_rule import SignalOutcome, SignalRule

_CURES = {
    "input": "Clean the data: drop or fill the missing values, and look for infinities.",
    "parameter": "Load or initialize the parameter again; it was already broken before this pass.",
    "forward": "Keep the operation's input inside its range: add an epsilon, clamp, or scale the input down.",
    "loss": "Use the loss that takes logits, or keep the output inside the loss's range.",
    "backward": "Look for a root, norm, division or logarithm at zero: add an epsilon before it, not after it.",
}


@dataclass(frozen=True, slots=True)
class NonFiniteValues(SignalRule):
    """NaN or infinity appears in the first pass.

    How it is detected:
        The first tensor, in order of execution, that holds NaN or infinity although what went in was finite; values
        that are not finite > `threshold`.
    Why it matters:
        One NaN spreads to every parameter in one step; nothing measured after it means anything.
    When it is wrong:
        Infinity that is meant, such as a mask before a softmax, and that no later result depends on.
    What helps:
        An epsilon or a clamp before the operation that is named, smaller weights, clean data, a wider number type.

    References:
        IEEE 754. Goldberg 1991, "What every computer scientist should know about floating-point arithmetic".
    """

    code: ClassVar[str] = "JF206"
    name: ClassVar[str] = "NaN or infinity"
    severity: ClassVar[Severity] = "error"
    why: ClassVar[str] = "One NaN spreads to every parameter in one step."
    when_wrong: ClassVar[str] = "Infinity may be meant, as in a mask before a softmax."
    cure: ClassVar[str] = "Keep the operation's input inside its range."
    threshold: float = 0.0

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Name the operation that made the first one."""
        first = evidence.nonfinite
        if first is None or first.num_values <= self.threshold:
            return ()
        kind = "NaN" if first.kind == "nan" else "infinity"
        read = "" if math.isnan(first.largest_input) else f", largest input {first.largest_input:.3g}"
        after = f" after `{first.layer}`" if first.layer else ""
        words = f"{kind} in {first.num_values} values of `{first.operation}` ({first.stage}){after}{read}"
        return (
            self.finding(
                first.layer or first.operation,
                float(first.num_values),
                self.threshold,
                unit="values",
                evidence=words,
                source=first.source,
                cure=_CURES[first.stage],
            ),
        )
