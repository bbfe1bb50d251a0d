"""What a repair costs: steps of the user's own training, which decide, and CPU seconds, which are told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """Counts training steps, and measures CPU seconds.

    Steps are a function of the seed alone, so the same call stops at the same place on any machine, however busy it
    is. A step counts as one whatever change it is taken under. Seconds never decide anything.

    Attributes:
        budget: Trainings of the user's network that may be spent.
        num_steps: Of one such training.
        epochs: Of one such training.
        spent: Steps taken so far, in all networks.
        plain_seconds: CPU seconds of one step of the user's training with its share of the look at the validation rows
            after each epoch; measured on the baseline without what watching it took; 0 as long as it is not known.
    """

    budget: float
    num_steps: int
    epochs: int
    spent: int = 0
    plain_seconds: float = 0.0
    started: float = field(default_factory=time.process_time)

    def count(self, steps: int, seconds: float) -> None:
        """Enter steps; what they took stands for a plain step where the baseline could not be trained."""
        self.spent += steps
        if self.plain_seconds == 0 and steps:
            self.plain_seconds = seconds / steps

    @property
    def seconds(self) -> float:
        """CPU seconds so far."""
        return time.process_time() - self.started

    @property
    def trainings(self) -> float:
        """Steps so far, as a multiple of those of one training."""
        return self.spent / self.num_steps

    @property
    def network_epochs(self) -> float:
        """Epochs trained so far, in all networks."""
        return self.trainings * self.epochs

    @property
    def left(self) -> int:
        """Steps that may still be taken."""
        return max(0, int(self.budget * self.num_steps) - self.spent)

    def can_pay(self, steps: int) -> bool:
        """Say whether so many steps may still be taken."""
        return steps <= self.left
