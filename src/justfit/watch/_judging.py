"""Ask the rules about a run, and tell of each finding once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from justfit import rules
from justfit.records import Finding, FitVerdict, Unjudged, WatchEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the rules say of a run.

    Attributes:
        findings: Worst first.
        unjudged: Rules that could not judge.
        verdict: On the history; None without a validation loss.
    """

    findings: tuple[Finding, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    verdict: FitVerdict | None = None


def judge(evidence: WatchEvidence) -> Judgement:
    """Ask all watch rules, and the fit rules if there is a validation loss."""
    judge_watch = getattr(rules, "judge_watch", None)
    judge_history = getattr(rules, "judge_history", None)
    findings, unjudged = judge_watch(evidence) if judge_watch is not None else ((), ())
    known = not all(math.isnan(loss) for loss in evidence.history.validation_loss)
    verdict = judge_history(evidence.history) if known and judge_history is not None else None
    return Judgement(findings=findings, unjudged=unjudged, verdict=verdict)


class Announcer:
    """Tells of each finding once, by its code and place.

    Args:
        tell: Whom to tell, one after the other.
    """

    def __init__(self, tell: list[Callable[[Finding], None]]) -> None:
        self.tell = tell
        self.told: set[tuple[str, str]] = set()

    def announce(self, findings: tuple[Finding, ...]) -> None:
        """Tell of those that are new."""
        for finding in findings:
            key = (finding.code, finding.where)
            if key not in self.told:
                self.told.add(key)
                for listener in self.tell:
                    listener(finding)
