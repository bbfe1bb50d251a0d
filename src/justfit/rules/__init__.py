"""From measurements to findings and verdicts: one disease a file, no torch, no network.

A rule reads evidence and answers with what it found, with nothing found, or with `NotApplicable` and the reason; it
never takes missing evidence for health. Fit rules (`Rule`) read the losses of a sweep, signal rules (`SignalRule`) what
one forward and one backward pass showed. `RULES` lists all of them, `describe` explains one.

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

>>> from justfit.records import LossSignal, NonFinite, SignalEvidence
>>> from justfit.rules import describe, judge_signals
>>> broken = SignalEvidence(
...     module="Net", num_parameters=10, batch_size=8, unit_roundoff=1.2e-7, layers=(), trunk=(),
...     loss=LossSignal(name="mse_loss"),
...     nonfinite=NonFinite(stage="forward", operation="log", layer="encoder.0", kind="nan", num_values=3),
... )
>>> findings, unjudged = judge_signals(broken)
>>> findings[0].code, findings[0].where
('JF206', 'encoder.0')
>>> describe("JF206").summary
'NaN or infinity appears in the first pass.'
"""

from __future__ import annotations

from justfit.rules._aliases import ALIASES, Alias, codes_of, find_alias
from justfit.rules._attention_entropy_collapse import AttentionEntropyCollapse
from justfit.rules._attention_rank_collapse import AttentionRankCollapse
from justfit.rules._capacity import Capacity
from justfit.rules._catalogue import RULES, RuleDescription, describe
from justfit.rules._dead_units import DeadUnits
from justfit.rules._divergence import Divergence
from justfit.rules._evidence import FitEvidence
from justfit.rules._exploding_gradient import ExplodingGradient
from justfit.rules._exploding_signal import ExplodingSignal
from justfit.rules._fit import judge_fit, without_verdict
from justfit.rules._init_not_applied import InitializationNotApplied
from justfit.rules._initial_loss import InitialLoss
from justfit.rules._loss_mismatch import LossMismatch
from justfit.rules._next_steps import next_steps
from justfit.rules._no_signal import NoSignal
from justfit.rules._non_finite import NonFiniteValues
from justfit.rules._overfitting import Overfitting
from justfit.rules._rank_collapse import RankCollapse
from justfit.rules._rule import Clear, NotApplicable, Outcome, Rule
from justfit.rules._saturated_units import SaturatedUnits
from justfit.rules._signal import judge_signals
from justfit.rules._signal_rule import SignalOutcome, SignalRule
from justfit.rules._symmetric_units import SymmetricUnits
from justfit.rules._trainability import trainability
from justfit.rules._underfitting import Underfitting
from justfit.rules._unscaled_input import UnscaledInput
from justfit.rules._unused_parameters import UnusedParameters
from justfit.rules._vanishing_gradient import VanishingGradient
from justfit.rules._vanishing_signal import VanishingSignal
from justfit.rules._weights_too_large import WeightsTooLarge
from justfit.rules._weights_too_small import WeightsTooSmall

__all__ = [
    "ALIASES",
    "RULES",
    "Alias",
    "AttentionEntropyCollapse",
    "AttentionRankCollapse",
    "Capacity",
    "Clear",
    "DeadUnits",
    "Divergence",
    "ExplodingGradient",
    "ExplodingSignal",
    "FitEvidence",
    "InitialLoss",
    "InitializationNotApplied",
    "LossMismatch",
    "NoSignal",
    "NonFiniteValues",
    "NotApplicable",
    "Outcome",
    "Overfitting",
    "RankCollapse",
    "Rule",
    "RuleDescription",
    "SaturatedUnits",
    "SignalOutcome",
    "SignalRule",
    "SymmetricUnits",
    "Underfitting",
    "UnscaledInput",
    "UnusedParameters",
    "VanishingGradient",
    "VanishingSignal",
    "WeightsTooLarge",
    "WeightsTooSmall",
    "codes_of",
    "describe",
    "find_alias",
    "judge_fit",
    "judge_signals",
    "next_steps",
    "trainability",
    "without_verdict",
]
