"""The losses of a run as a curve: its levels, its noise, and what it may be judged by."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from justfit.records import LossBins, WatchEvidence
from justfit.rules._once import once

# Losses from which on levels can be compared at all.
LEAST_LOSSES = 40
# Share of neighbouring bins whose means have opposite signs from which on the loss is no measure of progress.
CROSSING_SHARE = 0.05
# Bins that stand for the first losses.
FIRST_BINS = 3
# A first maximum that lies so many standard deviations above its bin's mean belongs to a fall within the bin.
OUTLYING = 4.5
# Factor from the median absolute deviation to a normal standard deviation.
NORMAL = 1.4826
# Factor from the mean absolute deviation to a normal standard deviation.
GAUSS = 1.2533
# Standard deviations by which the first losses lie above the very first where an update threw them up.
THROWN = 4.0


@dataclass(frozen=True, slots=True)
class LossCurve:
    """Finite losses in bins.

    Attributes:
        steps: First step of each bin.
        sizes: Losses in each bin.
        means, stds, minima, maxima: Of each bin.
        last_step: The last step of the last bin.
        noise: Standard deviation of one step's loss around the curve, from the differences between neighbouring bins.
    """

    steps: tuple[int, ...]
    sizes: tuple[int, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]
    minima: tuple[float, ...]
    maxima: tuple[float, ...]
    last_step: int
    noise: float

    @property
    def num_losses(self) -> int:
        """Losses in all."""
        return sum(self.sizes)

    @property
    def start(self) -> float:
        """Level of the first losses, before the network has learned anything.

        The median of the first three, or the very first alone where the others lie above it by more than noise or its
        own size: then the first update threw the loss up. Where a bin is so long that the loss falls within it, it is
        the bin's largest loss.
        """
        if self.sizes[0] == 1:
            middle = median(self.means[:FIRST_BINS])
            rise = middle - self.means[0]
            return self.means[0] if rise > min(THROWN * self.jump(0.5, 1.0), abs(self.means[0])) else middle
        falls_within = self.maxima[0] > self.means[0] + OUTLYING * (median(self._known_stds()) or 0.0)
        return self.maxima[0] if falls_within else self.means[0]

    @property
    def start_noise(self) -> float:
        """Standard deviation of one of the first losses, from the later half: as it is, or in proportion."""
        later = self.jump(0.5, 1.0)
        share = min(later / (abs(self.level(0.5, 1.0)) or math.inf), 1.0)
        return max(later, share * abs(self.start))

    @property
    def start_error(self) -> float:
        """Standard error of the first level."""
        return self.start_noise / math.sqrt(max(1, sum(self.sizes[:FIRST_BINS])))

    @property
    def end(self) -> float:
        """Level over the last fifth."""
        return self.level(0.8, 1.0)

    @property
    def scale(self) -> float:
        """What changes of the loss are held against: its larger end, in absolute value."""
        return max(abs(self.start), abs(self.end))

    def _known_stds(self) -> list[float]:
        return [std for std in self.stds if not math.isnan(std)] or [0.0]

    def within(self, start: float, stop: float) -> range:
        """Bins that begin in a share of the steps; at least one."""
        first = self.steps[0]
        span = self.last_step - first + 1
        begin, end = (bisect_left(self.steps, first + share * span) for share in (start, stop))
        if begin >= end:
            index = min(int(start * len(self.steps)), len(self.steps) - 1)
            return range(index, index + 1)
        return range(begin, end)

    def level(self, start: float, stop: float) -> float:
        """Median over the bins in a share of the steps, such as the last fifth: 0.8 to 1."""
        return median(self.means[i] for i in self.within(start, stop))

    def jump(self, start: float, stop: float) -> float:
        """Standard deviation of one step's loss, from the mean absolute difference between neighbouring bins.

        Less robust than `noise` on purpose: losses near zero have long tails, and their errors must know them.
        """
        inside = self.within(start, stop)
        jumps = _jumps([self.means[i] for i in inside], [self.sizes[i] for i in inside])
        return max(fmean(jumps) * GAUSS if jumps else 0.0, self.noise if len(jumps) < FIRST_BINS else 0.0)

    def error(self, start: float, stop: float) -> float:
        """Standard error of that level; 1.25 is what a median costs against a mean."""
        inside = self.within(start, stop)
        return 1.25 * self.jump(start, stop) / math.sqrt(max(1, sum(self.sizes[i] for i in inside)))

    def smoothed(self, num_parts: int = 20) -> list[tuple[int, float]]:
        """First step and level of equal parts of the run."""
        parts = min(num_parts, len(self.steps))
        ranges = [self.within(i / parts, (i + 1) / parts) for i in range(parts)]
        return [(self.steps[r[0]], median(self.means[i] for i in r)) for r in ranges]


def loss_curve(evidence: WatchEvidence) -> LossCurve | str:
    """The curve of a run's losses, or in words why it tells nothing about progress."""
    curve = curve_of(evidence.losses)
    if curve is None:
        return "no loss was seen"
    if curve.num_losses < LEAST_LOSSES:
        return f"only {curve.num_losses} losses were seen, {LEAST_LOSSES} are needed"
    if len(evidence.optimizers) > 1:
        return "several optimizers share the run, so one's loss may rise because another does its work"
    crossings = sum(before * after < 0 for before, after in pairwise(curve.means))
    if crossings > CROSSING_SHARE * len(curve.means):
        return "the loss moves around zero, so its size does not tell how well the network does"
    return curve


@once
def curve_of(bins: LossBins) -> LossCurve | None:
    """The finite bins as a curve; None where there are none."""
    kept = [i for i, size in enumerate(bins.num_steps) if size > 0 and math.isfinite(bins.mean[i])]
    if not kept:
        return None
    sizes = tuple(bins.num_steps[i] for i in kept)
    means = tuple(bins.mean[i] for i in kept)
    return LossCurve(
        steps=tuple(bins.first_step[i] for i in kept),
        sizes=sizes,
        means=means,
        stds=tuple(bins.std[i] for i in kept),
        minima=tuple(bins.minimum[i] for i in kept),
        maxima=tuple(bins.maximum[i] for i in kept),
        last_step=bins.first_step[kept[-1]] + sizes[-1] - 1,
        noise=noise_of(means, sizes),
    )


def _jumps(means: Sequence[float], sizes: Sequence[int]) -> list[float]:
    """Absolute differences between neighbours, over what they are in units of one step's standard deviation."""
    neighbours = zip(pairwise(means), pairwise(sizes), strict=True)
    return [
        abs(after - before) / math.sqrt(1 / size + 1 / next_size) for (before, after), (size, next_size) in neighbours
    ]


def noise_of(means: Sequence[float], sizes: Sequence[int]) -> float:
    """Standard deviation of one step, robust against trends and spikes."""
    jumps = _jumps(means, sizes)
    return NORMAL * median(jumps) if jumps else 0.0
