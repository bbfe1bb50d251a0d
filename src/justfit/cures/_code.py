"""Remedies as code: how a module is written, and how a line of the user's reads after the change."""

from __future__ import annotations

import functools
import inspect
import linecache
import re
from pathlib import Path

from torch import nn

ALWAYS_WRITTEN = ("p",)  # a dropout whose probability is not to be seen says nothing


def written(module: nn.Module) -> str:
    """Write a module as the code that makes it, without arguments that have their default values.

    >>> written(nn.LeakyReLU(0.2)), written(nn.LayerNorm(8)), written(nn.GELU()), written(nn.Dropout(0.5))
    ('nn.LeakyReLU(negative_slope=0.2)', 'nn.LayerNorm(8)', 'nn.GELU()', 'nn.Dropout(p=0.5)')
    """
    kind = type(module)
    text = " ".join(repr(module).split())
    if vars(nn).get(kind.__name__) is not kind:
        return text
    head, _, rest = text.partition("(")
    defaults = _defaults(kind)
    parts = [re.sub(r"^\((\d+),\)$", r"\1", part) for part in re.split(r", (?![^(]*\))", rest.removesuffix(")"))]
    kept = [part for part in parts if part and not _is_default(part, defaults)]
    return f"nn.{head}({', '.join(kept)})"


@functools.lru_cache(maxsize=256)
def _defaults(kind: type) -> dict[str, str]:
    return {name: repr(parameter.default) for name, parameter in inspect.signature(kind).parameters.items()}


def _is_default(part: str, defaults: dict[str, str]) -> bool:
    name, assigned, value = part.partition("=")
    return bool(assigned) and name not in ALWAYS_WRITTEN and defaults.get(name) == value


def line_of(source: str) -> str:
    """Read a line of the user's code from `net.py:41`; empty where it cannot be read."""
    file, _, number = source.rpartition(":")
    return linecache.getline(str(Path(file).resolve()), int(number)).strip() if number.isdigit() else ""


def extended(source: str, module: nn.Module, addition: str, *, in_front: bool = False) -> str:
    """Write the user's line with something added behind (or in front of) the call that makes a module.

    Only in a line that is an element of a Sequential; any other gets the two written one after the other.
    """
    line, kind = line_of(source), type(module).__name__
    calls = list(re.finditer(rf"(?:\b\w+\.)*\b{kind}\(", line))
    end = _closing(line, calls[0].end()) if len(calls) == 1 else -1
    if end > 0 and (calls[0].start() == 0 or "Sequential(" in line[: calls[0].start()]):
        start = calls[0].start()
        made = line[start:end]
        both = f"{addition}, {made}" if in_front else f"{made}, {addition}"
        return line[:start] + both + line[end:]
    return f"{addition}, {written(module)}," if in_front else f"{written(module)}, {addition},"


def as_attribute(path: str, suffix: str, made: str, *, in_front: bool = False) -> str:
    """Write the two lines that give a class a new part, and run it behind or in front of the layer at `path`.

    >>> print(as_attribute("block.fc1", "norm", "nn.LayerNorm(8)"))
    self.fc1_norm = nn.LayerNorm(8)  # in __init__
    x = self.fc1_norm(self.fc1(x))  # in forward
    """
    last = path.rpartition(".")[2]
    layer, name = (f"self.{last}", f"self.{last}_{suffix}") if last.isidentifier() else ("layer", f"self.{suffix}")
    run = f"{layer}({name}(x))" if in_front else f"{name}({layer}(x))"
    return f"{name} = {made}  # in __init__\nx = {run}  # in forward"


def rewritten(source: str, old: str, new: str, fallback: str) -> str:
    """Write the user's line with the only call of `old(...)` in it replaced, module prefix included.

    Args:
        source: `net.py:41`, or empty.
        old: Last word of what is called there, such as `Sigmoid`.
        new: What to write in place of the call; or, ending in an open bracket, in place of its name.
        fallback: What to write where the line does not hold exactly one such call.
    """
    line = line_of(source)
    calls = list(re.finditer(rf"(?:\b\w+\.)*\b{re.escape(old)}\(", line))
    if len(calls) != 1:
        return fallback
    start, end = calls[0].span()
    if new.endswith("("):
        prefix = calls[0].group().rpartition(".")[0]
        new = f"{prefix}.{new.rpartition('.')[2]}" if prefix.rpartition(".")[2] in ("F", "functional") else new
    else:
        end = _closing(line, end)
        if end < 0:
            return fallback
    return line[:start] + new + line[end:]


def _closing(line: str, start: int) -> int:
    """Find the end of the call whose opening bracket ends at `start`; −1 if the line ends before."""
    depth = 1
    for index in range(start, len(line)):
        depth += {"(": 1, ")": -1}.get(line[index], 0)
        if depth == 0:
            return index + 1
    return -1
