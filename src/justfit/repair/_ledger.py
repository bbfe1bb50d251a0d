"""What a repair costs, in steps of the user's own training and in CPU seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

# CPU seconds that a repair takes however short the training is: looking at the network, trying remedies on copies.
FIXED_SECONDS = 2.0
# Share of the budget that goes to training steps; the rest is for checks, looks at validation rows, and the watch.
STEPS = 0.9


@dataclass(slots=True)
class Ledger:
    """Counts training steps, which decide, and CPU seconds, which are told.

    Steps are a function of the seed alone, so the same call stops at the same place on any machine; CPU seconds are
    not. They only stop a repair that costs far more than its steps, as one whose networks are slow to judge would.

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
        """CPU seconds so far, as a multiple of one plain training."""
        return self.seconds / (self.plain_seconds * self.num_steps) if self.plain_seconds > 0 else 0.0

    @property
    def network_epochs(self) -> float:
        """Epochs trained so far, in all networks."""
        return self.spent / self.num_steps * self.epochs

    @property
    def left(self) -> int:
        """Steps that may still be taken; 0 once the seconds are spent as well."""
        if self.seconds - FIXED_SECONDS > self.budget * self.plain_seconds * self.num_steps > 0:
            return 0
        return max(0, int(self.budget * STEPS * self.num_steps) - self.spent)

    def can_pay(self, steps: int) -> bool:
        """Say whether so many steps may still be taken."""
        return steps <= self.left
