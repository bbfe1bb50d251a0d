"""Findings on pages of watched and repaired runs: since when they hold, and what to do about them first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from justfit.records import Finding, FitVerdict
from justfit.report._checkup_words import SENTENCE, finding_entry
from justfit.report._document import FindingEntry, Section
from justfit.report._names import shown
from justfit.report._numbers import count

MOST_FINDINGS = 200  # written out; a page of more is not read
_MOST_STEPS = 4
_SEVERITIES = ("error", "warning", "info")


def findings_section(findings: Sequence[Finding]) -> Section:
    """Write the findings, worst first, each with the step or epoch since which it holds."""
    more = len(findings) - MOST_FINDINGS
    return Section(
        key="findings",
        heading="Findings",
        sentences=(f"The worst {MOST_FINDINGS}; {more:,} more are in the JSON output.",) if more > 0 else (),
        findings=tuple(_entry(finding) for finding in worst_first(findings)[:MOST_FINDINGS]),
    )


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Order findings by severity; those of one severity stay in their order."""
    return sorted(findings, key=lambda finding: _SEVERITIES.index(finding.severity))


def things_to_do(findings: Sequence[Finding], verdict: FitVerdict | None, epoch_name: str = "epoch") -> tuple[str, ...]:
    """Say what to do about findings and verdict; empty where neither asks for anything."""
    points = list(steps_to_take(findings))
    if verdict is not None and verdict.best_epoch is not None and verdict.best_epoch != verdict.last_epoch:
        cost, error = verdict.further_epochs_cost, verdict.further_epochs_cost_se
        if not cost <= error:  # or not known
            epoch = f"{shown(epoch_name, 40)} {verdict.best_epoch:,}"
            points.append(f"Keep the network of {epoch}: it is the best on validation rows.")
    return tuple(points)


def steps_to_take(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Say what to do about the findings that matter, worst first, each remedy once."""
    alarms = [finding for finding in worst_first(findings) if finding.severity != "info"] or list(findings)
    by_cure: dict[str, list[Finding]] = {}
    for finding in alarms:
        by_cure.setdefault(finding.cure, []).append(finding)
    said = []
    for cure, found in list(by_cure.items())[:_MOST_STEPS]:
        more = f" and {count(len(found) - 1, 'more place')}" if len(found) > 1 else ""
        place = f"{shown(found[0].code, 12)} {shown(found[0].name)} in {shown(found[0].where)}{more}"
        said.append(f"{shown(cure, SENTENCE)} ({place})")
    return tuple(said)


def todo_section(points: Sequence[str]) -> Section:
    """The section that stands first: what to do."""
    return Section(key="todo", heading="What to do", points=tuple(points))


def _entry(finding: Finding) -> FindingEntry:
    entry = finding_entry(finding)
    if finding.since is None:
        return entry
    since = ("Since", f"{shown(finding.since_unit, 10)} {finding.since:,}")
    return replace(entry, details=(since, *entry.details))
