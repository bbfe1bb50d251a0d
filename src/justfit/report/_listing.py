"""Whatever has findings, in the one form that SARIF, workflow commands and JUnit XML are written from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from justfit.errors import ArgumentError
from justfit.records import (
    Checkup,
    CureRecord,
    Finding,
    FitResult,
    FitVerdict,
    Judgement,
    SchemeComparison,
    Unjudged,
    WatchRecord,
)
from justfit.report._judgement_words import judgement_of

Found = Checkup | CureRecord | FitResult | FitVerdict | Judgement | SchemeComparison | WatchRecord


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


def listings_of(found: Found | Sequence[Found]) -> list[Listing]:
    """List the findings of a record, or of each of several; those of a judged run are shown at its log.

    Raises:
        ArgumentError: It is a record of a kind that has no findings.
    """
    every = found if isinstance(found, list | tuple) else [found]
    return [listing for record in every for listing in _listings(record)]


def codes_in(found: Found | Sequence[Found]) -> list[str]:
    """List the codes of all rules that found something or could not judge, each once."""
    listings = listings_of(found)
    found_something = {finding.code for listing in listings for finding in listing.findings}
    return sorted(found_something | {rule.code for listing in listings for rule in listing.unjudged})


def _listings(record: Any) -> list[Listing]:
    if isinstance(record, Checkup):
        return [_of_checkup(record)]
    if isinstance(record, SchemeComparison):
        return [_of_scheme(entry.scheme, entry.checkup) for entry in record.schemes if entry.checkup is not None]
    if isinstance(record, Judgement | FitVerdict):
        return [_of_judgement(judgement_of(record) if isinstance(record, FitVerdict) else record)]
    if isinstance(record, FitResult):
        return [_of_fit(record)]
    if isinstance(record, WatchRecord):
        return [_of_watch(record)]
    if isinstance(record, CureRecord):
        return [_of_cure(record)]
    raise ArgumentError(
        "Only a record with findings can be listed for other programs.",
        found=f"a {type(record).__name__}, which has none",
        way_out="Make a page, text or JSON of it.",
    )


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


def _of_scheme(scheme: str, checkup: Checkup) -> Listing:
    listing = _of_checkup(checkup)
    return replace(listing, properties={"scheme": scheme, **listing.properties})


def _of_fit(result: FitResult) -> Listing:
    verdict = result.verdict
    return Listing(
        command="fit",
        subject=result.dataset.name,
        findings=verdict.findings,
        properties={"state": verdict.state, "probabilities": verdict.probabilities, "helps": result.sweep.helps},
    )


def _of_watch(record: WatchRecord) -> Listing:
    return Listing(
        command="watch",
        subject=record.evidence.module,
        findings=record.findings,
        unjudged=record.unjudged,
        properties={"numSteps": record.overhead.num_steps, "finished": record.finished},
    )


def _of_cure(record: CureRecord) -> Listing:
    return Listing(
        command="cure",
        subject=record.module,
        findings=record.findings,
        properties={"state": record.state, "cause": record.cause},
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
