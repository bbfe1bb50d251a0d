"""All signal rules on one network."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from justfit.records import Finding, SignalEvidence, Unjudged
from justfit.rules._attention_entropy_collapse import AttentionEntropyCollapse
from justfit.rules._attention_rank_collapse import AttentionRankCollapse
from justfit.rules._dead_units import DeadUnits
from justfit.rules._exploding_gradient import ExplodingGradient
from justfit.rules._exploding_signal import ExplodingSignal
from justfit.rules._init_not_applied import InitializationNotApplied
from justfit.rules._initial_loss import InitialLoss
from justfit.rules._judged import judged
from justfit.rules._loss_mismatch import LossMismatch
from justfit.rules._non_finite import NonFiniteValues
from justfit.rules._rank_collapse import RankCollapse
from justfit.rules._saturated_units import SaturatedUnits
from justfit.rules._signal_rule import SignalRule
from justfit.rules._symmetric_units import SymmetricUnits
from justfit.rules._unscaled_input import UnscaledInput
from justfit.rules._unused_parameters import UnusedParameters
from justfit.rules._vanishing_gradient import VanishingGradient
from justfit.rules._vanishing_signal import VanishingSignal
from justfit.rules._weights_too_large import WeightsTooLarge
from justfit.rules._weights_too_small import WeightsTooSmall

SIGNAL_RULES: tuple[type[SignalRule], ...] = (
    VanishingGradient,
    ExplodingGradient,
    VanishingSignal,
    ExplodingSignal,
    RankCollapse,
    NonFiniteValues,
    AttentionRankCollapse,
    AttentionEntropyCollapse,
    SymmetricUnits,
    WeightsTooSmall,
    WeightsTooLarge,
    DeadUnits,
    SaturatedUnits,
    InitializationNotApplied,
    UnscaledInput,
    LossMismatch,
    UnusedParameters,
    InitialLoss,
)


def judge_signals(
    evidence: SignalEvidence, keeps: Callable[[str, str], bool] | None = None
) -> tuple[tuple[Finding, ...], tuple[Unjudged, ...]]:
    """Ask every signal rule.

    Args:
        evidence: What one forward and one backward pass showed.
        keeps: Says of a rule's code and a finding's place whether the finding is wanted; by default all are.

    Returns:
        The findings, worst severity first, then in order of execution: of each rule the three worst that are wanted,
        and in words how many more there are. And the rules that could not judge, with the reason.
    """
    outcomes = ((rule.code, rule.things, rule().check(evidence)) for rule in SIGNAL_RULES)
    return judged(outcomes, list(_places(evidence)), keeps)


def _places(evidence: SignalEvidence) -> Iterator[str]:
    """Names that findings may have, in order of execution; an attention stands right after its own layers."""
    yield from (signal.name for signal in evidence.inputs)
    names = [layer.name for layer in evidence.layers]
    attention = [signal.name for signal in evidence.attention]
    for index, name in enumerate(names):
        yield name
        following = names[index + 1] if index + 1 < len(names) else ""
        yield from (own for own in attention if name.startswith(own) and not following.startswith(own))
    yield from (point.name for point in evidence.trunk)
