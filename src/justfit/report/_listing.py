"""Whatever has findings, in the one form that SARIF, workflow commands and JUnit XML are written from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from justfit.records import Checkup, Finding, Judgement, Unjudged

Found = Checkup | Sequence[Judgement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Findings about one thing.

    Attributes:
        command: The command that found them.
        subject: What they are about.
        findings: Worst first; each with the file to show it at.
        unjudged: Rules that could not judge.
        properties: Further numbers, for SARIF.
    """

    command: str
    subject: str
    findings: tuple[Finding, ...]
    unjudged: tuple[Unjudged, ...] = ()
    properties: dict[str, Any] = field(default_factory=dict)


def listings_of(found: Found) -> list[Listing]:
    """List the findings of a checkup, or of each judged run; those of a run are shown at its log."""
    if isinstance(found, Checkup):
        return [_of_checkup(found)]
    return [_of_judgement(judgement) for judgement in found]


def _of_checkup(checkup: Checkup) -> Listing:
    return Listing(
        command="check",
        subject=checkup.evidence.module,
        findings=checkup.findings,
        unjudged=checkup.unjudged,
        properties={
            "numLayers": len(checkup.layers),
            "trainability": checkup.trainability.score,
            "trainabilityThreshold": checkup.trainability.threshold,
        },
    )


def _of_judgement(judgement: Judgement) -> Listing:
    history, verdict = judgement.history, judgement.verdict
    place = history.source or None
    return Listing(
        command="judge",
        subject=history.source or "history",
        findings=tuple(replace(finding, source=finding.source or place) for finding in verdict.findings),
        properties={
            "state": verdict.state,
            "probabilities": verdict.probabilities,
            "bestEpoch": verdict.best_epoch,
            "lastEpoch": verdict.last_epoch,
            "trainColumn": history.train_name,
            "validationColumn": history.validation_name,
        },
    )
