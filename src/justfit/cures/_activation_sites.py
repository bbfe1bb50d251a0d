"""Every activation of a network with what it does there, and whether it can be reached from outside."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from torch import nn

from justfit.cures._activation_kinds import operation_of
from justfit.cures._chains import ACTIVATIONS, chains_of, has_weights, inside_composites, runs_in_order, slots_of
from justfit.cures._edits import Slot
from justfit.cures._trace import ActivationCall, Role, batch_of, trace
from justfit.probe import find_source

UNSEEN = "whether it is hidden or the network's output cannot be seen without running it: pass `inputs=`"
REASONS: dict[Role, str] = {
    "gate": "it is a gate: another part of the signal is multiplied with it",
    "recurrent": "it stands in a recurrence, where another activation would let the state grow",
    "output": "it is the network's output",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One activation in one place.

    Attributes:
        slot: Where its module stands; None for an activation that is a function call.
        operation: As the probe names it.
        role: See `ActivationCall`; None where it cannot be told.
        where: Path of its module, or of the module whose code calls the function.
        layer: Path of the weighted layer before it; empty if there is none or it was not seen.
        source: File and line to change; empty where there is none to show.
        obstacle: Why it cannot be replaced where it stands; empty if it can.
    """

    slot: Slot | None
    operation: str
    role: Role | None
    where: str
    layer: str = ""
    source: str = ""
    obstacle: str = ""


def find_sites(root: nn.Module, inputs: Any = None) -> list[Site]:
    """Find every activation: modules by their places, function calls by the lines that ran.

    Args:
        root: The network.
        inputs: A batch; None finds modules only, and tells what they do only inside an `nn.Sequential`.

    Returns:
        Modules in order of registration, then function calls in order of execution.
    """
    traced = None if inputs is None else trace(root, batch_of(inputs))
    calls = () if traced is None else traced.activations
    in_chains = _chain_roles(root, None if traced is None else traced.called)
    composed = inside_composites(root)
    names = _names(root)
    sites = []
    for slot in slots_of(root):
        module = slot.module
        if not isinstance(module, ACTIVATIONS):
            continue
        own = [call for call in calls if call.module in names[id(module)]]
        role, layer = in_chains.get((id(slot.parent), slot.key), (None, ""))
        role, obstacle = _judge(role, own, is_traced=traced is not None)
        if id(module) in composed:
            obstacle = "its layer runs it by a path of its own: pass `activation=` where the layer is built"
        sites.append(
            Site(
                slot=slot,
                operation=operation_of(module),
                role=role,
                where=slot.path,
                layer=layer or (own[0].layer if own else ""),
                source=find_source(root, slot.path) or "",
                obstacle=obstacle,
            )
        )
    reached = {name for site in sites if site.slot is not None for name in names[id(site.slot.module)]}
    return sites + _function_calls(root, [call for call in calls if call.module not in reached])


def _function_calls(root: nn.Module, calls: list[ActivationCall]) -> list[Site]:
    sites: dict[tuple[str, str, str], Site] = {}
    for call in calls:
        kind = type(root.get_submodule(call.module))
        if kind.__module__.startswith("torch."):
            obstacle = f"it is built into {kind.__name__}: pass another activation where that is built"
        else:
            obstacle = "it is a function call in `forward`, which cannot be replaced from outside"
        where = call.module or type(root).__name__
        source = call.source or find_source(root, call.module) or ""
        known = sites.setdefault(
            (where, source, call.operation),
            Site(
                slot=None,
                operation=call.operation,
                role=call.role,
                where=where,
                layer=call.layer,
                source=source,
                obstacle=obstacle,
            ),
        )
        if known.role != call.role and call.role != "hidden":  # one line that runs in several places
            sites[where, source, call.operation] = Site(
                slot=None, operation=call.operation, role=call.role, where=where, source=source, obstacle=obstacle
            )
    return list(sites.values())


def _judge(role: Role | None, calls: list[ActivationCall], *, is_traced: bool) -> tuple[Role | None, str]:
    """Bring together what a chain and what a run say: every call counts where the chain says nothing."""
    roles = {call.role for call in calls}
    if role is not None and "recurrent" not in roles:
        return role, ""
    if len(roles) == 1:
        return roles.pop(), ""
    if len(roles) > 1:
        kinds = " and ".join(sorted(roles))
        return None, f"the same module runs as {kinds}: give each place a module of its own"
    return None, "the forward pass did not run it" if is_traced else ""


def _chain_roles(root: nn.Module, called: Collection[int] | None) -> dict[tuple[int, str], tuple[Role | None, str]]:
    """Tell of each slot in a Sequential what it does, and the layer before it."""
    found: dict[tuple[int, str], tuple[Role | None, str]] = {}
    for number, chain in enumerate(chains_of(root, called)):
        is_whole = number == 0 and runs_in_order(root)
        layer = ""
        for index, slot in enumerate(chain):
            if has_weights(slot.module):
                layer = slot.path
            role: Role | None = "output" if is_whole else None
            if any(has_weights(later.module) for later in chain[index + 1 :]):
                role = "hidden"
            key = (id(slot.parent), slot.key)
            if key in found and found[key][0] != role:  # a Sequential that stands in two places
                role = None
            found[key] = (role, layer)
    return found


def _names(root: nn.Module) -> dict[int, set[str]]:
    """Collect all paths of each module, by id."""
    names: dict[int, set[str]] = {}
    for name, module in root.named_modules(remove_duplicate=False):
        names.setdefault(id(module), set()).add(name)
    return names
