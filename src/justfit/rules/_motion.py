"""How far each layer was moved: update to weight, gradient to weight, and the sums over the steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from justfit.records import LayerTrace, WatchEvidence
from justfit.rules._once import once

# Samples from which on a layer's series is judged; short runs of small networks are sampled no more often.
LEAST_SAMPLES = 2
# Steps after which zeros that the weights begin with (of heads, of branches) no longer stop a gradient.
SETTLED = 10


@dataclass(frozen=True, slots=True)
class Motion:
    r"""One layer that its optimizer moves, over the sampled steps.

    .. math:: r_t = \frac{\lVert\Delta w_t\rVert}{\sqrt{\lVert w_t\rVert^2 + \lVert\Delta w_t\rVert^2}} \in [0, 1],
              \quad M = \sum_t r_t

    Attributes:
        layer: Its trace.
        steps: Sampled steps at which weight, gradient and update are finite.
        updates: r at each of them.
        gradients: Gradient norm over weight norm at each of them; NaN where the weight is zero.
        work: Gradient norm times update norm at each of them: the most that the step can change the loss to first
            order, in the unit of the loss.
        num_steps: Of its optimizer.
    """

    layer: LayerTrace
    steps: tuple[int, ...]
    updates: tuple[float, ...]
    gradients: tuple[float, ...]
    work: tuple[float, ...]
    num_steps: int

    @property
    def total(self) -> float:
        """M, an upper bound of how far the layer has moved, in units of its own norm."""
        return summed(self.steps, self.updates, self.num_steps)

    @property
    def late(self) -> float:
        """Median of r over the later half of the samples."""
        return median(self.updates[len(self.updates) // 2 :])

    @property
    def gradient(self) -> float:
        """Median of gradient over weight; NaN where it is known of no sample."""
        known = [value for value in self.gradients if not math.isnan(value)]
        return median(known) if known else math.nan

    @property
    def reach(self) -> float:
        """The most that all steps together can have changed the loss through this layer, to first order."""
        return summed(self.steps, self.work, self.num_steps)


@once
def motions(evidence: WatchEvidence) -> list[Motion]:
    """Every layer that an optimizer moves and that was sampled at all, in order of execution."""
    found = []
    for layer in evidence.layers:
        if layer.num_trainable == 0 or not 0 <= layer.optimizer < len(evidence.optimizers):
            continue
        optimizer = evidence.optimizers[layer.optimizer]
        rows = [
            row
            for row in zip(optimizer.steps, layer.weight_norm, layer.gradient_norm, layer.update_norm, strict=False)
            if all(math.isfinite(value) for value in row)
        ]
        if rows:
            found.append(_motion(layer, rows, optimizer.num_steps))
    return found


def _motion(layer: LayerTrace, rows: Sequence[tuple[int, float, float, float]], num_steps: int) -> Motion:
    return Motion(
        layer=layer,
        steps=tuple(step for step, *_ in rows),
        updates=tuple(update / math.hypot(weight, update) if update else 0.0 for _, weight, _, update in rows),
        gradients=tuple(gradient / weight if weight else math.nan for _, weight, gradient, _ in rows),
        work=tuple(gradient * update for _, _, gradient, update in rows),
        num_steps=num_steps,
    )


def summed(steps: Sequence[int], values: Sequence[float], num_steps: int) -> float:
    r"""Sum over all steps of what was sampled at some.

    Between two samples it follows a power of the step, :math:`v_1 (t / t_1)^p`, which is right for what stays as it is
    and for what decays from a first large value; straight where one of them is zero. The ends go on as they are.
    """
    inner = sum(_between(times, ends) for times, ends in zip(pairwise(steps), pairwise(values), strict=True))
    before, after = steps[0] - 0.5, max(num_steps - steps[-1], 0) + 0.5
    return inner + before * values[0] + after * values[-1]


def _between(times: tuple[int, int], ends: tuple[float, float]) -> float:
    (start, stop), (first, last) = times, ends
    if min(first, last) <= 0 or start < 1:
        return (stop - start) * (first + last) / 2
    power = math.log(last / first) / math.log(stop / start)
    if abs(power + 1) < 1e-6:
        return first * start * math.log(stop / start)
    return (last * stop - first * start) / (power + 1)


def sampled(evidence: WatchEvidence, layer: LayerTrace, values: Sequence[float]) -> list[tuple[int, float]]:
    """Steps and values of one series of a layer, where it was measured."""
    index = layer.optimizer if 0 <= layer.optimizer < len(evidence.optimizers) else 0
    steps = evidence.optimizers[index].steps if evidence.optimizers else ()
    return [(step, value) for step, value in zip(steps, values, strict=False) if math.isfinite(value)]


def lasting(series: Sequence[tuple[int, float]], threshold: float) -> tuple[float, int] | None:
    """The median of the later half of a series, and since when each value is at least the threshold.

    None where the median or the last value is below it, or where there are fewer than `LEAST_SAMPLES`.
    """
    value = median(value for _, value in series[len(series) // 2 :])
    if len(series) < LEAST_SAMPLES or min(value, series[-1][1]) < threshold:
        return None
    since = series[-1][0]
    for step, one in reversed(series):
        if one < threshold:
            break
        since = step
    return value, since


def shrinking(evidence: WatchEvidence) -> bool:
    """The weights of most layers lost more than 90 % of their norm between the first and the last sample."""
    ratios = [
        sizes[-1] / sizes[0]
        for layer in evidence.layers
        if layer.num_trainable and layer.has_units
        for sizes in [[value for value in layer.weight_norm if math.isfinite(value)]]
        if len(sizes) >= LEAST_SAMPLES and sizes[0] > 0
    ]
    return bool(ratios) and median(ratios) < SHRUNK


# Share of the norm that is left of weights that shrink to nothing.
SHRUNK = 0.1


def clipped_to(layers: Sequence[Motion]) -> float:
    """Share of the gradient that clipping leaves: median over layers and samples; 1 where it is not known."""
    shares = [
        after / before
        for one in layers
        for before, after in zip(one.layer.gradient_norm, one.layer.clipped_gradient_norm, strict=False)
        if before > 0 and math.isfinite(before + after)
    ]
    return median(shares) if shares else 1.0


def lasting_layers(
    layers: Sequence[tuple[LayerTrace, Sequence[float]]], evidence: WatchEvidence, threshold: float
) -> list[tuple[LayerTrace, float, int]] | None:
    """Layers whose share stays at or above a threshold; see `lasting`.

    Args:
        layers: Layers with the share of each sample.
        evidence: What was observed.
        threshold: From which share on.

    Returns:
        (layer, share, step since when); None where no share was measured at all.
    """
    measured = [(layer, sampled(evidence, layer, shares)) for layer, shares in layers]
    measured = [(layer, series) for layer, series in measured if series]
    found = [(layer, lasting(series, threshold)) for layer, series in measured]
    return [(layer, *late) for layer, late in found if late is not None] if measured else None
