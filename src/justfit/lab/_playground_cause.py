"""Why a network of the playground does not learn, as far as its signals tell.

Notation: r, the gradient at the first hidden layer over that at the output; ln r is its change in e-folds over the
whole depth, so neither the scale of the loss nor that of the inputs counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from justfit.lab._playground_look import Layers, Signals
from justfit.lab._playground_options import DROPOUT, L2
from justfit.report import number

EVEN = 1.0  # e-folds over the whole network: less is no change worth a word
LOST = math.log(1000)  # e-folds: a layer that gets a thousandth moves no more while the last one learns
ALIKE = 1e-6  # of the largest weight: what float32 tells apart
LEARNED = ("just_right", "overfitting")  # it fits its training rows, so nothing stands in its way


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One cell to find the cause of.

    Attributes:
        layers: (weight_IO, bias_1O) of every layer.
        now: Its signals.
        first: Those of the first weights.
        init: By which they were drawn.
        cell: Index, [λ][dropout].
        auto: Measures what the initialization `auto` gives here.
    """

    layers: Layers
    now: Signals
    first: Signals
    init: str
    cell: int
    auto: Callable[[], Signals]


def cause_of(case: Case, state: str | None) -> dict[str, str] | None:
    """Name the first cause that applies, with the claim that is about it; None where none does.

    Args:
        case: The cell.
        state: Of its verdict; None before the first.
    """
    if state in LEARNED or not all(map(math.isfinite, (*case.now.forward, *case.now.backward))):
        return None
    for find in (_alike, _dead, _gradient, _signal):
        found = find(case)
        if found is not None:
            return found
    return None


def moves_of(signals: Signals) -> dict[str, str]:
    """Say in one word each what activations and gradients do over the depth."""
    hidden = signals.forward[:-1] if len(signals.forward) > 2 else signals.forward
    return {"forward": _move(_folds(hidden)), "backward": _move(_folds(signals.backward[::-1]))}


def _alike(case: Case) -> dict[str, str] | None:
    if case.init != "zero":
        return None  # others come together where λ has taken every weight, and no new draw helps
    for (weight, bias), (after, _) in pairwise(case.layers):
        if weight.shape[1] > 1 and all(_is_level(part) for part in (weight, bias, after.T)):
            return _cause(
                "C14",
                f"All {weight.shape[1]} units of a layer are the same, and equal gradients keep them so: random first "
                "weights tell them apart.",
            )
    return None


def _is_level(values_IO: Tensor) -> bool:
    spread = (values_IO - values_IO[:, :1]).abs().max()
    return bool(spread <= ALIKE * values_IO.abs().max())


def _dead(case: Case) -> dict[str, str] | None:
    if 1.0 not in case.now.dead:
        return None
    layer = case.now.dead.index(1.0) + 1
    units = case.layers[0][0].shape[1]
    who = f"All {units} units" if units > 1 else "The only unit"
    ways_out = _of_training(case, is_new=1.0 not in case.first.dead)
    return _cause(
        "C15",
        f"{who} of layer {layer} {'are' if units > 1 else 'is'} dead: no training row gets through, and no gradient "
        f"comes back. {ways_out or 'An activation with a slope on both sides, such as ELU, lets both through.'}",
    )


def _gradient(case: Case) -> dict[str, str] | None:
    folds = _folds(case.now.backward[::-1])
    if abs(folds) < LOST:
        return None
    size = _times(case.now)
    verb = "vanishes" if folds < 0 else "explodes"
    return _cause(
        "C12",
        f"The gradient {verb}: at layer 1 it is {size} that at the output. {_gradient_cure(case, folds)}",
    )


def _gradient_cure(case: Case, folds: float) -> str:
    first = _folds(case.first.backward[::-1])
    if abs(first) < LOST or first * folds < 0:
        return _of_training(case, is_new=True)
    if case.init != "auto":
        auto = case.auto()
        if abs(_folds(auto.backward[::-1])) < LOST:
            return f"Initialization `auto` begins with {_times(auto)} it."
    return "Fewer layers bring the two closer."


def _signal(case: Case) -> dict[str, str] | None:
    hidden = case.now.forward[:-1]
    folds = _folds(hidden)
    if abs(folds) < LOST:
        return None
    verb = "vanishes" if folds < 0 else "explodes"
    size = number(math.exp(folds), 2)
    return _cause(
        "C12",
        f"The signal {verb}: activations at layer {len(hidden)} are {size} of those at layer 1. "
        + (_of_training(case, is_new=abs(_folds(case.first.forward[:-1])) < LOST) or "Fewer layers keep more of it."),
    )


def _of_training(case: Case, *, is_new: bool) -> str:
    """What to do about what the first weights did not have; empty where they had it."""
    if not is_new:
        return ""
    l2 = L2[case.cell // len(DROPOUT)]
    if l2 > 0:
        return f"The first weights were not like that: try a smaller λ than {l2:g}, or a lower learning rate."
    return "The first weights were not like that: try a lower learning rate."


def _folds(values: list[float]) -> float:
    """Logarithm of the last over the first: −∞ where nothing is left, 0 where nothing was there."""
    if values[0] == 0:
        return 0.0
    return math.log(values[-1]) - math.log(values[0]) if values[-1] > 0 else -math.inf


def _times(signals: Signals) -> str:
    folds = _folds(signals.backward[::-1])
    if folds == -math.inf:
        return "nothing of"
    return f"{number(math.exp(folds), 2)} {'of' if folds < 0 else 'times'}"


def _move(folds: float) -> str:
    if abs(folds) < EVEN:
        return "stay even"
    if folds > 0:
        return "grow" if folds < LOST else "explode"
    return "shrink" if folds > -LOST else "vanish"


def _cause(claim: str, sentence: str) -> dict[str, str]:
    return {"claim": claim, "sentence": sentence}
