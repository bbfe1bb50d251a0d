"""Find the line of the user's code that builds a layer."""

from __future__ import annotations

import ast
import functools
import os
from pathlib import Path
from typing import NamedTuple

from torch import nn

from justfit.probe._construction import Place, origin_of, recorded_place
from justfit.probe._source_ast import ITSELF, sites_of, source_file
from justfit.probe._source_choice import choose, grown_line, local_growth, makes
from justfit.probe._source_elements import element_of

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)


class Answer(NamedTuple):
    """A line, how far down the path it reaches, and whether it builds the thing that was asked for."""

    place: Place
    depth: int
    exact: bool


def find_source(root: nn.Module, path: str) -> str | None:
    """Find where a submodule or parameter is built.

    In this order: the line of the user's class that assigns it; the line that `recording_construction` saw; the line
    that builds the nearest thing around it; the same in an installed package. What torch's own layers are made of is
    built where the user builds the layer.

    Args:
        root: The network.
        path: A submodule or parameter, such as `blocks.3.mlp.fc1`; empty for the network itself.

    Returns:
        File and line, `net.py:41`, relative to the working directory where the file lies below it; None where there
        is no source to show. Never raises.

    Example:
        >>> find_source(nn.Sequential(nn.Linear(2, 1)), "0") is None  # nobody recorded, and no class of the user's
        True
    """
    try:
        names = path.split("[")[0].split(".") if path else []
        place = _decide(_walk(root, names), names)
        return None if place is None else f"{shown(place.file, os.getcwd())}:{place.line}"  # noqa: PTH109
    except Exception:  # a report without a line is better than no report
        return None


def _walk(root: nn.Module, names: list[str]) -> list[object]:
    """Collect the objects along a path; the last may be a parameter, or missing."""
    chain: list[object] = [root]
    for name in names:
        chain.append(getattr(chain[-1], name) if not isinstance(chain[-1], nn.Module) else _child(chain[-1], name))
    return chain


def _child(module: nn.Module, name: str) -> object:
    found = module._modules.get(name)
    return found if found is not None else getattr(module, name)


def _decide(chain: list[object], names: list[str]) -> Place | None:
    read = _read(chain, names, "user")
    if read is not None and read.exact:
        return read.place
    recorded = _recorded(chain)
    if recorded is not None and recorded.place.origin == "user" and (read is None or recorded.depth >= read.depth):
        return recorded.place
    answer = read or _read(chain, names, "library") or recorded
    return None if answer is None else answer.place


def _recorded(chain: list[object]) -> Answer | None:
    for depth in range(len(chain) - 1, -1, -1):
        thing = chain[depth]
        place = recorded_place(thing) if isinstance(thing, nn.Module) else None
        if place is not None:
            return Answer(place, depth, exact=depth == len(chain) - 1)
    return None


def _read(chain: list[object], names: list[str], origin: str) -> Answer | None:
    """Ask the classes of the owners along the path, the nearest first."""
    for depth in range(len(names) - 1, -1, -1):
        for kind in _classes_from(type(chain[depth]), origin):  # type: ignore[arg-type]  # classes do hash
            answer = _ask(kind, chain, names, depth)
            if answer is not None:
                return answer
    return None


@functools.lru_cache(maxsize=4096)
def _classes_from(kind: type, origin: str) -> tuple[type, ...]:
    bases = [base for base in kind.__mro__ if base.__module__.split(".")[0] not in ("torch", "builtins")]
    return tuple(base for base in bases if origin_of(source_file(base)[0]) == origin)


def _ask(kind: type, chain: list[object], names: list[str], depth: int) -> Answer | None:
    """Ask one class where it builds the thing `names[depth]` of it, and what lies in the containers there."""
    sites = sites_of(kind)
    if sites is None:
        return None
    name, reached = names[depth], depth + 1
    found = sites.find(name)
    if not found and isinstance(chain[depth], CONTAINERS):  # a subclass of a container passes its parts on
        name, reached, found = ITSELF, depth, sites.find(ITSELF)
    if not found:
        line = grown_line(sites.grown.get(ITSELF, []), type(chain[depth + 1]).__name__)
        return None if line is None else Answer(Place(sites.file, line, "user"), depth + 1, exact=False)
    site, exact = choose(found, type(chain[reached]).__name__)
    node, line = site.node, site.line
    while reached < len(names) and _is_plain_container(chain[reached], name):
        inner = element_of(node, names[reached], len(chain[reached]))  # type: ignore[arg-type]
        if inner is None:
            grown = [*sites.grown.get(name, ()), *_local(node, site.function)]
            better = grown_line(grown, type(chain[reached + 1]).__name__)
            return Answer(Place(sites.file, better or line, "user"), reached + (better is not None), exact=False)
        node, line, reached, name = inner, inner.lineno, reached + 1, "?"
        exact = makes(node)
    return None if name == ITSELF else Answer(Place(sites.file, line, "user"), reached, exact)


def _is_plain_container(thing: object, name: str) -> bool:
    return isinstance(thing, CONTAINERS) and (name == ITSELF or type(thing).__module__.startswith("torch."))


def _local(node: ast.expr, function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    """Collect what went into the local lists that an expression reads, as in `nn.Sequential(*layers)`."""
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)}
    return [value for name in sorted(names) for value in local_growth(function, name)]


@functools.lru_cache(maxsize=4096)
def shown(file: str, folder: str) -> str:
    """Write a file relative to a folder if it lies below it."""
    full = Path(file).resolve()
    here = Path(folder).resolve()
    return str(full.relative_to(here)) if full.is_relative_to(here) else str(full)
