"""What a history shows, in numbers without a unit.

Everything is a difference of losses over R, the range of what was learned, so the scale of a loss cancels, and where no
loss has a natural zero (scores, log densities) its origin too. Lower is better: scores are turned over.

Notation: V, T the smoothed validation and train loss, t the epoch, t* the best one, e the last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

RISEN = 0.01  # of the range: from here on V has turned
HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a history shows; every loss in units of `unit_loss` above `zero_loss`, and NaN where it is not known.

    Attributes:
        unit_loss: R in the unit of the loss.
        zero_loss: The loss that a level of 0 stands for; of a score, its negative.
        num_train, num_validation: Entries that are there.
        num_spikes: Lone entries that were set aside.
        diverged_from: Index of the first entry of an end of NaN or infinity; None where there is none.
        best: Index of t*, the first entry within one standard error of the lowest V; or the last, where V falls to it.
        turn: Index of the first entry from which on V stays above V(t*) by more than `RISEN` and its noise; or None.
        train, train_error, validation, validation_error: T(e), V(e).
        train_noise, validation_noise: The part of these errors that is the history's noise, without given ones.
        train_then: T(t*).
        lowest, lowest_error: Lowest V.
        rise, rise_error: V(e) − V(t*); what the search for t* in noise makes of it is taken off.
        train_rise: T(e) − lowest T.
        highest: Highest V after t* − V(t*).
        recovered: Share of the highest rise after t* that is gone again at the end.
        gap, gap_error: V(e) − T(e).
        below: Share of entries with V < T.
        train_fall, validation_fall: What each lost over the last fifth of the entries.
        validation_fall_error: One standard error.
        learned: T(1) − lowest T, over its noise: how sure it is that anything was learned; ∞ where each entry is lower.
        moved: How far the losses moved at all, as a share of the first; NaN for scores and losses that are not above 0.
        restarts: How often T jumped up by a tenth of R and came back.
    """

    unit_loss: float
    zero_loss: float
    num_train: int
    num_validation: int
    num_spikes: int = 0
    diverged_from: int | None = None
    best: int | None = None
    turn: int | None = None
    train: float = math.nan
    train_error: float = math.nan
    validation: float = math.nan
    validation_error: float = math.nan
    train_noise: float = 0.0
    validation_noise: float = 0.0
    train_then: float = math.nan
    lowest: float = math.nan
    lowest_error: float = math.nan
    rise: float = math.nan
    rise_error: float = math.nan
    train_rise: float = math.nan
    highest: float = 0.0
    recovered: float = 0.0
    gap: float = math.nan
    gap_error: float = math.nan
    below: float = math.nan
    train_fall: float = math.nan
    validation_fall: float = math.nan
    validation_fall_error: float = math.nan
    learned: float = math.nan
    moved: float = math.nan
    restarts: int = 0

    @property
    def harm(self) -> float:
        """The part of the rise that is overfitting.

        A rise of the train loss is taken off: where both rise, training itself has lost its way. And where most of a
        rise is gone again and V still falls (double descent, a restart), what is left of it does not count in full.
        """
        own = max(0.0, self.rise - max(0.0, 0.0 if math.isnan(self.train_rise) else self.train_rise))
        return own * min(1.0, 2 * (1 - self.recovered)) if self.falls_again else own

    @property
    def falls_again(self) -> bool:
        """More than half of a rise is gone, and V still falls."""
        falling = self.validation_fall > 2 * self.validation_fall_error
        return self.recovered > HALF and falling and self.highest > RISEN
