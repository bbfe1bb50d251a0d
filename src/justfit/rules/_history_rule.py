"""What a history rule looks at, and what it is."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from justfit.errors import ArgumentError
from justfit.records import History
from justfit.rules._history_read import read
from justfit.rules._history_reading import Reading
from justfit.rules._rule import Disease, Outcome


@dataclass(frozen=True, kw_only=True)
class HistoryEvidence:
    """A history, and what it is held against.

    Attributes:
        history: At least one epoch.
        reference_loss: What a named reference reaches on rows it was not trained on; NaN where there is none.
        reference_name: What it is, in words.
        constant_loss: What the best constant prediction reaches on the same rows; NaN where it is not known.
        unit: Of the losses, such as "nats"; empty where it is not known.
    """

    history: History
    reference_loss: float = math.nan
    reference_name: str = ""
    constant_loss: float = math.nan
    unit: str = ""

    def __post_init__(self) -> None:
        if not self.history.epochs:
            raise ArgumentError(
                "A history must have at least one epoch.",
                found="none",
                way_out="Give the losses of the epochs that were trained.",
            )
        for name in ("reference_loss", "constant_loss"):
            if math.isinf(getattr(self, name)):
                raise ArgumentError(
                    f"`{name}` must be a number.",
                    found=f"{getattr(self, name)}",
                    way_out="Leave it out where it is not known.",
                )

    @cached_property
    def reading(self) -> Reading:
        """The history in numbers without a unit."""
        return read(self.history)

    @cached_property
    def learnable(self) -> float:
        """What there is to learn, in the unit of the loss: constant − the best known, or else the history's range."""
        known = [self.reference_loss, self.loss(self.reading.lowest)]
        if not math.isfinite(self.constant_loss) or all(map(math.isnan, known)):
            return self.reading.unit_loss
        best = max if self.history.direction == "maximize" else min
        return abs(self.constant_loss - best(loss for loss in known if math.isfinite(loss))) or self.reading.unit_loss

    @cached_property
    def bias(self) -> float:
        """T(e) − the reference, as a share of what there is to learn; above 0 where the network is the worse."""
        return self.sign * (self.loss(self.reading.train) - self.reference_loss) / self.learnable

    @property
    def sign(self) -> float:
        """1 where lower is better, −1 where higher is."""
        return -1.0 if self.history.direction == "maximize" else 1.0

    @property
    def in_train_mode(self) -> bool:
        """The train loss may be one that was taken in training mode."""
        return self.history.train_mode is not False

    @property
    def words(self) -> tuple[str, str]:
        """What the numbers are, a loss or a score; and the reference, by name."""
        kind = "score" if self.history.direction == "maximize" else "loss"
        return kind, self.reference_name or "the reference"

    def loss(self, normal: float) -> float:
        """Turn a level of the reading into the unit of the loss."""
        return self.sign * (normal * self.reading.unit_loss + self.reading.zero_loss)

    def epoch(self, entry: int) -> int:
        """Number of the epoch that an entry belongs to."""
        return self.history.epochs[entry]


class HistoryRule(Disease):
    """One thing that a history can show, about the whole network."""

    since_unit: ClassVar[str] = "epoch"

    @abstractmethod
    def check(self, evidence: HistoryEvidence) -> Outcome:
        """Look at the evidence."""


def probability_above(value: float, error: float, threshold: float) -> float:
    """Probability that what was measured with this standard error lies above a threshold."""
    if error <= 0:
        return float(value > threshold)
    return 0.5 * math.erfc((threshold - value) / (error * math.sqrt(2)))
