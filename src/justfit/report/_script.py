"""The script of a page and the numbers it reads, both inside the page, and the policy that lets only them run.

A page is complete without its script; the script adds sliders, read-outs, the choice of light or dark, copying. It is
one module that is built from `web/` and shipped here; the policy holds its hash, so that no other script can run.

>>> json_block({"name": "</script><b>", "values": [0.123456, float("nan"), 2.0]})
'{"name":"\\\\u003c/script\\\\u003e\\\\u003cb\\\\u003e","values":[0.1235,null,2]}'
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

STATIC_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageScript:
    """What a page needs to run its script and nothing else.

    Attributes:
        markup: The data block and the module, safe to put before the end of the body.
        policy: Content of the page's `Content-Security-Policy`.
    """

    markup: str
    policy: str


def page_script(data: Mapping[str, Any]) -> PageScript:
    """Make the script of a page.

    Args:
        data: What the script reads, such as `{"kind": "report", "explorer": …}`: dicts, lists, numbers and strings.
            NaN and infinity become null, floats keep four significant digits.

    Returns:
        Markup for the end of the body, and the policy for the head.
    """
    module, digest = _module()
    block = f'<script type="application/json" id="justfit-data">{json_block(data)}</script>'
    return PageScript(
        markup=f'{block}\n<script type="module">{module}</script>',
        policy=f"{STATIC_POLICY}; script-src 'sha256-{digest}'",
    )


def module_source() -> str:
    """Read the module as it is shipped."""
    return (files("justfit.report") / "assets" / "justfit.js").read_text(encoding="utf-8").replace("\r\n", "\n")


def json_block(data: Any) -> str:
    """Write data as JSON that can stand inside an element: nothing in it can end or open one."""
    written = json.dumps(compact(data), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return written.translate(_ESCAPES)


def compact(value: Any) -> Any:
    """Round every float to four significant digits; NaN and infinity become None, tuples lists.

    >>> compact({"loss": (0.123456, 3.0, float("inf"))})
    {'loss': [0.1235, 3, None]}
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        short = float(f"{value:.4g}")
        return int(short) if short.is_integer() and abs(short) < 1e6 else short
    if isinstance(value, Mapping):
        return {key: compact(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [compact(inner) for inner in value]
    return value


@cache
def _module() -> tuple[str, str]:
    """The module and the hash of exactly the text that stands between its tags."""
    source = module_source()
    return source, base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
