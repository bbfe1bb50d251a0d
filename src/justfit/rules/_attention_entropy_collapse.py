"""JF208."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, SignalEvidence
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule, worst_first


@dataclass(frozen=True, slots=True)
class AttentionEntropyCollapse(SignalRule):
    r"""The attention logits are so large that each query looks at one token only.

    How it is detected:
        .. math:: \mathrm{std}(\text{logits}) > m \beta_c, \quad \beta_c = \sqrt{2 \ln T}

        for T keys, with m = `margin`; at β_c a softmax of independent normal logits condenses on its largest. And the
        mean entropy of the attention < `entropy` of ln T. Fewer than `tokens` keys are not judged.
    Why it matters:
        The softmax is saturated: the gradient to queries and keys is next to zero, so the attention stays what it was
        at random, and training is unstable.
    When it is wrong:
        Trained heads that copy one position are meant to be so; rarely are nearly all queries of an operation.
    What helps:
        Scale the logits by one over the root of the head's width; smaller query and key weights; normalised queries
        and keys.

    References:
        Derrida 1981, "Random-energy model: an exactly solvable model of disordered systems" (the condensation).
        Giorlandino and Goldt 2025, "Two failure modes of deep transformers and how to avoid them" (arXiv 2505.24333).
    """

    code: ClassVar[str] = "JF208"
    name: ClassVar[str] = "attention entropy collapse"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "The softmax is saturated, so queries and keys get next to no gradient."
    when_wrong: ClassVar[str] = "Trained heads may look at one position on purpose."
    cure: ClassVar[str] = "Scale the logits by 1/sqrt(head width), or use smaller query and key weights."
    things: ClassVar[str] = "attention operations"
    margin: float = 2.0
    entropy: float = 0.3
    tokens: int = 3

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Hold the logits' standard deviation against the condensation point."""
        able = [signal for signal in evidence.attention if signal.num_tokens >= self.tokens]
        measured = [signal for signal in able if not math.isnan(signal.logit_std + signal.entropy_fraction)]
        if not measured:
            return NotApplicable("no attention over enough tokens was measured")
        found = []
        for signal in measured:
            critical = math.sqrt(2 * math.log(signal.num_tokens))
            if signal.logit_std > self.margin * critical and signal.entropy_fraction < self.entropy:
                words = (
                    f"logits of std {signal.logit_std:.3g}, condensation at {critical:.3g} for {signal.num_tokens} "
                    f"keys; the attention's entropy is {signal.entropy_fraction:.0%} of a uniform one's"
                )
                finding = self.finding(
                    signal.name,
                    signal.logit_std,
                    self.margin * critical,
                    unit="standard deviation of the logits",
                    evidence=words,
                    source=signal.source,
                )
                found.append((signal.logit_std / critical, finding))
        return worst_first(found)
