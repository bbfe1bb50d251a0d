"""Dropout put where a network has none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from justfit.cures._activation_kinds import match_module
from justfit.cures._chains import ACTIVATIONS, chains_of, has_weights, inside_composites, places_of, runs_in_order
from justfit.cures._change import Applied, Change, Edit, editing
from justfit.cures._code import as_attribute, extended, written
from justfit.cures._dropout import Dropout, check_range
from justfit.cures._edits import Hooked, Inserted, RunInFront, Slot, free_key
from justfit.cures._trace import Trace, batch_of, trace
from justfit.probe import find_source, unwrap

DROPOUTS = (nn.modules.dropout._DropoutNd, Dropout)
WHY = "Without dropout, units of a large layer come to rely on each other and fit what is particular to the examples."


def insert_dropout_(module: nn.Module, p: float, *, inputs: Any = None) -> Applied:
    """Insert dropout in front of every Linear layer that reads hidden activations without any, in place.

    That is behind the hidden activations (and their pooling and flattening). Convolutions are left alone: their
    neighbouring units see the same pixels, so dropping single ones hardly thins them. So are gates and recurrences.
    What is in an `nn.Sequential` is known from its order; elsewhere only from a run, so pass `inputs`. In a Sequential
    the dropout becomes a child of its own, under a new name; elsewhere a child of the layer that a forward hook runs.
    No name in the state dict changes. New dropout is in training mode where its layer is.

    Args:
        module: Changed in place.
        p: Probability of *dropping*, in [0, 1).
        inputs: One batch: a tensor, a tuple of positional inputs, or a dict of keywords.

    Returns:
        What was inserted and what was left alone, with `undo()`.

    Raises:
        ArgumentError: `p` lies outside its range; nothing is changed.
        UnsupportedModuleError: The module cannot be run as it is.

    Example:
        >>> network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
        >>> applied = insert_dropout_(network, 0.2)
        >>> list(network._modules), [change.where for change in applied.changes]
        (['0', '1', '2_dropout', '2'], ['2'])
        >>> applied.undo()

    References:
        Srivastava et al., "Dropout", 2014, section 4. The lecture, C9 and C11.
    """
    check_range([p])
    bare = unwrap(module)
    traced = None if inputs is None else trace(bare, batch_of(inputs))
    places, changes = places_of(bare), list[Change]()
    with editing() as edits:
        for path in _thirsty(bare, traced):
            slot = _own_slot(bare.get_submodule(path), places, traced)
            changes.append(_insert(bare, path, p, slot, edits))
    untouched = [] if changes else [(type(bare).__name__, _why_none(bare, traced))]
    return Applied(changes=tuple(changes), untouched=tuple(untouched), _edits=edits)


def _thirsty(root: nn.Module, traced: Trace | None) -> list[str]:
    """List the Linear layers that read hidden activations without dropout, in order of the chains, then of the run."""
    composed = inside_composites(root)
    called = None if traced is None else traced.called
    in_chains = dict(_in_chains(chains_of(root, called)))
    paths = [path for path, is_dry in in_chains.items() if is_dry]
    special = set()
    if traced is not None:
        special = {call.layer for call in traced.activations if call.role in ("gate", "recurrent")}
        paths += [path for path in traced.dry if path not in in_chains]
    found = []
    for path in dict.fromkeys(paths):
        layer = root.get_submodule(path)
        is_run = isinstance(layer, nn.Linear) and (called is None or id(layer) in called)
        if is_run and id(layer) not in composed and path not in special:
            found.append(path)
    return found


def _in_chains(chains: list[list[Slot]]) -> Iterator[tuple[str, bool]]:
    """Yield each layer of the Sequentials that something stands before, and whether it reads bare activations."""
    for chain in chains:
        is_bent, is_first = False, True
        for slot in chain:
            if isinstance(slot.module, ACTIVATIONS):
                is_bent, is_first = True, False
            elif isinstance(slot.module, DROPOUTS):
                is_bent, is_first = False, False
            elif has_weights(slot.module):
                if not is_first:
                    yield slot.path, is_bent
                is_bent, is_first = False, False


def _own_slot(layer: nn.Module, places: dict[int, list[Slot]], traced: Trace | None) -> Slot | None:
    """Find the one place of a layer in a Sequential that runs as a whole; None if there is no such."""
    slots = places.get(id(layer), [])
    if len(slots) != 1 or not runs_in_order(slots[0].parent):
        return None
    return slots[0] if traced is None or id(slots[0].parent) in traced.called else None


def _insert(root: nn.Module, path: str, p: float, slot: Slot | None, edits: list[Edit]) -> Change:
    layer = root.get_submodule(path)
    dropout = match_module(nn.Dropout(p), layer, layer)
    source = find_source(root, path) or ""
    if slot is not None:
        edits.append(Inserted(slot.parent, free_key(slot.parent, f"{slot.key}_dropout"), dropout, slot.key))
        code = extended(source, layer, written(dropout), in_front=True)
    else:
        key = free_key(layer, "dropout")
        hook = RunInFront(((0, key), ("input", key)))
        edits.append(
            Hooked(layer, {key: dropout}, lambda owner: owner.register_forward_pre_hook(hook, with_kwargs=True))
        )
        code = as_attribute(path, "dropout", written(dropout), in_front=True)
    return Change(
        kind="added_dropout",
        where=path,
        source=source,
        before="no dropout in front of it",
        after=f"{written(dropout)} in front of it",
        code=code,
        why=WHY,
    )


def _why_none(root: nn.Module, traced: Trace | None) -> str:
    if traced is None and not all(runs_in_order(part) or not list(part.children()) for part in root.modules()):
        return "no Linear layer of a Sequential reads activations without dropout: pass `inputs=` to see the others"
    return "no Linear layer reads hidden activations without dropout"
