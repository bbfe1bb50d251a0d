"""One hypothesis, tried."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from justfit.repair._alteration import Hypothesis
from justfit.repair._compare import MATERIAL, Gain
from justfit.repair._rates import rate, words_of
from justfit.repair._run import Run

MOST_COMBINED = 3
# Of a change that is only tried together with another.
COMBINED_WEIGHT = 0.2


@dataclass(slots=True)
class Trial:
    """One hypothesis and what became of it.

    Attributes:
        hypothesis: What was done differently.
        run: Its network; None where it could not be built or trained.
        step: At which it was last held against the baseline.
        gain: By how much it was better there; None where it could not be told.
        trouble: What it raised; "" if nothing.
    """

    hypothesis: Hypothesis
    run: Run | None = None
    step: int = 0
    gain: Gain | None = None
    trouble: str = ""

    @property
    def mean(self) -> float:
        """Its gain, or less than any."""
        return self.gain.mean if self.gain is not None else -math.inf

    @property
    def trained(self) -> Run:
        """Its network, of a hypothesis that could be trained."""
        if self.run is None:
            raise RuntimeError(f"`{self.hypothesis.name}` was not trained")
        return self.run

    @property
    def is_proven(self) -> bool:
        """Better beyond its interval, and materially so unless a finding names the very thing.

        What is wrong by construction needs no run to show that: of its remedy a whole training has to show that it
        is materially better, and not that chance alone could not be.
        """
        gain, hypothesis = self.gain, self.hypothesis
        if gain is None:
            return False
        if gain.is_proven or (hypothesis.named and gain.lower > 0):
            return True
        is_whole = self.run is not None and self.step >= self.run.num_steps
        return hypothesis.structural and is_whole and gain.mean >= MATERIAL and gain.lower > -MATERIAL


def combined(first: Trial, tried: list[Trial]) -> list[Hypothesis]:
    """A change that helps with each other that helps or that a finding points to, and with other learning rates.

    Of a deep network neither remedy may do anything without the other, so that those count which did nothing alone.
    """
    own = first.hypothesis
    causes = set(own.alteration.causes)
    others = [t for t in tried if t.run is not None and not causes & set(t.hypothesis.alteration.causes)]
    others = [t for t in others if t.hypothesis.because or (t.gain is not None and t.gain.lower > 0)]
    others.sort(key=lambda t: (-max(t.mean, 0.0), -t.hypothesis.weight))
    now = own.alteration.learning_rate
    factors = (0.1, 10.0) if now == 1 else (0.1,) if now < 1 else (10.0,)
    found = [both(own, other) for other in [*(t.hypothesis for t in others), *(rate(factor) for factor in factors)]]
    known = [t.hypothesis.alteration for t in tried]
    return [hypothesis for hypothesis in found if hypothesis.alteration not in known][:MOST_COMBINED]


def both(first: Hypothesis, other: Hypothesis) -> Hypothesis:
    """Two changes together; two learning rates are one."""
    alteration = first.alteration.with_(other.alteration)
    is_rate = set(alteration.changed) == {"learning_rate"}
    return replace(
        first,
        name=words_of(alteration.learning_rate) if is_rate else f"{first.name}, and {other.name}",
        alteration=alteration,
        weight=COMBINED_WEIGHT,
        named=False,
        structural=False,
        first=first.first or first.alteration,
    )
