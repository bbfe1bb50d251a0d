"""Which expression makes one element of a container, such as the third of `nn.Sequential(...)`."""

from __future__ import annotations

import ast
from weakref import WeakKeyDictionary

Elements = tuple[dict[str, ast.expr], list[ast.expr]]
LISTS = (ast.List, ast.Tuple)
COMPREHENSIONS = (ast.ListComp, ast.GeneratorExp, ast.SetComp)

_known: WeakKeyDictionary[ast.expr, Elements] = WeakKeyDictionary()


def element_of(node: ast.expr, key: str, length: int) -> ast.expr | None:
    """Find the expression that makes the element `key` of a container.

    Args:
        node: The expression that makes the container.
        key: The element's name in it: a number or a word.
        length: How many elements the container has.

    Returns:
        The expression; of a comprehension the one that is repeated; None if it cannot be told.
    """
    if node not in _known:
        _known[node] = _named(node), _positional(node)
    named, positional = _known[node]
    if key in named:
        return named[key]
    if named and isinstance(named.get("*"), ast.expr):
        return named["*"]
    return _at(positional, int(key), length) if key.isdigit() else None


def _at(elements: list[ast.expr], index: int, length: int) -> ast.expr | None:
    """Count from the front up to a part of unknown length, from the back behind it."""
    many = [place for place, element in enumerate(elements) if isinstance(element, ast.Starred)]
    if not many:
        return elements[index] if index < len(elements) else None
    if index < many[0]:
        return elements[index]
    behind = len(elements) - 1 - many[-1]
    if length - index <= behind:
        return elements[index - length]
    return _repeated(elements[many[0]]) if len(many) == 1 else None


def _repeated(element: ast.expr) -> ast.expr | None:
    value = element.value if isinstance(element, ast.Starred) else element
    return value.elt if isinstance(value, COMPREHENSIONS) else None


def _positional(node: ast.expr) -> list[ast.expr]:
    """List the elements in order; a part of unknown length is kept starred."""
    if isinstance(node, ast.List | ast.Tuple):
        return [part for element in node.elts for part in _spread(element)]
    if isinstance(node, COMPREHENSIONS):
        return [ast.Starred(node)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_or_unknown(node.left), *_or_unknown(node.right)]
    if isinstance(node, ast.Call):
        plain = len(node.args) == 1 and isinstance(node.args[0], (ast.BinOp, *LISTS, *COMPREHENSIONS))
        return _positional(node.args[0]) if plain else [part for arg in node.args for part in _spread(arg)]
    return []


def _spread(element: ast.expr) -> list[ast.expr]:
    return _or_unknown(element.value) if isinstance(element, ast.Starred) else [element]


def _or_unknown(node: ast.expr) -> list[ast.expr]:
    return _positional(node) if isinstance(node, ast.List | ast.Tuple | ast.BinOp) else [ast.Starred(node)]


def _named(node: ast.expr) -> dict[str, ast.expr]:
    """Map the names of a dict's elements to their expressions; `*` for a comprehension."""
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
    if isinstance(node, ast.DictComp):
        return {"*": node.value}
    if isinstance(node, ast.List | ast.Tuple):  # OrderedDict([("name", ...), ...])
        pairs_of = [e.elts for e in node.elts if isinstance(e, ast.Tuple) and len(e.elts) == 2]
        return {str(key.value): value for key, value in pairs_of if isinstance(key, ast.Constant)}
    if isinstance(node, ast.Call):
        keywords = {word.arg: word.value for word in node.keywords if word.arg is not None}
        inner = _named(node.args[0]) if len(node.args) == 1 else {}
        return {**inner, **keywords}
    return {}
