"""From numbers to a mark: nothing here knows which claim it judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from justfit.lab._texts import Text
from justfit.records import LabClaim, LabFigure, LabMark, LabMeasurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an experiment found.

    Attributes:
        title: The finding in one sentence, said unless the numbers refute the claim.
        measurements: The numbers and their ranges.
        figure: The picture.
        where: What it was measured on.
        condition: Said where a "condition" number lies outside its range.
        refinement: Said where a "literal" number does.
    """

    title: str
    measurements: tuple[LabMeasurement, ...]
    figure: LabFigure
    where: str
    condition: str = ""
    refinement: str = ""


def mark_of(measurements: Sequence[LabMeasurement]) -> LabMark:
    """Set the mark by which part of the numbers lies outside its range; see `LabMeasurement.part`."""
    outside = {measurement.part for measurement in measurements if not measurement.holds}
    if "exact" in outside:
        return "refuted"
    if "literal" in outside:
        return "refined"
    return "confirmed with a condition" if "condition" in outside else "confirmed"


def claim_of(id_: str, text: Text, found: Found, seconds: float) -> LabClaim:
    """Put the lecture's words and the numbers together."""
    mark = mark_of(found.measurements)
    wrong = "; ".join(m.name for m in found.measurements if m.part == "exact" and not m.holds)
    remarks: dict[LabMark, str] = {
        "confirmed": "",
        "confirmed with a condition": found.condition,
        "refined": found.refinement,
        "refuted": f"Outside the range in which it must lie: {wrong}. {text.unless}".rstrip(),
    }
    return LabClaim(
        id=id_,
        topic=text.topic,
        title=found.title if mark != "refuted" else f"Not confirmed here: {text.topic}",
        claim=text.claim,
        formula=text.formula,
        exact=text.exact,
        measurements=found.measurements,
        mark=mark,
        remark=remarks[mark],
        # the title says the finding, which a refuted claim does not have
        figure=found.figure if mark != "refuted" else replace(found.figure, title="What was measured"),
        try_it=text.try_it,
        where=found.where,
        seconds=seconds,
    )
