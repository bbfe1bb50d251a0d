"""All signal rules on one network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from justfit.records import Finding, SignalEvidence, Unjudged
from justfit.rules._attention_entropy_collapse import AttentionEntropyCollapse
from justfit.rules._attention_rank_collapse import AttentionRankCollapse
from justfit.rules._dead_units import DeadUnits
from justfit.rules._exploding_gradient import ExplodingGradient
from justfit.rules._exploding_signal import ExplodingSignal
from justfit.rules._init_not_applied import InitializationNotApplied
from justfit.rules._initial_loss import InitialLoss
from justfit.rules._loss_mismatch import LossMismatch
from justfit.rules._non_finite import NonFiniteValues
from justfit.rules._rank_collapse import RankCollapse
from justfit.rules._rule import NotApplicable
from justfit.rules._saturated_units import SaturatedUnits
from justfit.rules._signal_rule import SEVERITIES, SignalRule
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


# Findings that one rule shows at most.
MOST = 3


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
    places = {name: index for index, name in reversed(list(enumerate(_places(evidence))))}
    found: list[Finding] = []
    unjudged = []
    for rule in SIGNAL_RULES:
        outcome = rule().check(evidence)
        if isinstance(outcome, NotApplicable):
            unjudged.append(Unjudged(code=rule.code, reason=outcome.reason))
        else:
            wanted = [finding for finding in outcome if keeps is None or keeps(finding.code, finding.where)]
            found += _shortened(wanted, rule.things, lambda f: places.get(f.where, len(places)))
    order = sorted(found, key=lambda f: (SEVERITIES.index(f.severity), places.get(f.where, len(places))))
    return tuple(order), tuple(unjudged)


def _shortened(found: list[Finding], things: str, place: Callable[[Finding], int]) -> list[Finding]:
    """Keep the worst; the last of them in order of execution says how many were left out."""
    kept = sorted(found[:MOST], key=lambda finding: (SEVERITIES.index(finding.severity), place(finding)))
    if len(found) > MOST:
        kept[-1] = replace(kept[-1], evidence=f"{kept[-1].evidence}; and {len(found) - MOST} more {things}")
    return kept


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
