"""A nonlinearity where two layers follow each other without one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Any

from torch import nn

from justfit.cures._activation_kinds import match_module, new_activation
from justfit.cures._chains import ACTIVATIONS, NORMS, chains_of, has_weights, next_key, runs_in_order
from justfit.cures._change import Applied, Change, editing
from justfit.cures._code import extended, written
from justfit.cures._edits import Inserted, Slot, free_key
from justfit.cures._trace import batch_of, trace
from justfit.probe import find_source, unwrap


def insert_activations_(
    module: nn.Module,
    new: str | nn.Module = "relu",
    *,
    only: Collection[str] | None = None,
    inputs: Any = None,
) -> Applied:
    r"""Insert an activation where two Linear layers of an `nn.Sequential` follow each other without one, in place.

    .. math:: W_2 (W_1 x + b_1) + b_2 = (W_2 W_1)\,x + (W_2 b_1 + b_2)

    Two such layers are one. The activation comes behind the first layer and its normalisation, under a new name, so all
    others keep theirs. A narrow layer between wider ones (a bottleneck, a low-rank pair) is linear on purpose and left
    alone unless `only` names it.

    Args:
        module: Changed in place.
        new: Name of an activation, or a module, of which copies are used.
        only: Paths of the first layers of the pairs to change; None for all.
        inputs: One batch: a tensor, a tuple of positional inputs, or a dict of keywords. With it, Sequentials that are
            not called as a whole, but taken apart by what holds them, are seen and left alone.

    Returns:
        What was inserted and what was left alone, with `undo()`.

    Raises:
        ArgumentError: `new` is no activation; nothing is changed.

    Example:
        >>> network = nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
        >>> [(change.where, change.after) for change in insert_activations_(network).changes]
        [('0', 'nn.Linear(in_features=8, out_features=16), then nn.ReLU()')]
        >>> list(network._modules)
        ['0', '0_activation', '1', '2', '3']

    References:
        Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 6.3. The lecture, C12.
    """
    bare = unwrap(module)
    pattern = new_activation(new)
    changes, untouched = [], []
    done: set[tuple[int, str]] = set()
    called = None if inputs is None else trace(bare, batch_of(inputs)).called
    with editing() as edits:
        for first, last, second in list(_linear_pairs(chains_of(bare, called))):
            place = (id(last.parent), last.key)
            if place in done or (only is not None and first.path not in only):
                continue
            done.add(place)
            if only is None and _is_bottleneck(first.module, second.module):
                untouched.append((first.path, "it is narrower than what is around it: linear on purpose"))
                continue
            changes.append(_change(bare, first, pattern))
            activation = match_module(new_activation(pattern), bare, first.module)
            key = free_key(last.parent, f"{last.key}_activation")
            edits.append(Inserted(last.parent, key, activation, next_key(last)))
    return Applied(changes=tuple(changes), untouched=tuple(untouched), _edits=edits)


def _linear_pairs(chains: list[list[Slot]]) -> Iterator[tuple[Slot, Slot, Slot]]:
    """Yield two Linear layers with no activation between, and the slot between them behind which one belongs."""
    for chain in chains:
        layers = [i for i, slot in enumerate(chain) if has_weights(slot.module) or _bends(slot.module)]
        for first, second in pairwise(layers):
            if isinstance(chain[first].module, nn.Linear) and isinstance(chain[second].module, nn.Linear):
                last = first
                for index in range(first + 1, second):
                    if isinstance(chain[index].module, NORMS):
                        last = index
                yield chain[first], chain[last], chain[second]


def _bends(module: nn.Module) -> bool:
    """Tell whether something may bend the signal: activations, and modules that are not known and have no weights."""
    if isinstance(module, ACTIVATIONS):
        return True
    return not type(module).__module__.startswith(("torch.", "justfit.")) and not runs_in_order(module)


def _is_bottleneck(first: nn.Module, second: nn.Module) -> bool:
    width = int(first.out_features)  # type: ignore[arg-type]  # both are nn.Linear
    return width < min(int(first.in_features), int(second.out_features))  # type: ignore[arg-type]


def _change(root: nn.Module, first: Slot, pattern: nn.Module) -> Change:
    layer, new = written(first.module), written(pattern)
    source = find_source(root, first.path) or ""
    return Change(
        kind="added_activation",
        where=first.path,
        source=source,
        before=f"{layer}, then another linear layer",
        after=f"{layer}, then {new}",
        code=extended(source, first.module, new),
        why="Two linear layers without an activation between them are one linear layer.",
    )
