"""Everything a module holds, remembered so that it can be put back.

The walk copies references, not values, except those of tensors, arrays and generators. What has not changed is not
written again: other threads may read it.
"""

from __future__ import annotations

import copyreg
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from functools import partial
from operator import is_
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from justfit.probe._process_state import collecting_later
from justfit.probe._tensor_snapshot import StorageSnapshot, TensorSnapshot, storage_of

LEAVES = (bool, int, float, complex, str, bytes, type(None), type, FunctionType, BuiltinFunctionType, MethodType)
PLAIN = frozenset({*LEAVES, ModuleType, torch.dtype, torch.device, torch.Size, range, slice})
MUTABLE = (dict, list, set, deque)
HOLDERS = frozenset({*MUTABLE, OrderedDict})  # known without asking for the base classes
MAX_OBJECT_HOPS = 3  # from a module through plain objects: far enough for a state object, not for the whole program


class Snapshot:
    """What the roots hold at the time it is made.

    Args:
        roots: Modules, tensors and containers of them.

    Attributes:
        copy_bytes: Values of tensors that are not buffers are copied up to this size in total.
    """

    copy_bytes: ClassVar[int] = 256 * 2**20

    def __init__(self, *roots: object) -> None:
        self._seen: dict[int, object] = {}  # holds on to the objects, so that no id is used twice
        self._empty: list[Any] = []
        self._containers: list[tuple[Any, Any]] = []
        self._classes: list[tuple[nn.Module, type]] = []
        self._tensors: list[TensorSnapshot] = []
        self._storages: dict[int, StorageSnapshot] = {}
        self._undo: list[Callable[[], None]] = []
        self._queue: deque[tuple[Any, int]] = deque((root, 0) for root in roots)
        with collecting_later():  # nothing here becomes garbage
            self._walk()
            self._copy_values()

    def park_gradients(self) -> None:
        """Set every `.grad` to None; `restore` gives the same objects back."""
        for tensor in self._tensors:
            tensor.park_gradient()

    @torch.no_grad()
    def restore(self) -> list[str]:
        """Put everything back; return what could not be, one sentence each."""
        problems = [
            *_attempt(partial(_restore_class, *entry) for entry in self._classes),
            *_attempt(held.clear for held in self._empty if held),
            *_attempt(partial(_refill, *entry) for entry in self._containers),
            *_attempt(tensor.restore for tensor in self._tensors),
            *_attempt(storage.restore for storage in self._storages.values()),
            *_attempt(self._undo),
        ]
        changed = sum(storage.changed_unseen() for storage in self._storages.values())
        if changed:
            problems.append(f"The forward pass changed {changed} large tensors that were not copied beforehand.")
        return problems

    def _walk(self) -> None:
        while self._queue:
            value, hops = self._queue.popleft()
            if id(value) not in self._seen:
                self._seen[id(value)] = value
                self._remember(value, hops)

    def _remember(self, value: Any, hops: int) -> None:
        if isinstance(value, nn.Module):
            self._remember_module(value)
        elif isinstance(value, Tensor):
            self._remember_tensor(value)
        elif isinstance(value, MUTABLE):
            self._remember_container(value, hops)
        elif isinstance(value, tuple | frozenset):
            self._visit(value, hops)
        elif isinstance(value, np.ndarray):
            before = value.copy()
            self._undo.append(lambda: _refill_array(value, before))
        elif isinstance(value, torch.Generator | np.random.Generator | np.random.RandomState | random.Random):
            self._undo.append(_generator_undo(value))
        elif hops < MAX_OBJECT_HOPS and not isinstance(value, type | ModuleType):
            self._remember_object(value, hops + 1)

    def _remember_module(self, module: nn.Module) -> None:
        self._classes.append((module, type(module)))
        for buffer in module._buffers.values():
            if buffer is not None:
                self._watch_storage(buffer, is_buffer=True)
        held = module.__dict__
        self._containers.append((held, held.copy()))
        self._visit(held.values(), 0)

    def _remember_tensor(self, tensor: Tensor) -> None:
        self._tensors.append(TensorSnapshot(tensor))
        self._watch_storage(tensor)
        attributes = (getattr(tensor, "__dict__", None), tensor._backward_hooks if tensor.is_leaf else None)
        self._visit((*attributes, getattr(tensor, "_post_accumulate_grad_hooks", None)), 0)

    def _watch_storage(self, tensor: Tensor, *, is_buffer: bool = False) -> None:
        storage = storage_of(tensor)
        key = id(tensor) if storage is None else int(storage._cdata)
        known = self._storages.get(key)
        if known is None:
            known = self._storages[key] = StorageSnapshot(tensor, storage)
        known.must_copy |= is_buffer

    def _remember_container(self, held: Any, hops: int) -> None:
        self._containers.append((held, held.copy()))
        self._visit(held.values() if isinstance(held, dict) else held, hops)

    def _remember_object(self, value: object, hops: int) -> None:
        if isinstance(vars_of := getattr(value, "__dict__", None), dict):
            self._visit((vars_of,), hops)
        names = [name for name in copyreg._slotnames(type(value)) if hasattr(value, name)]  # type: ignore[attr-defined]
        before = {name: getattr(value, name) for name in names}
        if before:
            self._undo.append(lambda: _reset_slots(value, before))
            self._visit(before.values(), hops)

    def _visit(self, values: Iterable[Any], hops: int) -> None:
        """Queue what can change; most of a network is empty hook dicts and numbers, dealt with here at once."""
        for value in values:
            kind = type(value)
            if kind in PLAIN:
                continue
            if not value if kind in HOLDERS else isinstance(value, MUTABLE) and not value:
                self._empty.append(value)
            elif id(value) not in self._seen:
                self._queue.append((value, hops))

    @torch.no_grad()
    def _copy_values(self) -> None:
        left = self.copy_bytes
        for storage in sorted(self._storages.values(), key=lambda storage: storage.num_bytes):
            if storage.must_copy:
                storage.copy()
            elif storage.num_bytes <= left:
                left -= storage.num_bytes
                storage.copy()


