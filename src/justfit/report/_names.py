"""Names that came from the user's table, made safe to show: nothing in them can break a line, a terminal or a page."""

from __future__ import annotations

import unicodedata

_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSHOWABLE = ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")


def shown(name: str, limit: int = 60) -> str:
    """Make a name from the user's data fit to show in a sentence.

    Control characters (a terminal escape among them), lone surrogates and direction overrides become "�", white
    space one blank, the middle of a long name "…", and a name with right-to-left letters is isolated, so that it
    cannot reorder the sentence around it. HTML is not escaped here but by the template.

    Args:
        name: Any text.
        limit: Most characters to show, at least 5.

    Returns:
        At most `limit` characters (and two invisible ones where direction is isolated); "(empty)" for nothing.

    >>> shown("price\\n[EUR]"), shown("a" * 100, limit=9), shown("\\x1b[31m"), shown(" ")
    ('price [EUR]', 'aaaa…aaaa', '�[31m', '(empty)')
    """
    words = " ".join(name[: 20 * limit].split())
    clean = "".join("�" if _is_unshowable(letter) else letter for letter in words)
    if len(clean) > limit or len(name) > 20 * limit:
        tail = " ".join(name[-limit:].split())[-((limit - 1) // 2) :]
        clean = clean[: limit // 2] + "…" + "".join("�" if _is_unshowable(letter) else letter for letter in tail)
    if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in clean):
        return f"\u2068{clean}\u2069"
    return clean or "(empty)"


def quoted(name: str, limit: int = 60) -> str:
    """Show a name between quotation marks."""
    return f"“{shown(name, limit)}”"


def _is_unshowable(letter: str) -> bool:
    return letter in _BIDI_CONTROLS or unicodedata.category(letter) in _UNSHOWABLE
