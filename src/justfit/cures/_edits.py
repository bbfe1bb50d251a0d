"""How each single edit of a module is made and taken back.

An edit knows one place: a slot among a module's children, a plain value, a hook. It remembers the very object that
stood there, so that taking it back is exact: modes, hooks, buffers and shared modules are those objects' own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


@dataclass(frozen=True, slots=True)
class Slot:
    """A name under which a module holds a child, and the path of that place."""

    parent: nn.Module
    key: str
    path: str

    @property
    def module(self) -> nn.Module:
        """What stands there."""
        return cast("nn.Module", self.parent._modules[self.key])


class Replaced:
    """A child that another module took the place of."""

    def __init__(self, slot: Slot, new: nn.Module) -> None:
        self._slot, self._new, self._old = slot, new, slot.module
        self.place = slot.path
        slot.parent._modules[slot.key] = new  # an existing key: the dict keeps its order

    def is_intact(self) -> bool:
        """See `Edit`."""
        return self._slot.parent._modules.get(self._slot.key) is self._new

    def undo(self) -> None:
        """See `Edit`."""
        self._slot.parent._modules[self._slot.key] = self._old


class Inserted:
    """A child that was put between others; all others keep their names.

    Args:
        parent: Runs its children in order.
        key: A new name.
        new: The child.
        before: Name of the child it is put in front of; None for the end.
    """

    def __init__(self, parent: nn.Module, key: str, new: nn.Module, before: str | None) -> None:
        self._parent, self._key, self._new = parent, key, new
        self.place = key
        former = dict(parent._modules)
        parent._modules.clear()
        for name, child in former.items():
            if name == before:
                parent._modules[key] = new
            parent._modules[name] = child
        parent._modules.setdefault(key, new)

    def is_intact(self) -> bool:
        """See `Edit`."""
        return self._parent._modules.get(self._key) is self._new

    def undo(self) -> None:
        """See `Edit`."""
        del self._parent._modules[self._key]


class Hooked:
    """Children or buffers that a hook of their module uses around its forward pass, whoever calls it.

    Args:
        owner: Gets them, and the hook.
        held: By new names.
        register: Registers the hook; what it returns removes it.
    """

    def __init__(
        self,
        owner: nn.Module,
        held: Mapping[str, nn.Module | Tensor],
        register: Callable[[nn.Module], RemovableHandle],
    ) -> None:
        self._held = [(_dict_for(owner, part), key, part) for key, part in held.items()]
        self.place = ", ".join(held)
        for where, key, part in self._held:
            where[key] = part
        self._handle = register(owner)

    def is_intact(self) -> bool:
        """See `Edit`."""
        return all(key in where for where, key, _ in self._held)

    def undo(self) -> None:
        """See `Edit`."""
        self._handle.remove()
        for where, key, _ in self._held:
            del where[key]


def _dict_for(owner: nn.Module, part: nn.Module | Tensor) -> dict[str, Any]:
    return owner._modules if isinstance(part, nn.Module) else owner._buffers


@dataclass(frozen=True, slots=True)
class RunInFront:
    """A forward pre-hook that runs children of its module on some of the arguments; copies with the module.

    Attributes:
        places: (position or keyword, name of the child).
    """

    places: tuple[tuple[int | str, str], ...]

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments as the module is to get them."""
        positional, named = list(args), dict(kwargs)
        for place, key in self.places:
            if isinstance(place, str) and place in named:
                named[place] = module.get_submodule(key)(named[place])
            elif isinstance(place, int) and place < len(positional):
                positional[place] = module.get_submodule(key)(positional[place])
        return tuple(positional), named


@dataclass(frozen=True, slots=True)
class RunBehind:
    """A forward hook that runs a child of its module on the output; copies with the module.

    Attributes:
        key: Name of the child.
    """

    key: str

    def __call__(self, module: nn.Module, _args: tuple[Any, ...], output: Any) -> Any:
        """Return the output as the module is to give it."""
        return module.get_submodule(self.key)(output)


class Reset:
    """A plain value that was set: an attribute of a module, or an entry of a dict.

    Args:
        held: The dict that holds it, such as a module's `__dict__`.
        key: Its name.
        value: What it is set to.
        place: In words.
    """

    def __init__(self, held: dict[str, Any], key: str, value: Any, place: str) -> None:
        self._held, self._key, self._value, self._old = held, key, value, held[key]
        self.place = place
        held[key] = value

    def is_intact(self) -> bool:
        """See `Edit`."""
        found = self._held.get(self._key)
        return found is self._value or (isinstance(found, float) and found == self._value)

    def undo(self) -> None:
        """See `Edit`."""
        self._held[self._key] = self._old


class Refilled:
    """A tensor whose values were overwritten; it stays the same tensor.

    Args:
        held: The dict that holds it, such as a module's buffers.
        key: Its name.
        value: What each of its entries is set to.
        place: In words.
    """

    @torch.no_grad()
    def __init__(self, held: dict[str, Any], key: str, value: Tensor | float, place: str) -> None:
        self._held, self._key = held, key
        self._tensor: Tensor = held[key]
        self._old = self._tensor.detach().clone()
        self.place = place
        self._tensor.copy_(torch.as_tensor(value).to(self._tensor.dtype).expand(self._tensor.shape))
        self._value = self._tensor.detach().clone()

    def is_intact(self) -> bool:
        """See `Edit`."""
        is_there = self._held.get(self._key) is self._tensor
        return is_there and torch.equal(self._tensor.detach(), self._value)

    @torch.no_grad()
    def undo(self) -> None:
        """See `Edit`."""
        self._tensor.copy_(self._old)


def free_key(parent: nn.Module, wanted: str) -> str:
    """Find a name for a new child that the module does not use yet."""
    key, number = wanted, 2
    while key in parent._modules or hasattr(parent, key):
        key, number = f"{wanted}_{number}", number + 1
    return key
