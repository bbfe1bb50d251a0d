"""Norms of gradients, weights and updates, a whole optimizer at a time, without a transfer to the host."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

MAX_ENTRIES = 1 << 12  # of one parameter, from which its update is estimated; all of a parameter that has fewer
MISSING = -1.0  # norm of a gradient that is not there; NaN is one that is there and broken
_HALF = (torch.float16, torch.bfloat16)


def gradient_of(parameter: nn.Parameter) -> Tensor | None:
    """Return the entries of a parameter's gradient on this rank, as a real dense tensor; None if it has none."""
    gradient = parameter.grad
    return None if gradient is None else real_entries(gradient)


def real_entries(tensor: Tensor) -> Tensor:
    """Return the numbers a tensor holds on this rank: values of a sparse one, real and imaginary parts."""
    entries = tensor.detach()
    if hasattr(entries, "to_local"):  # a DTensor: the part of it that lies here
        entries = entries.to_local()
    if entries.layout is torch.sparse_coo:
        entries = entries.coalesce().values()
    elif entries.layout is not torch.strided:
        entries = entries.to_dense()
    return torch.view_as_real(entries.resolve_conj()) if entries.is_complex() else entries


def norms(tensors: Sequence[Tensor | None], device: torch.device) -> Tensor:
    """Compute the Euclidean norm of each tensor.

    Args:
        tensors: Of any devices.
        device: Where the result goes.

    Returns:
        One norm a tensor, accumulated in float32 at least; `MISSING` for None. On an accelerator nothing
        waits for it; on the CPU norms whose squares left the range of float32 are computed once more in float64.
    """
    there = [tensor for tensor in tensors if tensor is not None]
    if not there:
        return torch.full((len(tensors),), MISSING, device=device, dtype=torch.float64)
    half = any(tensor.dtype in _HALF for tensor in there)
    found = list(torch._foreach_norm(there, 2, torch.float32) if half else torch._foreach_norm(there))
    if any(norm.device != device for norm in found):
        found = [norm.to(device) for norm in found]
    together = torch.stack(found)
    if device.type == "cpu":
        together = _in_range(together, there)
    if len(there) == len(tensors):
        return together
    missing = torch.full((), MISSING, device=device, dtype=together.dtype)
    present = iter(together.unbind())
    return torch.stack([missing if tensor is None else next(present) for tensor in tensors])


def unscaled(norms: Tensor, scale: Tensor | None) -> Tensor:
    """Divide norms by the scale of a gradient scaler; what is `MISSING` stays so."""
    return norms if scale is None else torch.where(norms == MISSING, norms, norms / scale.to(norms.device))


def _in_range(together: Tensor, there: Sequence[Tensor]) -> Tensor:
    """Compute norms whose squares left the range of float32 once more."""
    values = together.tolist()
    if min(values) > 0 and max(values) < math.inf:  # false for NaN too
        return together
    wide = together.double()
    for place, norm in enumerate(values):
        if norm in (0, math.inf):
            wide[place] = torch.linalg.vector_norm(there[place], dtype=torch.float64)
    return wide


class UpdateMeter:
    r"""Estimates the norm of a step from the same few entries of each parameter before and after it.

    .. math:: \lVert\Delta w\rVert \approx \sqrt{\frac{N}{n} \sum_{i \in \text{taken}} \Delta w_i^2}

    with N entries of which n are taken at a fixed stride; exact where n = N. No random numbers are drawn.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._parameters = list(parameters)
        self._views: list[Tensor] = []
        self._before: list[Tensor] = []
        self._starts: list[int] = []
        self._scale: Tensor | None = None

    def take(self) -> None:
        """Keep the entries as they are now."""
        if self._starts != [parameter.data_ptr() for parameter in self._parameters] or not self._starts:
            self._look()
        torch._foreach_copy_(self._before, self._views)

    def update_norms(self, device: torch.device) -> Tensor:
        """Compute the norm of what changed since, for each parameter."""
        if self._starts != [parameter.data_ptr() for parameter in self._parameters]:  # moved within the step
            return torch.full((len(self._parameters),), math.nan, device=device, dtype=torch.float64)
        changes = torch._foreach_sub(self._views, self._before)
        if self._scale is None or self._scale.device != device:
            shares = [_share(p, view) for p, view in zip(self._parameters, self._views, strict=True)]
            self._scale = torch.tensor(shares, device=device, dtype=torch.float64)
        return norms(changes, device) * self._scale

    def num_bytes(self) -> int:
        """Count what is kept."""
        return sum(entries.numel() * entries.element_size() for entries in self._before)

    def _look(self) -> None:
        self._views = [taken_entries(parameter) for parameter in self._parameters]
        self._before = [torch.empty_like(view, memory_format=torch.contiguous_format) for view in self._views]
        self._starts = [parameter.data_ptr() for parameter in self._parameters]
        self._scale = None


def taken_entries(parameter: nn.Parameter) -> Tensor:
    """Return a view of at most `MAX_ENTRIES` entries, evenly spread over the memory of a parameter."""
    return spread_entries(real_entries(parameter), MAX_ENTRIES)


def spread_entries(entries: Tensor, most: int) -> Tensor:
    """Return a view of at most `most` entries, evenly spread; all of a tensor with gaps in its memory."""
    size = entries.numel()
    if size <= most or not _is_dense(entries):
        return entries
    stride = -(-size // most)
    row = entries.shape[-1]
    while math.gcd(stride, row) > 1:  # else the same columns would be met again and again
        stride += 1
    return entries.as_strided((-(-size // stride),), (stride,))


def _is_dense(entries: Tensor) -> bool:
    """Every number between the first and the last belongs to the tensor, in whatever order."""
    expected = 1
    for stride, size in sorted(zip(entries.stride(), entries.shape, strict=True)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


def _share(parameter: nn.Parameter, view: Tensor) -> float:
    return math.sqrt(real_entries(parameter).numel() / max(view.numel(), 1))
