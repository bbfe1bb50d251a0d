"""One tensor and one piece of memory, remembered so that they can be put back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

WORD_BYTES = 8


class TensorSnapshot:
    """All of a tensor but its values: which memory it looks at and how, gradient, flags, hooks."""

    __slots__ = ("alias", "grad", "hooks", "is_leaf", "late_hooks", "requires_grad", "tensor")

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor
        self.alias = tensor.data  # keeps the memory, without a copy
        self.is_leaf = tensor.is_leaf
        self.requires_grad = tensor.requires_grad
        self.grad = tensor.grad if self.is_leaf else None
        self.hooks: Any = tensor._backward_hooks
        self.late_hooks: Any = getattr(tensor, "_post_accumulate_grad_hooks", None)

    def park_gradient(self) -> None:
        """Set the gradient aside."""
        if self.grad is not None:
            self.tensor.grad = None

    def restore(self) -> None:
        """Put everything back but the values."""
        tensor = self.tensor
        if not _looks_at(tensor, self.alias):
            tensor.data = self.alias
        if self.is_leaf:
            if not tensor.is_leaf:  # an in-place operation made it part of a graph
                tensor.detach_()
            if tensor.requires_grad != self.requires_grad:
                tensor.requires_grad_(self.requires_grad)
            if tensor.grad is not self.grad:
                tensor.grad = self.grad
        if tensor._backward_hooks is not self.hooks:
            tensor._backward_hooks = self.hooks
        if getattr(tensor, "_post_accumulate_grad_hooks", None) is not self.late_hooks:
            tensor._post_accumulate_grad_hooks = self.late_hooks


class StorageSnapshot:
    """The values in one piece of memory, which several tensors may share.

    Whole memories are copied, so that views, overlaps, NaN payloads and number formats need no thought. Writing goes
    through a tensor of its own: the versions of the user's tensors do not move.

    Args:
        tensor: One of those that look at it.
        storage: What `storage_of` gives for it.
    """

    __slots__ = ("_before", "_now", "_storage", "_tensor", "_version", "must_copy", "num_bytes")

    def __init__(self, tensor: Tensor, storage: Any) -> None:
        self._tensor = tensor
        self._version = _version(tensor)
        self._storage = storage
        self._now: Tensor | None = None
        self._before: Tensor | None = None
        self.must_copy = False
        in_memory = self._storage is not None and tensor.device.type != "meta"
        self.num_bytes: int = self._storage.nbytes() if in_memory else tensor.numel() * tensor.element_size()

    def copy(self) -> None:
        """Copy the values."""
        if self._tensor.device.type == "meta":
            return
        if self._storage is None:  # sparse and the like
            self._before = self._tensor.detach().clone()
        else:
            self._now = _whole_as_words(self._tensor, self.num_bytes)
            if self._now is None:
                self._now = _as_words(self._storage, self._tensor.device)
            self._before = self._now.clone()

    def restore(self) -> None:
        """Write the copied values back if they have changed."""
        if self._before is None:
            return
        if self._storage is None:
            self._tensor.copy_(self._before)
            return
        if self._storage.nbytes() != self.num_bytes:
            self._storage.resize_(self.num_bytes)
            self._now = _as_words(self._storage, self._tensor.device)
        now = self._now
        # comparing first: memory may be mapped from a file that must not be written; elsewhere it costs a wait
        if now is not None and (now.device.type != "cpu" or not torch.equal(now, self._before)):
            now.copy_(self._before)

    def changed_unseen(self) -> bool:
        """Tell whether values that were not copied have been written to."""
        return self._before is None and _version(self._tensor) != self._version


def _looks_at(tensor: Tensor, alias: Tensor) -> bool:
    if tensor.dtype != alias.dtype or tensor.device != alias.device:
        return False
    try:
        return bool(tensor.is_set_to(alias))
    except (NotImplementedError, RuntimeError):  # no memory of its own, or a kind that cannot tell
        return tensor.shape == alias.shape


def _version(tensor: Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version


def storage_of(tensor: Tensor) -> Any:
    """Get the memory of a tensor; None for one that has none of its own (sparse, wrapper subclasses)."""
    try:
        storage = tensor.untyped_storage()
    except (NotImplementedError, RuntimeError):
        return None
    return storage if tensor.device.type == "meta" or storage.nbytes() == 0 or storage.data_ptr() else None


def _whole_as_words(tensor: Tensor, num_bytes: int) -> Tensor | None:
    """Do what `_as_words` does, faster, for a plain tensor that fills its memory."""
    if type(tensor) not in (Tensor, nn.Parameter) or not tensor.is_contiguous() or tensor.dim() == 0:
        return None
    if num_bytes == 0 or tensor.is_inference():  # a view of an inference tensor could not be written to
        return None
    size = tensor.element_size()
    if tensor.numel() * size != num_bytes or tensor.shape[-1] * size % WORD_BYTES or tensor.is_complex():
        return None
    return tensor.data.view(torch.int64)


def _as_words(storage: Any, device: torch.device) -> Tensor:
    """Look at memory as integers, eight bytes at a time where that fits: any bit pattern compares and copies."""
    num_bytes = storage.nbytes()
    dtype = torch.uint8 if num_bytes % WORD_BYTES else torch.int64
    return torch.empty(0, dtype=dtype, device=device).set_(storage)
