"""Random streams that depend on what they are for, never on how variants are grouped.

Each draw has a name (seed, purpose, epoch, block). Variants of one seed share batch order and dropout masks across
l2, dropout, fold and initialization: these are the common random numbers that make differences between cells small
(a paired design; neighbouring cells differ by far less noise than independent runs would).
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

CACHED_BLOCKS = 24
Key = TypeVar("Key")
Value = TypeVar("Value")
DrawBlock = Callable[[int, tuple[int, int], tuple[int, int], tuple[int, ...]], Sequence[Tensor]]


def named_generator(*name: int | str) -> torch.Generator:
    """Make a generator whose state is a function of its name alone.

    Args:
        *name: Whole numbers and words, such as `(seed, "order", epoch)`.

    Returns:
        A CPU generator, seeded with 63 bits of BLAKE2b of the name.
    """
    return torch.Generator().manual_seed(seed_of(*name))


def seed_of(*name: int | str) -> int:
    """Make the seed of a name; see `named_generator`."""
    digest = hashlib.blake2b("/".join(map(str, name)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def epoch_order(seed: int, epoch: int, fold: int, fold_of_rows: Tensor) -> Tensor:
    """Draw the order in which one epoch visits the training rows of a fold.

    One permutation of *all* rows is drawn per (seed, epoch); a fold keeps its training rows in that order. So folds
    share as much of their order as they can.

    Args:
        seed: Seed of the variant.
        epoch: Epoch, from 0.
        fold: The held-out fold; −1 holds nothing out.
        fold_of_rows: [n] fold of each row.

    Returns:
        Row numbers, int64.
    """
    order = torch.randperm(len(fold_of_rows), generator=named_generator(seed, "order", epoch))
    return order[fold_of_rows[order] != fold]


class MaskStream:
    """Dropout masks, drawn by name; the last blocks are kept, since all chunks of a program ask for the same ones.

    Args:
        kept: What a mask holds for a unit that is kept.
        dropped: What it holds for a unit that is dropped.
        dtype: Of the masks.
        draw: Gives the uniform numbers of a block, one [steps, batch, units] per layer; None: one draw per block.
    """

    def __init__(self, kept: float, dropped: float, dtype: torch.dtype, draw: DrawBlock | None = None) -> None:
        self._draw = draw or _draw_block
        self._kept = torch.tensor(kept, dtype=dtype)
        self._dropped = torch.tensor(dropped, dtype=dtype)
        self._lock = threading.Lock()
        self._uniforms: OrderedDict[tuple[int, ...], Sequence[Tensor]] = OrderedDict()
        self._masks: OrderedDict[tuple[float, ...], list[Tensor]] = OrderedDict()

    def masks(
        self, seed: int, dropout: float, block: tuple[int, int], shape: tuple[int, int], hidden: tuple[int, ...]
    ) -> list[Tensor]:
        """Draw the masks of one block of steps.

        Args:
            seed: Seed of the variants.
            dropout: Probability p of dropping a unit.
            block: (epoch, number of the block within the epoch).
            shape: (steps, batch).
            hidden: Units of each hidden layer.

        Returns:
            One [steps, batch, units] tensor per hidden layer. The uniform numbers behind them depend on seed and
            block only, so masks are nested across p: what is dropped at 0.1 is dropped at 0.5 too.
        """
        with self._lock:
            name = (seed, *block, *shape, *hidden)
            pieces = _cached(self._uniforms, name, lambda: self._draw(seed, block, shape, hidden))
            return _cached(
                self._masks,
                (dropout, *name),
                lambda: [torch.where(piece >= dropout, self._kept, self._dropped) for piece in pieces],
            )


def _draw_block(seed: int, block: tuple[int, int], shape: tuple[int, int], hidden: tuple[int, ...]) -> Sequence[Tensor]:
    return torch.split(_draw(seed, block, shape, hidden), list(hidden), dim=-1)


def _draw(seed: int, block: tuple[int, int], shape: tuple[int, int], hidden: tuple[int, ...]) -> Tensor:
    return torch.rand((*shape, sum(hidden)), generator=named_generator(seed, "mask", *block))


def _cached(cache: OrderedDict[Key, Value], key: Key, make: Callable[[], Value]) -> Value:
    if key not in cache:
        cache[key] = make()
        if len(cache) > CACHED_BLOCKS:
            cache.popitem(last=False)
    return cache[key]
