"""Findings as JUnit XML, a test case a rule, for the test pages of continuous integration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from justfit.records import Finding, RuleText, Severity
from justfit.report._checkup_words import SENTENCE
from justfit.report._listing import Found, Listing, listings_of
from justfit.report._names import shown
from justfit.report._numbers import count
from justfit.report._place import place_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_RANKS: dict[Severity, int] = {"info": 0, "warning": 1, "error": 2}


def render_junit(found: Found | Sequence[Found], rules: Sequence[RuleText], *, fail_on: Severity = "warning") -> str:
    """Render a checkup, or judged runs, as JUnit XML: a test suite for each, with one test case for each rule.

    A rule fails with findings of severity `fail_on` or worse, is skipped where it could not judge, and passes
    otherwise; milder findings stand in its output.

    Args:
        found: What was found.
        rules: The rules that ran, in words. A finding of a rule that is not among them gets a test case of its own.
        fail_on: The mildest severity that fails.

    Returns:
        A well-formed document; characters that XML cannot hold are shown as "�".
    """
    from xml.etree.ElementTree import Element, indent, tostring

    root = Element("testsuites", name="justfit")
    suites = [_suite(listing, rules, fail_on) for listing in listings_of(found)]
    for element, below in ((root, suites), *((suite, [suite]) for suite in suites)):
        _count(element, below)
    root.extend(suites)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(listing: Listing, rules: Sequence[RuleText], fail_on: Severity) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    codes = {rule.code: rule.name for rule in rules}
    for finding in listing.findings:
        codes.setdefault(finding.code, finding.name)
    reasons: dict[str, str] = {rule.code: rule.reason for rule in reversed(listing.unjudged)}
    for code in reasons:
        codes.setdefault(code, "")
    suite = Element("testsuite", name=f"justfit {listing.command} {shown(listing.subject)}")
    for code, name in codes.items():
        case = SubElement(
            suite, "testcase", classname=f"justfit.{listing.command}", name=f"{shown(code, 12)} {shown(name)}".strip()
        )
        case.set("time", "0")
        _fill(case, [f for f in listing.findings if f.code == code], reasons.get(code), fail_on)
    return suite


def _count(element: Element, suites: Sequence[Element]) -> None:
    counts = {
        "tests": sum(len(suite.findall("testcase")) for suite in suites),
        "failures": sum(len(suite.findall("testcase/failure")) for suite in suites),
        "errors": 0,
        "skipped": sum(len(suite.findall("testcase/skipped")) for suite in suites),
    }
    for key, value in counts.items():
        element.set(key, str(value))
    element.set("time", "0")


def _fill(case: Element, findings: list[Finding], reason: str | None, fail_on: Severity) -> None:
    from xml.etree.ElementTree import SubElement

    place = next((place for finding in findings if (place := place_of(finding.source))), None)
    if place is not None:
        case.set("file", shown(place.path, 4096))
        if place.line:
            case.set("line", str(place.line))
    failing = [finding for finding in findings if _RANKS[finding.severity] >= _RANKS[fail_on]]
    if failing:
        more = f", and {count(len(failing) - 1, 'more finding')}" if len(failing) > 1 else ""
        message = f"{shown(failing[0].where)}: {shown(failing[0].evidence, SENTENCE)}{more}"
        failure = SubElement(case, "failure", type=failing[0].severity, message=message)
        failure.text = "\n".join(map(_line, failing))
    elif reason is not None and not findings:
        SubElement(case, "skipped", message=shown(reason, SENTENCE))
    mild = [finding for finding in findings if finding not in failing]
    if mild:
        SubElement(case, "system-out").text = "\n".join(map(_line, mild))


def _line(finding: Finding) -> str:
    place = f"{shown(finding.source, 400)}: " if finding.source else ""
    what = f"{finding.severity}  {shown(finding.where, 100)}  {shown(finding.name)}"
    cure = f"\n    cure: {shown(finding.cure, SENTENCE)}" if finding.cure else ""
    return f"{place}{shown(finding.code, 12)} {what} — {shown(finding.evidence, SENTENCE)}{cure}"
