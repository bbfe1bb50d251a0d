"""What to do after an epoch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Stop or go on, and which network to keep.

    Attributes:
        stop: No later epoch is expected to be better by more than the margin.
        is_best: This epoch is the best so far: keep its network.
        best_epoch: The best epoch so far, whose network is kept; the first one as long as nothing was validated.
        probability: That no later epoch is better than the best by more than the margin, in [0, 1].
        reason: Why, one sentence.
    """

    stop: bool
    is_best: bool
    best_epoch: int
    probability: float
    reason: str
