"""Where a class builds its parts, read from its source code.

A *site* is an expression that makes the value of an attribute. It is *exact* if it is known to be the one.
"""

from __future__ import annotations

import ast
import functools
import linecache
import re
import sys
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from justfit.probe._construction import origin_of

Function = ast.FunctionDef | ast.AsyncFunctionDef
REGISTER = {"add_module", "register_module", "register_parameter", "register_buffer"}
GROW = {"append", "extend", "insert", "add_module"}
ITSELF = ""  # the attribute name under which a class keeps what it passes to `super().__init__`


@dataclass(frozen=True, slots=True)
class Site:
    """An expression and the function it stands in."""

    node: ast.expr
    line: int
    function: Function


@dataclass(slots=True)
class ClassSites:
    """What one class builds.

    Attributes:
        file: Its file.
        sites: Attribute to the expressions assigned to it.
        patterns: The same for names that are made, such as `f"conv{i}"`.
        grown: Attribute to the expressions appended to it.
    """

    file: str
    sites: dict[str, list[Site]] = field(default_factory=dict)
    patterns: list[tuple[re.Pattern[str], Site]] = field(default_factory=list)
    grown: dict[str, list[ast.expr]] = field(default_factory=dict)

    def find(self, attribute: str) -> list[Site]:
        """Find the expressions assigned to an attribute."""
        return self.sites.get(attribute) or [site for pattern, site in self.patterns if pattern.fullmatch(attribute)]


_known: WeakKeyDictionary[type, ClassSites | None] = WeakKeyDictionary()


def sites_of(kind: type) -> ClassSites | None:
    """Read what a class builds; None if it has no source."""
    if kind not in _known:
        _known[kind] = _read_class(kind)
    return _known[kind]


def source_file(kind: type) -> tuple[str, int]:
    """Find the file of a class and a line inside the class; an empty name if there is none."""
    for value in vars(kind).values():
        code = getattr(getattr(value, "__func__", value), "__code__", None)
        own = getattr(value, "__qualname__", "").startswith(kind.__qualname__ + ".")
        if code is not None and own and origin_of(code.co_filename) != "none":
            return str(code.co_filename), int(code.co_firstlineno)
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return (file, 0) if file and origin_of(file) != "none" else ("", 0)


def _read_class(kind: type) -> ClassSites | None:
    file, line = source_file(kind)
    candidates = [node for node in _classes(file).get(kind.__name__, ()) if _encloses(node, line)] if file else []
    if not candidates:
        return None
    sites = ClassSites(file)
    for function in (node for node in candidates[-1].body if isinstance(node, Function)):
        if function.args.args:
            _read_function(function, function.args.args[0].arg, sites)
    return sites


def _encloses(node: ast.ClassDef, line: int) -> bool:
    return line == 0 or node.lineno <= line <= (node.end_lineno or node.lineno)


@functools.lru_cache(maxsize=256)
def _classes(file: str) -> dict[str, list[ast.ClassDef]]:
    """All classes of a file by name; of nested ones the inner comes last."""
    found: dict[str, list[ast.ClassDef]] = {}
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):  # the file has been changed since it was imported
        return found
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found.setdefault(node.name, []).append(node)
    return found


def _read_function(function: Function, me: str, sites: ClassSites) -> None:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _read_assignment(target, node.value, node.lineno, (function, me, sites))
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            _read_assignment(node.target, node.value, node.lineno, (function, me, sites))
        elif isinstance(node, ast.Call):
            _read_call(node, function, me, sites)


def _read_assignment(target: ast.expr, value: ast.expr, line: int, where: tuple[Function, str, ClassSites]) -> None:
    function, me, sites = where
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for part, part_value in zip(target.elts, value.elts, strict=True):
            _read_assignment(part, part_value, part_value.lineno, where)
    elif isinstance(target, ast.Attribute) and is_name(target.value, me):
        sites.sites.setdefault(target.attr, []).append(Site(value, line, function))
    elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Attribute):  # self.blocks[k] = ...
        grown = sites.grown if is_name(target.value.value, me) else {}
        grown.setdefault(target.value.attr, []).append(value)


def _read_call(call: ast.Call, function: Function, me: str, sites: ClassSites) -> None:
    called = call.func
    if isinstance(called, ast.Name) and called.id == "setattr" and len(call.args) == 3:
        if is_name(call.args[0], me):
            _register(call.args[1], Site(call.args[2], call.lineno, function), sites)
    elif not isinstance(called, ast.Attribute):
        return
    elif called.attr in REGISTER and is_name(called.value, me) and len(call.args) >= 2:
        _register(call.args[0], Site(call.args[1], call.lineno, function), sites)
    elif called.attr in GROW and isinstance(called.value, ast.Attribute) and is_name(called.value.value, me):
        sites.grown.setdefault(called.value.attr, []).extend(call.args)
    elif called.attr in GROW and is_name(called.value, me):
        sites.grown.setdefault(ITSELF, []).extend(call.args)
    elif called.attr == "__init__" and isinstance(called.value, ast.Call) and called_name(called.value) == "super":
        sites.sites.setdefault(ITSELF, []).append(Site(call, call.lineno, function))


def _register(name: ast.expr, site: Site, sites: ClassSites) -> None:
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        sites.sites.setdefault(name.value, []).append(site)
    elif isinstance(name, ast.JoinedStr):
        parts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".+" for p in name.values]
        sites.patterns.append((re.compile("".join(parts)), site))


def is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def called_name(node: ast.AST) -> str:
    """Read the last word of what is called, `Linear` of `nn.Linear(...)`; empty for anything but a call."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
