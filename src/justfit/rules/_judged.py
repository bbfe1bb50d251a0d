"""What all judges of rules share: the worst findings of each rule, in order of severity and place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from justfit.records import Finding, Unjudged
from justfit.rules._rule import NotApplicable
from justfit.rules._signal_rule import SEVERITIES

# Findings that one rule shows at most.
MOST = 3


def judged(
    outcomes: Iterable[tuple[str, str, tuple[Finding, ...] | NotApplicable]],
    places: Sequence[str],
    keeps: Callable[[str, str], bool] | None,
) -> tuple[tuple[Finding, ...], tuple[Unjudged, ...]]:
    """Keep of each rule the three worst findings that are wanted, and say how many more there are.

    Args:
        outcomes: Code of each rule, what its findings are about, and its answer.
        places: Names that findings may have, in order of execution.
        keeps: Says of a code and a place whether the finding is wanted; None for all.

    Returns:
        The findings, worst severity first, then in order of execution; and the rules that could not judge.
    """
    order = {name: index for index, name in reversed(list(enumerate(places)))}

    def rank(finding: Finding) -> tuple[int, int]:
        return SEVERITIES.index(finding.severity), order.get(finding.where, len(order))

    found: list[Finding] = []
    unjudged = []
    for code, things, outcome in outcomes:
        if isinstance(outcome, NotApplicable):
            unjudged.append(Unjudged(code=code, reason=outcome.reason))
        else:
            wanted = [finding for finding in outcome if keeps is None or keeps(finding.code, finding.where)]
            kept = sorted(wanted[:MOST], key=rank)
            if len(wanted) > MOST:
                kept[-1] = replace(kept[-1], evidence=f"{kept[-1].evidence}; and {len(wanted) - MOST} more {things}")
            found += kept
    return tuple(sorted(found, key=rank)), tuple(unjudged)
