"""Figure: the probability of each state as a bar with its number, beside the probability a verdict needs."""

from __future__ import annotations

import math

from justfit.records import FitResult, FitVerdict
from justfit.report._numbers import probability, setting
from justfit.report._svg import drawing, label, tag

_NAMES = {"overfitting": "overfitting", "just_right": "just right", "underfitting": "underfitting"}
_LEFT, _FULL, _ROW, _TOP = 104.0, 290.0, 32.0, 26.0


def draw_probabilities(result: FitResult) -> tuple[str, ...]:
    """Draw the probabilities of a fit's verdict."""
    return draw_states(result.verdict)


def draw_states(verdict: FitVerdict) -> tuple[str, ...]:
    """Draw one bar a state, in the order over, right, under."""
    states = [state for state in _NAMES if state in verdict.probabilities]
    parts = []
    for k, state in enumerate(states):
        value = verdict.probabilities[state]
        y = _TOP + k * _ROW
        length = _FULL * min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0
        parts.append(label(_NAMES[state], _LEFT - 10.0, y + 15.0, class_="tick", text_anchor="end"))
        parts.append(tag("rect", x=_LEFT, y=y, width=_FULL, height=20.0, rx=3, class_="track"))
        parts.append(tag("rect", x=_LEFT, y=y, width=length, height=20.0, rx=3, class_="bar"))
        parts.append(label(probability(value), _LEFT + _FULL + 10.0, y + 15.0, class_="tick strong"))
    needed = _LEFT + _FULL * verdict.decision_probability
    bottom = _TOP + _ROW * len(states)
    parts.append(tag("path", d=f"M{needed:.1f} {_TOP - 6:.1f}V{bottom - 6:.1f}", class_="choice-line"))
    words = f"needed: {setting(verdict.decision_probability)}"
    parts.append(label(words, min(needed, _LEFT + _FULL - 30), _TOP - 11.0, class_="tick", text_anchor="middle"))
    said = ", ".join(f"{_NAMES[state]} {probability(verdict.probabilities[state])}" for state in states)
    return (drawing(460.0, bottom, "".join(parts), title="Probability of each state", description=f"{said}."),)
