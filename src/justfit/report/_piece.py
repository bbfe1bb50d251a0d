"""A page taken apart: what a notebook or a widget shows of it, inside a page that is not ours.

>>> page = '<style>p { margin: 0 }</style></head><body class="justfit page"><h2 id="a">A</h2><footer></footer></body>'
>>> take_apart(page).html
'<div class="justfit piece"><style>p { margin: 0 }</style><h2 id="a-6110d6ad">A</h2></div>'
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_BODY = re.compile(r"<body[^>]*>(.*)</body>", re.DOTALL)
_SCRIPT = re.compile(r"<script[^>]*>.*?</script>\s*", re.DOTALL)
_DATA = re.compile(r'<script type="application/json" id="justfit-data">(.*?)</script>', re.DOTALL)
_ONLY_OF_PAGES = re.compile(r'<a class="skip".*?</a>|<footer>.*?</footer>', re.DOTALL)
# What names an element or points at one. A quotation mark from the user is escaped, so no text of theirs looks like it.
_NAMES = re.compile(r' (id|for|aria-(?:labelledby|describedby|controls|owns))="([^"]+)"|( href="#)([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What is left of a page inside another one.

    Attributes:
        html: One element with its own styles and without a script. Its ids are its own, so that two reports in one
            notebook do not get into each other's way.
        data: What the script of the page reads; empty where the page has none.
    """

    html: str
    data: dict[str, Any] = field(default_factory=dict)


def take_apart(page: str) -> Piece:
    """Take the contents of a page that this room rendered out of it."""
    style, body, data = _STYLE.search(page), _BODY.search(page), _DATA.search(page)
    assert style is not None and body is not None  # noqa: S101, PT018 - every page of ours has both
    content = _ONLY_OF_PAGES.sub("", _SCRIPT.sub("", body[1])).strip()
    # The same report has the same ids in every run: a notebook that is run again does not change.
    suffix = "-" + hashlib.sha256(content.encode("utf-8", errors="surrogatepass")).hexdigest()[:8]
    named = _NAMES.sub(lambda match: _renamed(match, suffix), content)
    html = f'<div class="justfit piece">{style[0]}{named}</div>'
    return Piece(html=html, data=json.loads(data[1]) if data else {})


def _renamed(match: re.Match[str], suffix: str) -> str:
    attribute, names, href, target = match.groups()
    if href is not None:
        return f'{href}{target}{suffix}"'
    return f' {attribute}="{" ".join(name + suffix for name in names.split())}"'
