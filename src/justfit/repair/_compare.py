r"""Whether one network is better than another: paired by example and by seed, in shares of what can be learned.

Notation: n examples, S seeds, d_si the gain on example i with seed s, w_h the plausibility of hypothesis h.

.. math:: \bar d = \frac{1}{Sn} \sum_{si} d_{si}, \quad
          SE^2 = \frac{\mathrm{var}_i(\bar d_{\cdot i})}{n} + \frac{\sigma_{run}^2}{S}, \quad
          lower = \bar d - z_{1-\alpha_h}\, SE, \quad \alpha_h = \alpha \frac{w_h}{\sum_k w_k}

σ_run is what a share changes by from one training to the next that differs in nothing but its draws: the standard
deviation over seeds where there are two or more, else what the baseline's share swings by from epoch to epoch.
One-sided, and corrected for all hypotheses tried by weighted Bonferroni: the weights are their plausibilities before
any was run, so what the findings point to is judged less harshly than a shot in the dark. The chance that any of the
useless changes is called a cure is at most α, whatever their correlation.

References: Genovese, Roeder and Wasserman 2006, "False discovery control with p-value weighting", section 2.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

ALPHA = 0.05
# A cure must give back at least this share of what can be learned: less is not worth a change, and lies within what
# two trainings differ by that share everything but their draws.
MATERIAL = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """By how much a change helps, in shares of the learnable.

    Attributes:
        mean: Mean gain; positive is better.
        se: Its standard error.
        lower, upper: Interval of the mean, each side at level 1 − α_h.
        num_seeds: Pairs of runs.
    """

    mean: float
    se: float
    lower: float
    upper: float
    num_seeds: int = 1

    @property
    def is_proven(self) -> bool:
        """Better beyond the interval, and by as much as is worth a change."""
        return self.lower > 0 and self.mean >= MATERIAL


def gain_of(before: Sequence[Tensor], after: Sequence[Tensor], *, unit: float, run_noise: float, alpha: float) -> Gain:
    """Compare two networks on the same examples.

    Args:
        before: One [n] tensor of scores per seed, lower is better.
        after: The same of the changed network.
        unit: Mean score of the best constant prediction.
        run_noise: σ_run for a single seed, in shares.
        alpha: α_h, in (0, 1/2).
    """
    differences = torch.stack([(b - a) / unit for b, a in zip(before, after, strict=True)])
    by_example, by_seed = differences.mean(0), differences.mean(1)
    mean = float(by_example.mean())
    examples = float(by_example.var()) / max(len(by_example), 1) if len(by_example) > 1 else math.inf
    noise = float(by_seed.var()) if len(by_seed) > 1 else 0.0
    se = math.sqrt(examples + max(noise, run_noise**2) / len(by_seed))
    z = statistics.NormalDist().inv_cdf(1 - alpha)
    return Gain(mean=mean, se=se, lower=mean - z * se, upper=mean + z * se, num_seeds=len(by_seed))


def run_noise(shares: Sequence[float]) -> float:
    """Standard deviation of a share from one epoch to the next, beyond its trend; 0 of fewer than four epochs.

    Second differences leave no straight trend: of white noise of variance σ² theirs is 6σ².
    """
    late = [share for share in shares[len(shares) // 3 :] if math.isfinite(share)]
    if len(late) < 4:
        return 0.0
    bends = [late[k - 1] - 2 * late[k] + late[k + 1] for k in range(1, len(late) - 1)]
    return math.sqrt(statistics.fmean(bend * bend for bend in bends) / 6)
