"""Findings as workflow commands, which GitHub shows beside the line that builds the layer, or at the log."""

from __future__ import annotations

from collections.abc import Sequence

from justfit.records import Finding
from justfit.report._checkup_words import SENTENCE
from justfit.report._listing import Found, listings_of
from justfit.report._names import shown
from justfit.report._place import place_of

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}
_LONGEST_PATH = 4096


def render_github(found: Found | Sequence[Found]) -> str:
    """Render a checkup, or judged runs, as GitHub workflow commands, one line a finding.

    GitHub shows ten annotations of a kind for each step of a workflow; the worst come first.

    Args:
        found: What was found.

    Returns:
        Lines such as `::error file=net.py,line=41,title=JF201 vanishing gradient::features.3: …`, each with its line
        end; empty without findings.
    """
    return "".join(f"{_command(finding)}\n" for listing in listings_of(found) for finding in listing.findings)


def _command(finding: Finding) -> str:
    place = place_of(finding.source)
    properties = [("title", f"{shown(finding.code, 12)} {shown(finding.name)}")]
    if place is not None:
        line = [("line", str(place.line))] if place.line else []
        properties = [("file", shown(place.path, _LONGEST_PATH)), *line, *properties]
    written = ",".join(f"{key}={_escaped_property(value)}" for key, value in properties)
    evidence = shown(finding.evidence, SENTENCE).rstrip(".")
    message = f"{shown(finding.where)}: {evidence}. Cure: {shown(finding.cure, SENTENCE)}"
    return f"::{_COMMANDS[finding.severity]} {written}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
