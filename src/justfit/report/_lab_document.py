"""The lab in words: what was found, claim by claim, with the numbers and their ranges."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from justfit.records import LabClaim, LabMark, LabMeasurement, LabRecord
from justfit.report._document import Card, Table, Tone
from justfit.report._names import shown
from justfit.report._numbers import count, number, setting, with_se, with_unit

_LONGEST = 900
# The word carries the mark, the sign and the colour only repeat it.
MARK_SIGNS: dict[LabMark, str] = {
    "confirmed": "✓",
    "confirmed with a condition": "✓",
    "refined": "≈",
    "refuted": "✕",
}
_MARK_TONES: dict[LabMark, Tone] = {
    "confirmed": "good",
    "confirmed with a condition": "good",
    "refined": "open",
    "refuted": "bad",
}
_REMARKS: dict[LabMark, str] = {
    "confirmed": "",
    "confirmed with a condition": "The condition",
    "refined": "What is exactly true",
    "refuted": "What does not hold",
}
_HEADLINE_WORDS: tuple[tuple[LabMark, str], ...] = (
    ("confirmed with a condition", "with a condition"),
    ("refined", "in a refined form"),
)
_MEANINGS: tuple[tuple[LabMark, str], ...] = (
    ("confirmed", "Every number lies in the range that theory, its standard error or rounding gives it."),
    ("confirmed with a condition", "So does every number that must, and one beyond the claim's condition does not."),
    ("refined", "The exact form holds, and the lecture's own words, taken literally, do not."),
    (
        "refuted",
        "A number that must lie in its range does not. Of a table of your own that can say something about the table; "
        "the claim then tells what.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimEntry:
    """One claim in words.

    Attributes:
        id: Its anchor, "C1" to "C17".
        heading: The finding.
        topic: In a word or two.
        mark, sign, tone: How it stands.
        remark_heading, remark: The condition or refinement; empty for none.
        details: (what, sentence) pairs: claim, exact form, where it was measured.
        formula: As plain text.
        equations: The same as MathML, a line each, markup; empty where the text says it best.
        figure_title, caption: Of the picture.
        table: The numbers.
        try_it: A command or call.
    """

    id: str
    heading: str
    topic: str
    mark: LabMark
    sign: str
    tone: Tone
    remark_heading: str
    remark: str
    details: tuple[tuple[str, str], ...]
    formula: str
    equations: tuple[str, ...]
    figure_title: str
    caption: str
    table: Table
    try_it: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabDocument:
    """The whole page.

    Attributes:
        subject: On what and how it was measured.
        headline: How many claims stand.
        notices: An interruption, or how the table was read.
        tone: Colour of the headline.
        cards: Counts of the marks.
        meanings: (mark, what it means) pairs.
        claims: In order.
        facts: (what, value) pairs to reproduce it.
    """

    subject: str
    headline: str
    notices: tuple[str, ...]
    tone: Tone
    cards: tuple[Card, ...]
    meanings: tuple[tuple[str, str], ...]
    claims: tuple[ClaimEntry, ...]
    facts: tuple[tuple[str, str], ...]


def build_lab_document(record: LabRecord) -> LabDocument:
    """Put a record of the lab into words."""
    marks = Counter(claim.mark for claim in record.claims)
    return LabDocument(
        subject=f"The lecture, live · {shown(record.data, 200)}",
        headline=_headline(record, marks),
        notices=_notices(record),
        tone="bad" if record.refuted else "good",
        cards=tuple(
            Card(label=mark, value=str(marks.get(mark, 0)), note=f"of {len(record.claims)} claims")
            for mark in MARK_SIGNS
        ),
        meanings=_MEANINGS,
        claims=tuple(_entry(claim) for claim in record.claims),
        facts=(
            ("Seed", str(record.seed)),
            ("Form", "quick" if record.quick else "full"),
            ("Time", f"{record.seconds:.0f} s"),
            *((shown(name, 30), shown(version, 30)) for name, version in record.versions.items()),
        ),
    )


def _headline(record: LabRecord, marks: Counter[LabMark]) -> str:
    total = len(record.claims)
    if record.refuted:
        return f"{count(len(record.refuted), 'claim')} of {total} not confirmed: {', '.join(record.refuted)}"
    said = [f"{marks['confirmed']} as they stand"]
    said += [f"{marks[mark]} {words}" for mark, words in _HEADLINE_WORDS if marks[mark]]
    return f"All {total} claims hold: {', '.join(said)}"


def _notices(record: LabRecord) -> tuple[str, ...]:
    notices = [f"{shown(record.interrupted, 200)}; the other claims are not shown"] if record.interrupted else []
    return (*notices, *(shown(note, 300) for note in record.data_notes[:10]))


def _entry(claim: LabClaim) -> ClaimEntry:
    return ClaimEntry(
        id=shown(claim.id, 5),
        heading=shown(claim.title, _LONGEST),
        topic=shown(claim.topic),
        mark=claim.mark,
        sign=MARK_SIGNS[claim.mark],
        tone=_MARK_TONES[claim.mark],
        remark_heading=_REMARKS[claim.mark] if claim.remark else "",
        remark=shown(claim.remark, _LONGEST) if claim.remark else "",
        details=(
            ("The lecture says", shown(claim.claim, _LONGEST)),
            ("Exactly", shown(claim.exact, _LONGEST)),
            ("Measured on", shown(claim.where, _LONGEST)),
        ),
        formula=shown(claim.formula, _LONGEST),
        equations=_equations().get(claim.formula, ()),
        figure_title=shown(claim.figure.title, _LONGEST),
        caption=shown(claim.figure.caption, _LONGEST),
        table=Table(
            caption=f"The numbers of {claim.id} beside the ranges in which they must lie.",
            columns=("What", "Measured", "Range", "Where the range comes from", "In range"),
            rows=tuple(_row(measurement) for measurement in claim.measurements),
            numeric=False,
        ),
        try_it=shown(claim.try_it, _LONGEST),
    )


@cache
def _equations() -> dict[str, tuple[str, ...]]:
    """Read the MathML of the formulas, by their plain text; `docs/generate_formulas.py` writes it."""
    text = (files("justfit.report") / "assets" / "formulas.json").read_text(encoding="utf-8")
    return {formula: tuple(lines) for formula, lines in json.loads(text).items()}


def _row(measurement: LabMeasurement) -> tuple[str, ...]:
    unit = shown(measurement.unit, 30) if measurement.unit else ""
    outside = {"exact": "no", "condition": "no: beyond the condition", "literal": "no: the literal words"}
    return (
        shown(measurement.name, _LONGEST),
        _measured(measurement, unit),
        _range(measurement, unit),
        shown(measurement.source, _LONGEST),
        "yes" if measurement.holds else outside[measurement.part],
    )


def _range(measurement: LabMeasurement, unit: str) -> str:
    low, high = measurement.low, measurement.high
    if low == high:
        return f"exactly {setting(low)}"
    if math.isnan(high):
        return with_unit(f"above {number(low, 2)}", unit)
    if math.isnan(low):
        return with_unit(f"below {number(high, 2)}", unit)
    if low == -high:
        return with_unit(f"0 ± {number(high, 2)}", unit)
    digits = _digits(low, high)
    return with_unit(f"{number(low, digits)} to {number(high, digits)}", unit)


def _measured(measurement: LabMeasurement, unit: str) -> str:
    if measurement.standard_error > 0:
        return with_se(measurement.value, measurement.standard_error, unit)
    bounded = measurement.low < measurement.high and measurement.low != -measurement.high
    digits = max(_digits(measurement.low, measurement.high), 3) if bounded else 3
    return with_unit(
        number(measurement.value, digits) if measurement.low != measurement.high else setting(measurement.value), unit
    )


def _digits(low: float, high: float) -> int:
    """As many digits as tell the two ends of a range apart."""
    return min(max(2 - math.floor(math.log10((high - low) / max(abs(low), abs(high)))), 2), 8)
