"""A history and what was judged of it."""

from __future__ import annotations

from dataclasses import dataclass

from justfit.records._history import History
from justfit.records._shown import Shown
from justfit.records._verdict import FitVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement(Shown):
    """What `justfit judge` says of one run.

    Attributes:
        history: What was read.
        verdict: What was judged of it; its findings are those that were asked for.
    """

    history: History
    verdict: FitVerdict
