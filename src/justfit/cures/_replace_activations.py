"""Activations that pass no gradient, replaced by ones that do."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from torch import nn

from justfit.cures._activation_kinds import fault_of, match_module, new_activation, operation_of
from justfit.cures._activation_sites import REASONS, UNSEEN, Site, find_sites
from justfit.cures._chains import unseen_calls
from justfit.cures._change import Applied, Change, editing
from justfit.cures._code import rewritten, written
from justfit.cures._edits import Replaced
from justfit.errors import ArgumentError
from justfit.probe import NONLINEARITIES, unwrap


def replace_activations_(
    module: nn.Module,
    new: str | nn.Module = "relu",
    *,
    only: Collection[str] | None = None,
    inputs: Any = None,
) -> Applied:
    r"""Replace the activations of hidden layers that saturate, die or do nothing, in place.

    A deep chain multiplies its gradient by φ′ at each layer: sigmoid has :math:`\max φ' = 1/4`, so ten layers leave at
    most :math:`4^{-10}`. Without `only`, these are replaced: sigmoid, tanh, hardtanh, hardsigmoid, softsign, logsigmoid
    and softmax; LeakyReLU of slope 1, which is the identity; and, unless the new one can die too, ReLU, ReLU6,
    threshold and the shrinks. Never replaced are the network's output, gates (bounded activations that another part of
    the signal is multiplied with, those inside recurrent layers included) and activations in a recurrence.

    What a module is for is known inside an `nn.Sequential`; elsewhere only by running it, so pass `inputs`. Then calls
    such as `F.sigmoid` in a `forward` are found as well. Those cannot be replaced from outside: they are named with
    their line and what to write there, in `by_hand`. A module that stands in several places is replaced by one new
    module in all of those that are hidden. Parameters and buffers of all other modules keep their names and values.

    Args:
        module: Changed in place.
        new: Name of an activation, or a module, of which copies are used.
        only: Paths of activations, or of the layers before them, to replace whatever kind they are of (not outputs and
            gates).
        inputs: One batch: a tensor, a tuple of positional inputs, or a dict of keywords.

    Returns:
        What was replaced, what must be changed by hand and what was left alone, with `undo()`.

    Raises:
        ArgumentError: `new` is no activation, or `only` names what is none; nothing is changed.
        UnsupportedModuleError: The module cannot be run as it is.

    Example:
        >>> network = nn.Sequential(nn.Linear(8, 16), nn.Sigmoid(), nn.Linear(16, 1), nn.Sigmoid())
        >>> applied = replace_activations_(network)
        >>> [(change.where, change.before, change.after) for change in applied.changes], applied.untouched
        ([('1', 'nn.Sigmoid()', 'nn.ReLU()')], (('3', "it is the network's output"),))
        >>> applied.undo()
        >>> network[1]
        Sigmoid()

    References:
        Glorot, Bordes, Bengio, "Deep Sparse Rectifier Neural Networks", 2011. The lecture, C12, C13 and C15.
    """
    bare = unwrap(module)
    pattern = new_activation(new)
    sites = find_sites(bare, inputs)
    _check_only(only, sites)
    changes, by_hand, untouched = [], [], unseen_calls(bare, inputs)
    made: dict[int, nn.Module] = {}
    with editing() as edits:
        for site in sites:
            fault = _fault(site, pattern, only)
            if not fault:
                untouched += _left(site, pattern, only)
            elif site.role != "hidden":
                untouched.append((site.where, REASONS[site.role] if site.role else site.obstacle or UNSEEN))
            elif site.slot is None or site.obstacle:
                by_hand.append(_change(site, pattern, new, f"{fault}; {site.obstacle}"))
            else:
                changes.append(_change(site, pattern, new, fault))
                old = site.slot.module
                if id(old) not in made:
                    made[id(old)] = match_module(new_activation(pattern), bare, old)
                edits.append(Replaced(site.slot, made[id(old)]))
    return Applied(changes=tuple(changes), by_hand=tuple(by_hand), untouched=tuple(untouched), _edits=edits)


def _fault(site: Site, pattern: nn.Module, only: Collection[str] | None) -> str:
    old = None if site.slot is None else site.slot.module
    fault = fault_of(site.operation, old, pattern)
    if only is None:
        return fault
    if not _is_named(site, only) or site.operation == operation_of(pattern):
        return ""
    return fault or "it was asked for"


def _left(site: Site, pattern: nn.Module, only: Collection[str] | None) -> list[tuple[str, str]]:
    """Say why a site needs no change; nothing of what was not asked about."""
    if only is not None and not _is_named(site, only):
        return []
    if site.operation == operation_of(pattern):
        return [(site.where, f"it is {written(pattern)} already")]
    return [(site.where, f"{site.operation} passes a gradient")] if site.role == "hidden" else []


def _is_named(site: Site, only: Collection[str]) -> bool:
    return site.where in only or (bool(site.layer) and site.layer in only)


def _change(site: Site, pattern: nn.Module, new: str | nn.Module, why: str) -> Change:
    if site.slot is None:
        name = new if isinstance(new, str) and new in NONLINEARITIES else operation_of(pattern)
        call = f"nn.functional.{name}("
        before, after = f"a call of {site.operation}", f"a call of {name}"
        code = rewritten(site.source, site.operation, call, f"{call}...)")
    else:
        before, after = written(site.slot.module), written(pattern)
        code = rewritten(site.source, type(site.slot.module).__name__, after, after)
    return Change(
        kind="activation",
        where=site.where,
        source=site.source,
        before=before,
        after=after,
        code=code,
        why=f"{_sentence(site.operation)}: {why}.",
    )


def _sentence(operation: str) -> str:
    return {"relu": "ReLU", "relu6": "ReLU6"}.get(operation, operation.capitalize())


def _check_only(only: Collection[str] | None, sites: list[Site]) -> None:
    if only is None:
        return
    if isinstance(only, str):
        raise ArgumentError(
            "`only` must be a collection of paths.", found=f"`only={only!r}`", way_out=f"Write `only=[{only!r}]`."
        )
    known = {site.where for site in sites} | {site.layer for site in sites if site.layer}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise ArgumentError(
            "`only` must name activations, or layers that have one behind them.",
            found=f"`{unknown[0]}`",
            way_out=f"Known are {', '.join(sorted(known)) or 'none'}; pass `inputs=` to see those outside Sequentials.",
        )
