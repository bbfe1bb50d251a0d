"""Where modules stand: the slots of a network, and the chains in which its Sequentials run them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from torch import nn

from justfit.cures._edits import Slot
from justfit.cures._initialization_layers import LAYERS, TRANSPARENT

# What bends a signal and has no weight matrix.
ACTIVATIONS = tuple(
    kind
    for kind in vars(nn.modules.activation).values()
    if isinstance(kind, type) and issubclass(kind, nn.Module) and kind not in (nn.Module, nn.MultiheadAttention)
)
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
# Torch's own composites run their parts by other ways than calling them.
COMPOSITES = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerDecoderLayer, nn.RNNBase)


def slots_of(root: nn.Module) -> list[Slot]:
    """List every place that holds a module, in order of registration; a shared module has several."""
    found: list[Slot] = []
    seen: set[int] = set()

    def walk(parent: nn.Module, prefix: str) -> None:
        seen.add(id(parent))
        for key, child in parent._modules.items():
            if child is not None:
                found.append(Slot(parent, key, f"{prefix}{key}"))
                if id(child) not in seen:
                    walk(child, f"{prefix}{key}.")

    walk(root, "")
    return found


def places_of(root: nn.Module) -> dict[int, list[Slot]]:
    """Map the id of each module below the root to the places that hold it."""
    found: dict[int, list[Slot]] = {}
    for slot in slots_of(root):
        found.setdefault(id(slot.module), []).append(slot)
    return found


def inside_composites(root: nn.Module) -> set[int]:
    """Collect the ids of all modules inside torch's composites."""
    inner: set[int] = set()
    for module in root.modules():
        if isinstance(module, COMPOSITES):
            inner |= {id(part) for part in module.modules()} - {id(module)}
    return inner


def runs_in_order(module: nn.Module) -> bool:
    """Tell whether a module is a Sequential that runs its children one after the other and does nothing else."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def chains_of(root: nn.Module, called: Collection[int] | None = None) -> list[list[Slot]]:
    """List the slots of each outermost Sequential in the order they run, nested ones unrolled.

    Args:
        root: The network; if it is such a Sequential, its chain comes first.
        called: Ids of the modules that a run called, see `Trace`: a Sequential whose owner takes single modules out of
            it runs in no order that is known. None takes all for called.
    """

    def runs(module: nn.Module) -> bool:
        return runs_in_order(module) and (called is None or id(module) in called)

    found = [list(_leaves(root, ""))] if runs(root) else []
    done = {id(root)}
    for slot in slots_of(root):
        if runs(slot.module) and not runs(slot.parent) and id(slot.module) not in done:
            done.add(id(slot.module))
            found.append(list(_leaves(slot.module, f"{slot.path}.")))
    return [chain for chain in found if chain]


def _leaves(parent: nn.Module, prefix: str) -> Iterator[Slot]:
    for key, child in parent._modules.items():
        if child is None:
            continue
        if runs_in_order(child) and len(child._modules):
            yield from _leaves(child, f"{prefix}{key}.")
        else:
            yield Slot(parent, key, f"{prefix}{key}")


def has_weights(module: nn.Module) -> bool:
    """Tell whether a module multiplies by weights: anything with parameters that is no activation and no norm."""
    if isinstance(module, (*TRANSPARENT, *ACTIVATIONS)):
        return False
    return isinstance(module, LAYERS) or next(module.parameters(), None) is not None


def next_key(slot: Slot) -> str | None:
    """Name the child that stands behind a slot in the same module; None if it is the last."""
    keys = list(slot.parent._modules)
    index = keys.index(slot.key) + 1
    return keys[index] if index < len(keys) else None


def unseen_calls(root: nn.Module, inputs: Any) -> list[tuple[str, str]]:
    """Say, for `Applied.untouched`, that function calls were not looked for; nothing after a run, or without any."""
    if inputs is not None or all(type(part).__module__.startswith(("torch.", "justfit.")) for part in root.modules()):
        return []
    return [(type(root).__name__, "calls such as `F.relu(x)` in a `forward` are seen only in a run: pass `inputs=`")]
