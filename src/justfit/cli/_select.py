"""Which findings count: codes that are selected and ignored, and severities that fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase

from justfit.cli._config import FailOn, Settings
from justfit.errors import ArgumentError
from justfit.records import Checkup, FitVerdict

_RANKS = {"info": 0, "warning": 1, "error": 2, "never": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which findings are kept. Of two codes that fit a rule, the longer one decides; of equal ones, `ignore`.

    Attributes:
        select: Codes such as `JF301`, or their beginnings such as `JF3`.
        ignore: The same, of what to leave out.
        per_layer_ignores: What to leave out of layers whose path matches a pattern such as `encoder.*`.
    """

    select: tuple[str, ...] = ("JF",)
    ignore: tuple[str, ...] = ()
    per_layer_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def keeps(self, code: str, where: str = "") -> bool:
        """Say whether a finding of rule `code` at layer `where` is kept.

        >>> Selection(select=("JF205",), ignore=("JF2",)).keeps("JF205")
        True
        """
        layered = (codes for layer, codes in self.per_layer_ignores.items() if fnmatchcase(where, layer))
        if any(code.startswith(prefix) for codes in layered for prefix in codes):
            return False
        return _longest(self.select, code) > _longest(self.ignore, code)


def keep_findings(checkup: Checkup, selection: Selection) -> Checkup:
    """Judge again with the findings and the rules left out that are not selected.

    A rule names its three worst findings; those that are left out must not take the place of others.
    """
    from justfit.rules import judge_signals

    findings, unjudged = judge_signals(checkup.evidence, selection.keeps)
    return replace(checkup, findings=findings, unjudged=tuple(rule for rule in unjudged if selection.keeps(rule.code)))


def fails(found: Checkup | FitVerdict, fail_on: FailOn) -> bool:
    """Say whether a finding is of severity `fail_on` or above."""
    return any(_RANKS[finding.severity] >= _RANKS[fail_on] for finding in found.findings)


def selection_of(settings: Settings, select: Sequence[str] | None, ignore: Sequence[str] | None) -> Selection:
    """Make the selection of what the command line says, and of the project's file where it says nothing."""
    from justfit.rules import RULES

    def read(key: str, given: Sequence[str] | None, stored: tuple[str, ...]) -> tuple[str, ...]:
        source = f"`--{key}`" if given else f"`tool.justfit.{key}` in `{settings.path}`"
        return read_codes(given or stored, tuple(RULES), source)

    return Selection(
        select=read("select", select, settings.select) or Selection().select,
        ignore=read("ignore", ignore, settings.ignore),
        per_layer_ignores={
            layer: read(f"per-layer-ignores.{layer}", None, codes)
            for layer, codes in settings.per_layer_ignores.items()
        },
    )


def read_codes(texts: Iterable[str], known: Sequence[str], source: str) -> tuple[str, ...]:
    """Read lists of codes, separated by commas.

    Args:
        texts: Such as `JF2,JF301`; small letters will do, and so do names of SageMaker Debugger's rules.
        known: The codes of all rules.
        source: Where they stand, for the message: `--select`, or the file and key.

    Raises:
        ArgumentError: One is neither a rule's code nor the beginning of one.
    """
    from justfit.rules import codes_of

    codes: list[str] = []
    for word in (word for text in texts for word in text.split(",")):
        if aliased := codes_of(word):
            codes += aliased
            continue
        codes.append(code := word.strip().upper())
        if len(code) < len("JF") or not any(rule.startswith(code) for rule in known):
            near = get_close_matches(code, known, n=1)
            raise ArgumentError(
                f"{source} must hold rule codes such as JF204, or their beginnings such as JF2.",
                found=f"`{code}`",
                way_out=f"Did you mean `{near[0]}`?" if near else "`justfit rules` lists them.",
            )
    return tuple(codes)


def _longest(prefixes: tuple[str, ...], code: str) -> int:
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=0)
