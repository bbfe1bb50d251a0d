"""The draw of all bases: every weight from a stream of its own, weights of one form in one stack.

Shapes: N weights of one form, B blocks of each, R units of a block (rows), C entries a unit reads (columns).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from justfit.cures._auto_basis import Basis, Step
from justfit.cures._initialization_draw import haar, stream

MAX_STACKED = 2**22  # entries drawn at a time: 32 MiB
ALIGNED = 16  # float32 in 64 bytes: each matrix of a stack then lies as one alone would, and comes out the same bits


class _Form(NamedTuple):
    basis: Basis
    shape: torch.Size
    unit_dimension: int
    dtype: torch.dtype
    device: torch.device

    @property
    def precision(self) -> torch.dtype:
        """What it is drawn in: float32 or better."""
        return torch.promote_types(self.dtype, torch.float32)

    @property
    def unit_first(self) -> tuple[int, ...]:
        shape = list(self.shape)
        return (shape.pop(self.unit_dimension), *shape)

    @property
    def core(self) -> tuple[int, int, int]:
        """B, R and C of what is drawn: halves where there are mirrored pairs."""
        rows, *read = self.unit_first
        columns = read[0] if self.basis.is_delta else math.prod(read)
        blocks = self.basis.num_blocks
        rows //= blocks
        return (
            blocks,
            rows // 2 if self.basis.mirrored_rows else rows,
            self._paired_columns // 2 if self.basis.mirrored_columns else columns,
        )

    @property
    def _paired_columns(self) -> int:
        """Whole pairs of channels, each with its window."""
        _, channels, *window = self.unit_first
        return channels // 2 * 2 * (1 if self.basis.is_delta else math.prod(window))


def draw_bases(steps: Mapping[str, Step], seed: int) -> dict[str, Tensor]:
    """Draw every weight in its own shape; its overall size is fixed later, in flight.

    Args:
        steps: What is drawn, by key; the key names its random stream.
        seed: Of every stream.

    Returns:
        New values by key; nothing is written.
    """
    forms: dict[_Form, list[str]] = {}
    for key, step in steps.items():
        weight = step.use.call.weight
        form = _Form(step.basis, weight.shape, step.use.call.unit_dimension, weight.dtype, weight.device)
        forms.setdefault(form, []).append(key)
    drawn: dict[str, Tensor] = {}
    for form, keys in forms.items():
        for some in _stacks(form, keys):
            drawn.update(zip(some, _draw(form, [stream(seed, key) for key in some]), strict=True))
    return {key: drawn[key] for key in steps}


def _stacks(form: _Form, keys: list[str]) -> Iterator[list[str]]:
    _, rows, columns = form.core
    size = max(1, MAX_STACKED // max(1, form.shape.numel())) if rows * columns % ALIGNED == 0 else 1
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _draw(form: _Form, generators: list[torch.Generator]) -> Tensor:
    if form.basis.is_gaussian:
        normal = [torch.randn(form.shape, generator=generator, dtype=form.precision) for generator in generators]
        return torch.stack(normal).to(form.device, form.dtype)
    blocks, rows, columns = form.core
    gaussian = torch.empty(len(generators), blocks, rows, columns, dtype=form.precision)
    for one, generator in zip(gaussian, generators, strict=True):
        torch.randn(one.shape, generator=generator, out=one)
    core = haar(gaussian.flatten(0, 1)) * math.sqrt(max(1.0, rows / columns))
    values = _mirror(form, core.view(gaussian.shape), generators)
    if form.basis.is_delta:
        taps = values.new_zeros(len(generators), *form.unit_first)
        centre = taps
        for size in reversed(form.unit_first[2:]):
            centre = centre.select(-1, size // 2)
        centre.copy_(values)
        values = taps
    return values.reshape(len(generators), *form.unit_first).movedim(1, 1 + form.unit_dimension)


def _mirror(form: _Form, core_NBRC: Tensor, generators: list[torch.Generator]) -> Tensor:
    """Lay out a core and its mirror images, in the weight's dtype; an odd unit is normal, an odd channel unread."""
    basis, (_, half_rows, half_columns) = form.basis, core_NBRC.shape[1:]
    core = core_NBRC.flatten(1, 2).to(form.device, form.dtype)
    rows = form.unit_first[0]
    columns = form.unit_first[1] if basis.is_delta else math.prod(form.unit_first[1:])
    if not basis.mirrored_rows and not basis.mirrored_columns:
        return core
    values = core.new_zeros(len(core), rows, columns)
    top = core.shape[1]
    values[:, :top, :half_columns] = core
    if basis.mirrored_columns:
        torch.neg(core, out=values[:, :top, half_columns : 2 * half_columns])
    if basis.mirrored_rows:
        torch.neg(values[:, :half_rows], out=values[:, half_rows : 2 * half_rows])
        for one, generator in zip(values if rows % 2 else (), generators, strict=False):
            odd = torch.randn(columns, generator=generator, dtype=form.precision) / math.sqrt(columns)
            one[2 * half_rows] = odd.to(one)
    return values
