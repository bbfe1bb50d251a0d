"""Where a loss that diverges came from: the layer that left its own range first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from justfit.records import FirstFailure, LayerTrace, WatchEvidence

LEAST_BEFORE = 4  # samples that tell the range of a layer before anything grew
LEAST_FACTOR = 3.0  # times its median from which on a number has left its range,
SPREADS = 5.0  # and so many median absolute deviations of its logarithm above it
STAYS = 0.8  # share of the later samples that must lie outside as well
_QUANTITIES = {"activation_rms": ("forward", "activation"), "gradient_norm": ("backward", "gradient")}


class _Growth(NamedTuple):
    step: int
    factor: float  # largest value over the median before
    first_factor: float  # the same at `step`
    layer: LayerTrace
    quantity: str


def find_divergence(evidence: WatchEvidence, since: int, *, epoch: int = 1, rank: int = 0) -> FirstFailure | None:
    """Name the layer whose activations or gradients left their own range first, and of several the one most.

    Args:
        evidence: What was measured.
        since: Step from which on the loss is seen to rise.
        epoch: In which it was seen.
        rank: Of this process.

    Returns:
        The failure; None if no layer left its range.
    """
    found = [growth for layer in evidence.layers for growth in _growths(layer, evidence, since)]
    if not found:
        return None
    first = min(found, key=lambda growth: (growth.step, -growth.factor))
    stage, words = _QUANTITIES[first.quantity]
    how = (
        f"The {words} of `{first.layer.name}` left its range first: at step {first.step} it was "
        f"{first.first_factor:.3g} times its median before, later {first.factor:.3g} times."
    )
    return FirstFailure(
        cause="divergence",
        stage="forward" if stage == "forward" else "backward",
        step=first.step,
        epoch=epoch,
        layer=first.layer.name,
        source=first.layer.source,
        rank=rank,
        weights_intact=False,
        how=how,
    )


def _growths(layer: LayerTrace, evidence: WatchEvidence, since: int) -> Iterator[_Growth]:
    if layer.optimizer < 0:
        return
    steps = evidence.optimizers[layer.optimizer].steps
    for quantity in _QUANTITIES:
        values = getattr(layer, quantity)
        growth = _growth(steps, values, since) if len(values) == len(steps) else None
        if growth is not None:
            yield _Growth(*growth, layer, quantity)


def _growth(steps: Sequence[int], values: Sequence[float], since: int) -> tuple[int, float, float] | None:
    """Find the step at which a series left the range it had in the first half of the steps before the loss rose."""
    known = [(step, math.log(value)) for step, value in zip(steps, values, strict=True) if 0 < value < math.inf]
    before = [value for step, value in known if step <= since / 2]
    after = [(step, value) for step, value in known if step > since / 2]
    if len(before) < LEAST_BEFORE or not after:
        return None
    middle = median(before)
    spread = median(abs(value - middle) for value in before)
    bar = middle + max(math.log(LEAST_FACTOR), SPREADS * spread)
    outside = [value > bar for _, value in after]
    for place, (step, value) in enumerate(after):
        if outside[place] and sum(outside[place:]) >= STAYS * len(outside[place:]):
            return step, math.exp(max(v for _, v in after[place:]) - middle), math.exp(value - middle)
    return None
