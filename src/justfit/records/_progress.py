"""How far a long job is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One tick of a long job.

    Attributes:
        stage: What is being done, in words ("reading", "sweep: 240 networks", "refit", "writing").
        fraction: Share of the stage that is done, in [0, 1].
        detail: What to show beside the bar, may be empty ("epoch 12 of 60 · best validation loss 0.21 nats").
    """

    stage: str
    fraction: float
    detail: str = ""


OnProgress = Callable[[Progress], None]
