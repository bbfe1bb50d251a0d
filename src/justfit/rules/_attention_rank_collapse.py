"""JF207."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from justfit.records import Severity, SignalEvidence
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SignalOutcome, SignalRule


@dataclass(frozen=True, slots=True)
class AttentionRankCollapse(SignalRule):
    """Attention without a skip connection makes all tokens alike.

    How it is detected:
        Attention operations whose output is not added to their input, over at least `tokens` keys, with a mean cosine
        between two tokens' outputs > `cosine`, the first of them with inputs below that. At least `depth` of them are
        a warning; fewer are information.
    Why it matters:
        Averages of averages: every token ends at the same vector, doubly exponentially fast in depth, and what a token
        said is lost.
    When it is wrong:
        Attention that pools on purpose, as before a classifier, wants one vector and loses nothing.
    What helps:
        Add the attention's input to its output; larger query and key weights.

    References:
        Dong, Cordonnier and Loukas 2021, "Attention is not all you need: pure attention loses rank doubly
        exponentially with depth". Giorlandino and Goldt 2025, "Two failure modes of deep transformers and how to avoid
        them" (arXiv 2505.24333).
    """

    code: ClassVar[str] = "JF207"
    name: ClassVar[str] = "attention rank collapse"
    severity: ClassVar[Severity] = "warning"
    why: ClassVar[str] = "All tokens become the same vector, so what each one said is lost."
    when_wrong: ClassVar[str] = "Attention that pools on purpose wants one vector."
    cure: ClassVar[str] = "Add the attention's input to its output, or use larger query and key weights."
    cosine: float = 0.99
    tokens: int = 3
    depth: int = 3

    def check(self, evidence: SignalEvidence) -> SignalOutcome:
        """Look at the attention operations without a skip connection."""
        able = [signal for signal in evidence.attention if signal.num_tokens >= self.tokens]
        measured = [signal for signal in able if not math.isnan(signal.output_cosine + signal.input_cosine)]
        if not measured:
            return NotApplicable("no attention over enough tokens was measured")
        alike = [signal for signal in measured if not signal.residual and signal.output_cosine > self.cosine]
        if not alike or alike[0].input_cosine > self.cosine:
            return ()
        first = alike[0]
        words = (
            f"mean cosine between tokens {first.input_cosine:.3f} before and {first.output_cosine:.4f} after "
            f"`{first.name}`; so in {len(alike)} attention operations without a skip connection"
        )
        return (
            self.finding(
                first.name,
                first.output_cosine,
                self.cosine,
                unit="mean cosine",
                evidence=words,
                source=first.source,
                severity="warning" if len(alike) >= self.depth else "info",
            ),
        )
