"""All watch rules on one training run."""

from __future__ import annotations

from collections.abc import Callable

from justfit.records import Finding, Unjudged, WatchEvidence
from justfit.rules._dead_in_training import DeadInTraining
from justfit.rules._diverging_loss import DivergingLoss
from justfit.rules._exploding_in_training import ExplodingInTraining
from justfit.rules._judged import judged
from justfit.rules._learning_rate_too_high import LearningRateTooHigh
from justfit.rules._learning_rate_too_low import LearningRateTooLow
from justfit.rules._loss_not_decreasing import LossNotDecreasing
from justfit.rules._non_finite_in_training import NonFiniteInTraining
from justfit.rules._oscillating_loss import OscillatingLoss
from justfit.rules._parameters_unchanged import ParametersUnchanged
from justfit.rules._saturated_in_training import SaturatedInTraining
from justfit.rules._slow_progress import SlowProgress
from justfit.rules._updates_too_large import UpdatesTooLarge
from justfit.rules._updates_too_small import UpdatesTooSmall
from justfit.rules._vanishing_in_training import VanishingInTraining
from justfit.rules._watch_rule import WatchRule

WATCH_RULES: tuple[type[WatchRule], ...] = (
    NonFiniteInTraining,
    VanishingInTraining,
    ExplodingInTraining,
    DeadInTraining,
    SaturatedInTraining,
    UpdatesTooSmall,
    UpdatesTooLarge,
    LossNotDecreasing,
    SlowProgress,
    OscillatingLoss,
    DivergingLoss,
    LearningRateTooHigh,
    LearningRateTooLow,
    ParametersUnchanged,
)


def judge_watch(
    evidence: WatchEvidence, keeps: Callable[[str, str], bool] | None = None
) -> tuple[tuple[Finding, ...], tuple[Unjudged, ...]]:
    """Ask every watch rule.

    Args:
        evidence: What watching measured so far.
        keeps: Says of a rule's code and a finding's place whether the finding is wanted; by default all are.

    Returns:
        The findings, worst severity first, then in order of execution: of each rule the three worst that are wanted,
        and in words how many more there are. And the rules that could not judge, with the reason.
    """
    outcomes = ((rule.code, rule.things, rule().check(evidence)) for rule in WATCH_RULES)
    return judged(outcomes, ["network", *(layer.name for layer in evidence.layers)], keeps)
