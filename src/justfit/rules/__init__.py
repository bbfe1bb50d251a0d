"""From measured losses to findings and a fit verdict: one disease a file, no torch, no network.

A rule reads evidence and answers with a `Finding`, with `Clear`, or with `NotApplicable` and the reason; it never
takes missing evidence for health.

>>> import numpy as np
>>> from justfit.rules import FitEvidence, judge_fit
>>> draw = np.random.default_rng(0)
>>> evidence = FitEvidence(
...     train_losses=draw.exponential(0.01, 400), validation_losses=draw.exponential(0.60, 400),
...     best_losses=draw.exponential(0.30, 400), constant_losses=np.full(400, 0.69),
...     reference_losses=draw.exponential(0.32, 400), reference_name="gradient boosting",
...     num_parameters=5000, num_examples=400, unit="nats",
... )
>>> judge_fit(evidence).state
'overfitting'
"""

from __future__ import annotations

from justfit.rules._capacity import Capacity
from justfit.rules._divergence import Divergence
from justfit.rules._evidence import FitEvidence
from justfit.rules._fit import judge_fit, without_verdict
from justfit.rules._next_steps import next_steps
from justfit.rules._no_signal import NoSignal
from justfit.rules._overfitting import Overfitting
from justfit.rules._rule import Clear, NotApplicable, Outcome, Rule
from justfit.rules._underfitting import Underfitting

__all__ = [
    "Capacity",
    "Clear",
    "Divergence",
    "FitEvidence",
    "NoSignal",
    "NotApplicable",
    "Outcome",
    "Overfitting",
    "Rule",
    "Underfitting",
    "judge_fit",
    "next_steps",
    "without_verdict",
]