def _attempt(steps: Iterable[Callable[[], None]]) -> list[str]:
    """Take every step, whatever happens to the others."""
    problems = []
    for step in steps:
        try:
            step()
        except Exception as error:  # one stubborn object must not keep the rest from coming back
            problems.append(f"Something the module holds could not be put back: {error}")
    return problems


def _restore_class(module: nn.Module, kind: type) -> None:
    if type(module) is not kind:
        module.__class__ = kind


def _refill(held: Any, before: Any) -> None:
    """Give a container its former content, by identity and in order."""
    if isinstance(held, dict):
        same = len(held) == len(before) and all(map(is_, held, before))
        if not (same and all(map(is_, held.values(), before.values()))):
            held.clear()
            held.update(before)
    elif isinstance(held, set):
        if len(held) != len(before) or not all(map(is_, held, before)):
            held.clear()
            held.update(before)
    elif len(held) != len(before) or not all(map(is_, held, before)):
        held.clear()
        held.extend(before)


def _refill_array(array: np.ndarray[Any, Any], before: np.ndarray[Any, Any]) -> None:
    if array.shape != before.shape or array.tobytes() != before.tobytes():
        array[...] = before


def _reset_slots(value: object, before: dict[str, Any]) -> None:
    for name, former in before.items():
        if getattr(value, name, None) is not former:
            object.__setattr__(value, name, former)


def _generator_undo(generator: Any) -> Callable[[], None]:
    if isinstance(generator, torch.Generator):
        state = generator.get_state()
        return lambda: _discard(generator.set_state(state))
    if isinstance(generator, np.random.Generator):
        bits = generator.bit_generator
        former = bits.state
        return lambda: setattr(bits, "state", former)
    if isinstance(generator, np.random.RandomState):
        legacy = generator.get_state()
        return lambda: generator.set_state(legacy)
    python = generator.getstate()
    return lambda: _discard(generator.setstate(python))


def _discard(_: object) -> None:
    """Turn an expression into a statement."""
