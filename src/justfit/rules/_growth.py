"""How a number grows or shrinks along the trunk."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from justfit.records import SignalEvidence, TrunkPoint

# Trunk points from which on the median of 2, of 3, points stands for each end, so that one odd point does not decide.
TWO_AT_EACH_END = 6
THREE_AT_EACH_END = 9
# Of steps that differ by less than this share the first is named.
TIE = 0.01


@dataclass(frozen=True, slots=True)
class Growth:
    r"""The change of one number between the two ends of the trunk.

    .. math:: \text{log\_ratio} = \ln\frac{x_{last}}{x_{first}}, \quad \xi = \frac{\text{steps}}{|\text{log\_ratio}|}

    Attributes:
        log_ratio: In order of execution, in e-foldings.
        num_steps: Trunk steps between the two ends.
        first, last: Names of the layers at the ends.
        steepest: Name of the layer that makes the largest single step in the direction of the whole.
        source: File and line of that layer.
        step: The factor of that step, in order of execution.
    """

    log_ratio: float
    num_steps: int
    first: str
    last: str
    steepest: str
    source: str | None
    step: float

    @property
    def depth_scale(self) -> float:
        """Steps over which the number changes e-fold; infinite where it does not change."""
        return self.num_steps / abs(self.log_ratio) if self.log_ratio else math.inf


def inner_trunk(evidence: SignalEvidence) -> list[TrunkPoint]:
    """The trunk without the network's output."""
    return [point for point in evidence.trunk if point.kind != "output"]


def growth(points: Sequence[TrunkPoint], measure: Callable[[TrunkPoint], float]) -> Growth | None:
    """Compare the ends of the trunk; None where fewer than two points have a positive finite measure."""
    measured = [point for point in points if 0 < measure(point) < math.inf]
    if len(measured) < 2:
        return None
    logs = [math.log(measure(point)) for point in measured]
    edge = 1 + (len(logs) >= TWO_AT_EACH_END) + (len(logs) >= THREE_AT_EACH_END)
    log_ratio = median(logs[-edge:]) - median(logs[:edge])
    steps = [after - before for before, after in pairwise(logs)]
    direction = math.copysign(1.0, log_ratio)
    largest = max(direction * step for step in steps)
    index = next(i for i, step in enumerate(steps) if direction * step >= largest - TIE * abs(largest))
    maker = layer_between(measured[index], measured[index + 1])
    return Growth(
        log_ratio=log_ratio,
        num_steps=len(logs) - edge,
        first=measured[0].name,
        last=measured[-1].name,
        steepest=maker.name,
        source=maker.source,
        step=math.exp(min(max(steps[index], -700.0), 700.0)),
    )


def layer_between(before: TrunkPoint, after: TrunkPoint) -> TrunkPoint:
    """The point that is named after the layer between two neighbours.

    A point is named after the layer that reads it, a residual sum after the layer that makes it.
    """
    return after if after.kind == "sum" or before.kind == "sum" else before


def gradient_growth(evidence: SignalEvidence) -> Growth | None:
    """How ∂L/∂activation changes from the first trunk point to the last.

    Where a normalisation reads the activations, their scale s is free and the gradient is proportional to 1/s, so
    s·∂L/∂activation is compared instead. Only points of the more frequent kind are compared with each other.
    """
    points = [point for point in inner_trunk(evidence) if not math.isnan(point.gradient_norm)]
    scaled = [point for point in points if point.normalised]
    if 2 * len(scaled) > len(points):
        return growth(scaled, lambda point: point.rms * point.gradient_norm)
    return growth([point for point in points if not point.normalised], lambda point: point.gradient_norm)


def signal_growth(evidence: SignalEvidence, measure: Callable[[TrunkPoint], float]) -> Growth | None:
    """How the signal's size changes, over points whose scale matters; the network's input has a rule of its own."""
    points = [point for point in inner_trunk(evidence) if not point.normalised]
    return growth(points[1:], measure) if len(points) > 2 else None
