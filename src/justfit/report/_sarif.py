"""Findings as SARIF 2.1.0, which code scanning and editors read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from justfit.records import Finding, RuleText, Unjudged, to_dict
from justfit.report._checkup_words import SENTENCE
from justfit.report._listing import Found, Listing, listings_of
from justfit.report._names import shown
from justfit.report._place import Place, place_of

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_LONGEST_HELP = 20_000
_SUBJECTS = {"check": "module", "cure": "module", "fit": "table", "judge": "log", "watch": "module"}


def render_sarif(found: Found | Sequence[Found], rules: Sequence[RuleText], version: str) -> str:
    """Render a record that has findings, or several, as a SARIF 2.1.0 log with one run for each.

    Each finding is a result at the line that builds the layer, or at the log of the run, with the layer as logical
    location and a fingerprint of code, layer and file that survives edits of other lines. A rule that could not judge
    is a notification of the run with its reason, not a result.

    Args:
        found: What was found.
        rules: The rules that ran, in words.
        version: Of justfit.

    Returns:
        JSON text, UTF-8 encodable, indented by two.

    Raises:
        ArgumentError: It is a record of a kind that has no findings.

    References:
        OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0 Plus Errata 01" (2023).
    """
    log = {"version": "2.1.0", "runs": [_run(listing, rules, version) for listing in listings_of(found)]}
    return json.dumps(to_dict(log), indent=2, ensure_ascii=False, allow_nan=False)


def _run(listing: Listing, rules: Sequence[RuleText], version: str) -> dict[str, Any]:
    descriptors = _descriptors(listing, rules)
    index = {descriptor["id"]: k for k, descriptor in enumerate(descriptors)}
    return {
        "tool": {"driver": {"name": "justfit", "version": shown(version, 40), "rules": descriptors}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(rule, index) for rule in listing.unjudged],
            }
        ],
        "results": [_result(finding, index) for finding in listing.findings],
        "properties": {
            _SUBJECTS[listing.command]: shown(listing.subject, 200),
            **{key: shown(value) if isinstance(value, str) else value for key, value in listing.properties.items()},
        },
    }


def _descriptors(listing: Listing, rules: Sequence[RuleText]) -> list[dict[str, Any]]:
    descriptors = {rule.code: _descriptor(rule) for rule in rules}
    for finding in listing.findings:  # a result must find its rule
        text = RuleText(
            code=finding.code, name=finding.name, severity=finding.severity, summary=finding.why, help=finding.cure
        )
        descriptors.setdefault(finding.code, _descriptor(text))
    return list(descriptors.values())


def _descriptor(rule: RuleText) -> dict[str, Any]:
    name = shown(rule.name)
    return {
        "id": shown(rule.code, 12),
        "name": "".join(word[:1].upper() + word[1:] for word in name.split()),
        "shortDescription": {"text": name},
        "fullDescription": {"text": shown(rule.summary, SENTENCE)},
        "help": {"text": _paragraphs(rule.help)},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    place = place_of(finding.source)
    where = shown(finding.where, 200)
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": where, "name": where.rpartition(".")[2]}]}
    if place is not None:
        location["physicalLocation"] = _physical(place)
    cure = f" Cure: {shown(finding.cure, SENTENCE)}" if finding.cure else ""
    evidence = shown(finding.evidence, SENTENCE).rstrip(".")
    code = shown(finding.code, 12)
    return {
        "ruleId": code,
        "ruleIndex": index[code],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{where}: {shown(finding.name)} — {evidence}.{cure}"},
        "locations": [location],
        "partialFingerprints": {"justfitFinding/v1": _fingerprint(finding, place)},
        "properties": {
            "value": finding.value,
            "threshold": finding.threshold,
            "unit": shown(finding.unit, 40) if finding.unit else "",
        },
    }


def _physical(place: Place) -> dict[str, Any]:
    path = place.path.replace("\\", "/")
    artifact = {"uri": quote(path, errors="surrogatepass")}
    if not path.startswith("/") and path[1:2] != ":":
        artifact["uriBaseId"] = "%SRCROOT%"
    return {"artifactLocation": artifact, **({"region": {"startLine": place.line}} if place.line else {})}


def _notification(rule: Unjudged, index: dict[str, int]) -> dict[str, Any]:
    code = shown(rule.code, 12)
    known = {"associatedRule": {"id": code, "index": index[code]}} if code in index else {}
    return {"level": "note", "message": {"text": f"{code} could not judge: {shown(rule.reason, SENTENCE)}"}, **known}


def _fingerprint(finding: Finding, place: Place | None) -> str:
    what = "\x00".join((finding.code, finding.where, place.path if place else ""))
    return hashlib.sha256(what.encode("utf-8", errors="surrogatepass")).hexdigest()[:32]


def _paragraphs(text: str) -> str:
    # Line by line, so that a help text of several paragraphs keeps them.
    return "\n".join(shown(line, 1000) if line.strip() else "" for line in text[:_LONGEST_HELP].splitlines()) or "—"
