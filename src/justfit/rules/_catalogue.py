"""Every rule by its code, and the page that explains it."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from justfit.errors import ArgumentError
from justfit.records import Severity
from justfit.rules._aliases import codes_of
from justfit.rules._capacity import Capacity
from justfit.rules._divergence import Divergence
from justfit.rules._history_rule import HistoryRule
from justfit.rules._judge_history import HISTORY_RULES
from justfit.rules._no_signal import NoSignal
from justfit.rules._overfitting import Overfitting
from justfit.rules._rule import Rule
from justfit.rules._signal import SIGNAL_RULES
from justfit.rules._signal_rule import SignalRule
from justfit.rules._underfitting import Underfitting
from justfit.rules._watch import WATCH_RULES
from justfit.rules._watch_rule import WatchRule

AnyRule = type[Rule] | type[SignalRule] | type[HistoryRule] | type[WatchRule]

_EVERY: tuple[AnyRule, ...] = (
    *(Overfitting, Underfitting, Capacity, NoSignal, Divergence),
    *HISTORY_RULES,
    *SIGNAL_RULES,
    *WATCH_RULES,
)

# In order of the codes.
RULES: Final[MappingProxyType[str, AnyRule]] = MappingProxyType(
    {rule.code: rule for rule in sorted(_EVERY, key=lambda rule: rule.code)}
)

HEADINGS: Final = ("How it is detected", "Why it matters", "When it is wrong", "What helps", "References")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDescription:
    """The page of one rule.

    Attributes:
        code: Such as `JF205`.
        name: Name of the disease, in words.
        severity: That of a usual finding; a single one may be milder or worse.
        summary: One sentence.
        sections: Heading → text in reStructuredText, with the thresholds' numbers filled in.
        thresholds: Name → number.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    sections: dict[str, str]
    thresholds: dict[str, float]


def describe(code: str) -> RuleDescription:
    """Explain a rule, from its docstring and its thresholds.

    Args:
        code: Such as `JF205`, in upper or lower case; or the name of a rule of SageMaker Debugger.

    Returns:
        The page; for a name of SageMaker Debugger, that of the nearest rule.

    Raises:
        ArgumentError: There is no such rule.
    """
    rule = RULES.get((codes_of(code) or (code.strip().upper(),))[0])
    if rule is None:
        nearest = max(RULES, key=lambda known: difflib.SequenceMatcher(None, code.strip().upper(), known).ratio())
        raise ArgumentError(
            "`code` must be that of a rule.",
            found=f"`code={code!r}`",
            way_out=f"The nearest is {nearest} ({RULES[nearest].name}); `justfit rules` lists all.",
        )
    fields = dataclasses.fields(rule)  # type: ignore[arg-type]  # every final rule is a dataclass
    thresholds = {field.name: float(getattr(rule(), field.name)) for field in fields}
    pieces = re.split(rf"^({'|'.join(HEADINGS)}):$", inspect.getdoc(rule) or "", flags=re.MULTILINE)
    texts = [_filled(inspect.cleandoc(piece), thresholds) for piece in pieces]
    return RuleDescription(
        code=rule.code,
        name=rule.name,
        severity=rule.severity,
        summary=" ".join(texts[0].split()),
        sections=dict(zip(texts[1::2], texts[2::2], strict=True)),
        thresholds=thresholds,
    )


def _filled(text: str, thresholds: dict[str, float]) -> str:
    """Put each threshold's number where the text has its name in backticks."""
    for name, value in thresholds.items():
        text = text.replace(f"`{name}`", f"{value:g}")
    return text
