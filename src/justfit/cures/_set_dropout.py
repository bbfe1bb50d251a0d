"""The probability of every dropout of a network, set."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from justfit.cures._chains import unseen_calls
from justfit.cures._change import Applied, Change, Edit, editing
from justfit.cures._code import line_of, rewritten
from justfit.cures._dropout import Dropout, check_range
from justfit.cures._edits import Refilled, Reset
from justfit.cures._trace import Trace, batch_of, trace
from justfit.probe import find_source, unwrap

PLAIN = nn.modules.dropout._DropoutNd
WHY = "Dropout keeps units from relying on each other; how much is right depends on the data and the network's size."


def set_dropout_(module: nn.Module, p: float, *, inputs: Any = None) -> Applied:
    """Set the probability of every dropout of a network, in place.

    Set are all of torch's dropout modules, `justfit.Dropout` (one probability per unit: all units to the same), the
    dropout on attention weights of `nn.MultiheadAttention`, and that between the layers of recurrent networks. Those
    that have `p` already are left alone. Calls such as `F.dropout(x, 0.3)` in a `forward` cannot be set from outside;
    with `inputs` they are found and named with their line in `by_hand`.

    Args:
        module: Changed in place.
        p: Probability of *dropping*, in [0, 1).
        inputs: One batch: a tensor, a tuple of positional inputs, or a dict of keywords.

    Returns:
        What was set, what must be set by hand and what was left alone, with `undo()`.

    Raises:
        ArgumentError: `p` lies outside its range; nothing is changed.

    Example:
        >>> network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 1))
        >>> applied = set_dropout_(network, 0.1)
        >>> network[2], applied.changes[0].before
        (Dropout(p=0.1, inplace=False), 'p = 0.5')
        >>> applied.undo()

    References:
        Srivastava et al., "Dropout", 2014, section 7.3. The lecture, C9.
    """
    check_range([p])
    bare = unwrap(module)
    changes, untouched = [], unseen_calls(bare, inputs)
    with editing() as edits:
        for path, part in bare.named_modules():
            name = _attribute(part)
            if not name:
                continue
            old = getattr(part, name)
            shown = "one p per unit" if isinstance(old, torch.Tensor) else f"p = {old:g}"
            if isinstance(part, nn.RNNBase) and part.num_layers == 1:
                untouched.append((path, "its dropout acts between layers, and it has one"))
            elif bool((torch.as_tensor(old) == p).all()):
                untouched.append((path, f"its p is {p:g} already"))
            else:
                changes.append(_set(bare, path, (part, name), (shown, p)))
                edits.append(_edit(part, name, p, path))
    by_hand = () if inputs is None else _calls(bare, trace(bare, batch_of(inputs)), p)
    if not changes and not by_hand and not untouched:
        untouched.append((type(bare).__name__, "it has no dropout: `insert_dropout_` puts some in"))
    return Applied(changes=tuple(changes), by_hand=by_hand, untouched=tuple(untouched), _edits=edits)


def _attribute(part: nn.Module) -> str:
    """Name the attribute that holds a module's probability; nothing if it has none."""
    if isinstance(part, PLAIN | Dropout):
        return "p"
    return "dropout" if isinstance(part, nn.MultiheadAttention | nn.RNNBase) else ""


def _edit(part: nn.Module, name: str, p: float, path: str) -> Edit:
    if part._buffers.get(name) is None:
        return Reset(vars(part), name, p, path)
    return Refilled(part._buffers, name, p, path)


def _set(root: nn.Module, path: str, site: tuple[nn.Module, str], values: tuple[str, float]) -> Change:
    (part, name), (before, p) = site, values
    kind = type(part).__name__
    source = find_source(root, path) or ""
    plain = f"nn.{kind}({p:g})" if isinstance(part, PLAIN) else f"{kind}({p:g})"
    fallback = plain if name == "p" else f"{name}={p:g}"
    code = rewritten(source, kind, plain, fallback) if name == "p" else fallback
    return Change(kind="dropout", where=path, source=source, before=before, after=f"p = {p:g}", code=code, why=WHY)


def _calls(root: nn.Module, traced: Trace, p: float) -> tuple[Change, ...]:
    """Name every dropout that is called as a function, by its line."""
    found: dict[tuple[str, str], Change] = {}
    for path, source in traced.dropouts:
        part = root.get_submodule(path)
        if isinstance(part, PLAIN | Dropout) or type(part).__module__.startswith("torch."):
            continue
        found.setdefault(
            (path, source),
            Change(
                kind="dropout",
                where=path or type(root).__name__,
                source=source,
                before=line_of(source) or "a call of dropout",
                after=f"p = {p:g}",
                code=f"nn.functional.dropout(..., p={p:g}, training=self.training)",
                why=WHY,
            ),
        )
    return tuple(found.values())
