"""Names that were probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Ask for the nearest of `names`, in words; empty if none is near.

    >>> did_you_mean("Diabets", ["digits", "diabetes", "wine"])
    'Did you mean `diabetes`?'
    """
    lower = {name.lower(): name for name in names}
    near = get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f"Did you mean `{lower[near[0]]}`?" if near else ""


def list_names(names: Sequence[str], *, limit: int = 6) -> str:
    """List names in backticks; of a long list the first few and how many there are.

    >>> list_names(["a", "b"])
    '`a`, `b`'
    >>> list_names([str(number) for number in range(9)], limit=2)
    '`0`, `1`, … (9 in all)'
    """
    shown = ", ".join(f"`{name}`" for name in names[:limit])
    return shown if len(names) <= limit else f"{shown}, … ({len(names)} in all)"
