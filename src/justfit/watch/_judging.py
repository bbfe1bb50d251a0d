"""Ask the rules about a run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from justfit import rules
from justfit.records import Finding, FitVerdict, Unjudged, WatchEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the rules say of a run.

    Attributes:
        findings: Of training and of the history, worst first.
        unjudged: Rules that could not judge.
        verdict: On the history; None without a validation loss.
    """

    findings: tuple[Finding, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    verdict: FitVerdict | None = None


def judge(evidence: WatchEvidence) -> Judgement:
    """Ask all watch rules, and the fit rules if there is a validation loss."""
    findings, unjudged = rules.judge_watch(evidence)
    known = not all(math.isnan(loss) for loss in evidence.history.validation_loss)
    verdict = rules.judge_history(evidence.history) if known else None
    every = findings if verdict is None else (*findings, *verdict.findings)
    worst_first = tuple(sorted(every, key=lambda finding: rules.SEVERITIES.index(finding.severity)))
    return Judgement(findings=worst_first, unjudged=unjudged, verdict=verdict)
