"""Whether a history shows any learning, and whether there is anything to judge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from justfit.rules._history_reading import Reading
    from justfit.rules._history_rule import HistoryEvidence

FEWEST = 4  # epochs with a validation loss; fewer show no trend
MOST_TOLD = 100_000  # times: what lies above is no longer read as a number
LOST = 0.5  # of what was learned: a train loss that ends this far above its lowest has lost it again
SETTLED = 0.1  # of that rise: a train loss that moved by less in the last fifth of a history stays where it is
MOTIONLESS = 0.02  # of the first loss: losses that moved by less show no learning
FEW = 6.0  # a noise that is estimated from so few entries may be half of what it is
UNLEARNED = 4.0  # noises; a train loss that fell by less was not seen to fall


def is_unlearned(reading: Reading) -> bool:
    """The train loss did not fall by more than its noise, in enough epochs to see it."""
    return reading.num_train >= FEWEST and reading.learned < UNLEARNED * (1 + FEW / reading.num_train)


def says_nothing(evidence: HistoryEvidence) -> bool:
    """Nothing was learned in what the log shows, and nothing tells whether there was anything to learn."""
    return math.isnan(evidence.reference_loss) and (
        (is_motionless(evidence.reading) and math.isnan(evidence.constant_loss))
        or (is_unlearned(evidence.reading) and not is_at_constant(evidence))
    )


def is_motionless(reading: Reading) -> bool:
    """The losses moved by next to nothing, as a share of their own level."""
    return reading.num_train >= FEWEST and reading.moved < MOTIONLESS


def is_at_constant(evidence: HistoryEvidence) -> bool:
    """The train loss ends no better than the best constant prediction, within its noise."""
    if math.isnan(evidence.constant_loss):
        return False
    better = evidence.sign * (evidence.constant_loss - evidence.loss(evidence.reading.train))
    noise = UNLEARNED * evidence.reading.train_error * evidence.reading.unit_loss
    return better <= MOTIONLESS * abs(evidence.constant_loss) + noise


def has_lost_it(reading: Reading) -> bool:
    """The train loss fell, and rose again for good, as where l2 is too large."""
    return reading.train_rise > LOST and abs(reading.train_fall) <= SETTLED * reading.train_rise


def is_astray(reading: Reading) -> bool:
    """The train loss rose again and still moves: where it will end is not known."""
    return reading.train_rise > LOST and not has_lost_it(reading) and not is_unlearned(reading)


def can_be_judged(evidence: HistoryEvidence) -> bool:
    """Both losses are there, training did not end in ruin, and something was learned or could have been."""
    reading = evidence.reading
    ruined = reading.diverged_from is not None or is_astray(reading)
    return reading.num_train > 0 and reading.num_validation > 0 and not ruined and not says_nothing(evidence)


def is_lost_in_noise(evidence: HistoryEvidence) -> bool:
    """Nothing was learned, and the validation loss did not rise by more than it may in pure noise.

    Such a rise was searched for among all entries, and its unit is noise too: few entries tell nothing of it.
    """
    reading = evidence.reading
    small = reading.num_validation < 3 * FEW or reading.rise <= 2 * UNLEARNED * reading.rise_error
    in_noise = is_unlearned(reading) and small
    return in_noise or (is_motionless(reading) and says_nothing(evidence))


def nothing_seen(evidence: HistoryEvidence) -> bool:
    """The history shows no learning, so it has no unit either to measure anything in."""
    return is_unlearned(evidence.reading) or says_nothing(evidence)


def of_learned(share: float) -> str:
    """Write a share of what was learned as a reader says it: a percentage, from twice on how many times.

    >>> of_learned(0.0613), of_learned(1.7), of_learned(7.98), of_learned(1234.5)
    ('6.1% of what was learned', '170% of what was learned', '8 times what was learned', '1,230 times what was learned')
    """
    if share < 1:
        return f"{share:.1%} of what was learned"
    if share < 2:
        return f"{share:.0%} of what was learned"
    if share >= MOST_TOLD:
        return f"over {MOST_TOLD:,.0f} times what was learned"
    return f"{float(f'{share:.{2 if share < 100 else 3}g}'):,g} times what was learned"
