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
from justfit.rules._dead_in_training import DeadInTraining
from justfit.rules._dead_units import DeadUnits
from justfit.rules._divergence import Divergence
from justfit.rules._diverging_loss import DivergingLoss
from justfit.rules._evidence import FitEvidence
from justfit.rules._exploding_gradient import ExplodingGradient
from justfit.rules._exploding_in_training import ExplodingInTraining
from justfit.rules._exploding_signal import ExplodingSignal
from justfit.rules._fit import judge_fit, without_verdict
from justfit.rules._history_non_finite import TrainingEndsNonFinite
from justfit.rules._history_overfitting import OverfittingFromEpoch
from justfit.rules._history_rule import HistoryEvidence, HistoryRule
from justfit.rules._history_underfitting import UnderfittingHistory
from justfit.rules._init_not_applied import InitializationNotApplied
from justfit.rules._initial_loss import InitialLoss
from justfit.rules._judge import judge
from justfit.rules._judge_history import judge_history
from justfit.rules._learning_rate_too_high import LearningRateTooHigh
from justfit.rules._learning_rate_too_low import LearningRateTooLow
from justfit.rules._loss_mismatch import LossMismatch
from justfit.rules._loss_not_decreasing import LossNotDecreasing
from justfit.rules._next_steps import next_steps
from justfit.rules._no_signal import NoSignal
from justfit.rules._non_finite import NonFiniteValues
from justfit.rules._non_finite_in_training import NonFiniteInTraining
from justfit.rules._online_judge import OnlineJudge
from justfit.rules._oscillating_loss import OscillatingLoss
from justfit.rules._overfitting import Overfitting
from justfit.rules._parameters_unchanged import ParametersUnchanged
from justfit.rules._rank_collapse import RankCollapse
from justfit.rules._rule import Clear, NotApplicable, Outcome, Rule
from justfit.rules._saturated_in_training import SaturatedInTraining
from justfit.rules._saturated_units import SaturatedUnits
from justfit.rules._signal import judge_signals
from justfit.rules._signal_rule import SEVERITIES, SignalOutcome, SignalRule
from justfit.rules._slow_progress import SlowProgress
from justfit.rules._still_improving import StillImproving
from justfit.rules._symmetric_units import SymmetricUnits
from justfit.rules._train_mode import TrainLossInTrainMode
from justfit.rules._trainability import trainability
from justfit.rules._underfitting import Underfitting
from justfit.rules._unscaled_input import UnscaledInput
from justfit.rules._unused_parameters import UnusedParameters
from justfit.rules._updates_too_large import UpdatesTooLarge
from justfit.rules._updates_too_small import UpdatesTooSmall
from justfit.rules._vanishing_gradient import VanishingGradient
from justfit.rules._vanishing_in_training import VanishingInTraining
from justfit.rules._vanishing_signal import VanishingSignal
from justfit.rules._watch import judge_watch
from justfit.rules._watch_rule import WatchOutcome, WatchRule
from justfit.rules._weights_too_large import WeightsTooLarge
from justfit.rules._weights_too_small import WeightsTooSmall

__all__ = [
    "ALIASES",
    "RULES",
    "SEVERITIES",
    "Alias",
    "AttentionEntropyCollapse",
    "AttentionRankCollapse",
    "Capacity",
    "Clear",
    "DeadInTraining",
    "DeadUnits",
    "Divergence",
    "DivergingLoss",
    "ExplodingGradient",
    "ExplodingInTraining",
    "ExplodingSignal",
    "FitEvidence",
    "HistoryEvidence",
    "HistoryRule",
    "InitialLoss",
    "InitializationNotApplied",
    "LearningRateTooHigh",
    "LearningRateTooLow",
    "LossMismatch",
    "LossNotDecreasing",
    "NoSignal",
    "NonFiniteInTraining",
    "NonFiniteValues",
    "NotApplicable",
    "OnlineJudge",
    "OscillatingLoss",
    "Outcome",
    "Overfitting",
    "OverfittingFromEpoch",
    "ParametersUnchanged",
    "RankCollapse",
    "Rule",
    "RuleDescription",
    "SaturatedInTraining",
    "SaturatedUnits",
    "SignalOutcome",
    "SignalRule",
    "SlowProgress",
    "StillImproving",
    "SymmetricUnits",
    "TrainLossInTrainMode",
    "TrainingEndsNonFinite",
    "Underfitting",
    "UnderfittingHistory",
    "UnscaledInput",
    "UnusedParameters",
    "UpdatesTooLarge",
    "UpdatesTooSmall",
    "VanishingGradient",
    "VanishingInTraining",
    "VanishingSignal",
    "WatchOutcome",
    "WatchRule",
    "WeightsTooLarge",
    "WeightsTooSmall",
    "codes_of",
    "describe",
    "find_alias",
    "judge",
    "judge_fit",
    "judge_history",
    "judge_signals",
    "judge_watch",
    "next_steps",
    "trainability",
    "without_verdict",
]
