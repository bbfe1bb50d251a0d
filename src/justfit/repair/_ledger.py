"""What a repair costs, in epochs of the user's own training and in CPU seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """Counts epochs, which decide, and CPU seconds, which are told.

    Epochs are a function of the seed alone, so the same call stops at the same place on any machine; CPU seconds are
    not. They only stop a repair that costs far more than its epochs, as one whose networks are slow to judge would.

    Attributes:
        budget: Trainings of the user's network that may be spent.
        epochs: Of one such training.
        num_epochs: Network-epochs spent so far.
        plain_seconds: CPU seconds of one epoch of the user's training with one look at the validation rows; measured on
            the baseline without what watching it took; 0 as long as it is not known.
    """

    budget: float
    epochs: int
    num_epochs: int = 0
    plain_seconds: float = 0.0
    started: float = field(default_factory=time.process_time)

    @property
    def seconds(self) -> float:
        """CPU seconds so far."""
        return time.process_time() - self.started

    @property
    def trainings(self) -> float:
        """CPU seconds so far, as a multiple of one plain training."""
        return self.seconds / (self.plain_seconds * self.epochs) if self.plain_seconds > 0 else 0.0

    @property
    def left(self) -> int:
        """Network-epochs that may still be spent; 0 once the seconds are spent as well."""
        if self.trainings >= self.budget:
            return 0
        return max(0, int(self.budget * self.epochs) - self.num_epochs)

    def can_pay(self, epochs: int) -> bool:
        """Say whether so many epochs may still be spent."""
        return epochs <= self.left
