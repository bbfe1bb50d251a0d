"""When a sweep measures, and when it decides who goes on.

Early ranks mislead where regularization is compared: at a tenth of the epochs they were hardly related to the last
ones, and the later winner stood 22nd and 32nd of 40. So no comparison between cells ends one before a third of the
epochs; before that only networks that are not finite, or learn nothing at all, are let go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtri

from justfit.sweep._search import round_epochs

RUNGS = (1 / 3, 1 / 2, 3 / 4)
# Every one of these first epochs is measured: a network that overfits is best at one of them. In sixteen sweeps of 600
# rows (8 tables, 30 epochs) that halved the regret, .0084 nats against .0167 with every second one.
EARLY_EPOCHS = 6
# A plateau is believed after so many measurements, none of them before this epoch.
PLATEAU_CHECKS = 3
PLATEAU_FIRST_EPOCH = 3


@dataclass(frozen=True, slots=True)
class Rungs:
    """Epochs at which something happens.

    Attributes:
        measured: Epochs at which losses are measured; ends at the last.
        stops: Those of them at which units end, and decisions are made; ends at the last.
        comparing: Those of the stops at which cells are compared, as (epoch, number of the check from 0).
    """

    measured: tuple[int, ...]
    stops: tuple[int, ...]
    comparing: dict[int, int]

    def measured_between(self, start: int, end: int) -> tuple[int, ...]:
        """Epochs to measure at in (start, end]."""
        return tuple(epoch for epoch in self.measured if start < epoch <= end)


def make_rungs(num_epochs: int) -> Rungs:
    """Place the first epochs, about a dozen measurements and, at the next after 1/3, 1/2 and 3/4, the comparisons.

    The first measurement and the one at which a plateau is first believed are stops too, so that what diverged or
    learns nothing does not train on until a third.

    Args:
        num_epochs: Of the whole training, at least 1.
    """
    measured = tuple(sorted({*round_epochs(num_epochs), *range(1, min(num_epochs, EARLY_EPOCHS) + 1)}))
    after = [next(e for e in measured if e >= math.ceil(rung * num_epochs)) for rung in RUNGS]
    comparing = [epoch for epoch in dict.fromkeys(after) if epoch < num_epochs]
    late = [epoch for epoch in measured if epoch >= PLATEAU_FIRST_EPOCH]
    early = [measured[0], *late[PLATEAU_CHECKS - 1 : PLATEAU_CHECKS]]
    stops = sorted({*early, *comparing, num_epochs})
    return Rungs(measured, tuple(stops), {epoch: check for check, epoch in enumerate(comparing)})


def critical_errors(alpha: float, check: int) -> float:
    r"""Standard errors that a difference must exceed at one of several checks, so that all together err with `alpha`.

    The chance that is spent until a share t of the epochs follows Lan and DeMets' spending function of Pocock's type,

    .. math:: \alpha(t) = \alpha \ln(1 + (e - 1) t), \qquad
              z_k = \Phi^{-1}\bigl(1 - [\alpha(t_k) - \alpha(t_{k-1})]\bigr)

    The increments are added up (Bonferroni), which holds however the checks are related; since they are related, the
    true error is smaller.

    Args:
        alpha: One-sided chance of a wrong decision over all checks, in (0, 1).
        check: Number of the check, from 0, at the shares `RUNGS`.

    Returns:
        z of this check.

    Example:
        >>> [round(critical_errors(0.003, check), 2) for check in range(3)]
        [3.0, 3.29, 3.23]

    References:
        Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials", Biometrika 70(3).
    """
    spent = [alpha * math.log1p((math.e - 1) * share) for share in (0.0, *RUNGS)]
    return float(-ndtri(spent[check + 1] - spent[check]))
