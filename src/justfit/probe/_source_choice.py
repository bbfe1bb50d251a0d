"""Which of several expressions in a class is the one that made a thing, judged by the thing's class."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from typing import Any

from justfit.probe._source_ast import GROW, Function, Site, called_name, is_name


def choose(sites: list[Site], kind: str) -> tuple[Site, bool]:
    """Choose among several expressions for one attribute the one that makes this class; say whether that is certain."""
    matching = [site for site in sites if called_name(site.node) == kind]
    site = (matching or sites)[0]
    return site, makes(site.node) and (len(sites) == 1 or len({match.line for match in matching}) == 1)


@functools.lru_cache(maxsize=4096)
def makes(node: ast.expr) -> bool:
    """Tell whether an expression makes something, rather than name what was made elsewhere."""
    return any(isinstance(part, ast.Call) for part in ast.walk(node))


def grown_line(nodes: list[ast.expr], kind: str) -> int | None:
    """Find among appended expressions the only line that makes this class."""
    calls: Iterator[Any] = (call for node in nodes for call in ast.walk(node) if called_name(call) == kind)
    lines = {call.lineno for call in calls}
    return lines.pop() if len(lines) == 1 else None


def local_growth(function: Function, name: str) -> list[ast.expr]:
    """Collect what a function puts into a local list: its first value, `append`, `extend`, `+=`."""
    found: list[ast.expr] = []
    for node in ast.walk(function):
        targets = getattr(node, "targets", [node.target] if isinstance(node, ast.AugAssign) else [])
        if isinstance(node, ast.Assign | ast.AugAssign) and any(is_name(target, name) for target in targets):
            found.append(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in GROW:
            found.extend(node.args if is_name(node.func.value, name) else ())
    return found
