"""Other learning rates: the factor from what the rules measured, or a power of ten."""

from __future__ import annotations

import math

from justfit.repair._alteration import Alteration, Hypothesis
from justfit.repair._symptoms import Symptoms

HEALTHY_UPDATE = 3e-3  # of the weight's norm a step: where trained networks lie, and a power of ten around it
FULL_REACH = 5.0  # of the loss: what all steps together can do where the learning rate does not limit them
FULL_MOVE = 1.0  # of the norm: how far a layer can move in all there
MOST_FACTOR = 1e4


def slower(symptoms: Symptoms) -> list[Hypothesis]:
    """Smaller ones; JF408 tells what share of the weights each step replaces."""
    largest = max((f.value for f in symptoms.alarms if f.code == "JF408"), default=0.0)
    factors = [_rounded(HEALTHY_UPDATE / largest)] if largest > 0 else []
    return [rate(factor) for factor in dict.fromkeys([*factors, 0.1, 0.01]) if factor < 1]


def faster(symptoms: Symptoms) -> list[Hypothesis]:
    """Larger ones; JF414 and JF407 tell how far all steps together can have gone."""
    factors = [_rounded(FULL_REACH / f.value) for f in symptoms.alarms if f.code == "JF414" and f.value > 0]
    factors += [_rounded(FULL_MOVE / f.value) for f in symptoms.alarms if f.code == "JF407" and f.value > 0]
    if symptoms.hardly_moves and symptoms.moved > 0:
        factors.append(_rounded(FULL_MOVE / symptoms.moved))
    return [rate(factor) for factor in dict.fromkeys([*factors[:1], 10.0]) if factor > 1]


def rate(factor: float) -> Hypothesis:
    """The learning rate times a factor."""
    return Hypothesis(name=words_of(factor), alteration=Alteration(learning_rate=factor))


def words_of(factor: float) -> str:
    """A factor of the learning rate in words."""
    return f"{factor:,.6g} times the learning rate" if factor > 1 else f"1/{1 / factor:,.6g} of the learning rate"


def _rounded(factor: float) -> float:
    """To a power of ten, within the largest factor."""
    return min(max(10.0 ** round(math.log10(factor)), 1 / MOST_FACTOR), MOST_FACTOR)
