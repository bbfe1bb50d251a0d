"""What a rule is, in words: all that an output needs to know of it."""

from __future__ import annotations

from dataclasses import dataclass

from justfit.records._verdict import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """A rule in words, so that reports can list rules without knowing them.

    Attributes:
        code: Stable rule code, `JF` and three digits.
        name: Name of the disease, in words, such as `vanishing gradient`.
        severity: Of its worst finding.
        summary: What it finds, one sentence.
        help: How it is detected, why it matters, when it is wrong, what helps; several paragraphs.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    help: str
