"""Tensors that lie elsewhere: in the object store of a cluster, on the node that made them.

What a schedule does with a unit's state is to keep some variants of it and to put several side by side. Neither needs
the numbers, so neither fetches them: only which rows of which piece are wanted travels, and the worker that goes on
reads them from the store. The numbers come here when they are looked at, as when they are written to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of what one unit left behind.

    Attributes:
        source: Where it lies; what this is, is the executor's affair.
        rows: Which of its variants are meant, in order.
    """

    source: Any
    rows: tuple[int, ...]


class FarTensors(Mapping[str, Tensor]):
    """Named tensors whose dimension 0 are variants, like `UnitState.tensors`; fetched once, when first looked at.

    Args:
        pieces: Whose rows they are, one after the other.
        fetch: Gets all tensors of one source.
    """

    def __init__(self, pieces: Sequence[Piece], fetch: Callable[[Any], Mapping[str, Tensor]]) -> None:
        self.pieces = tuple(pieces)
        self._fetch = fetch
        self._here: dict[str, Tensor] | None = None

    def select(self, indices: Sequence[int]) -> FarTensors:
        """Keep some variants, without fetching them."""
        rows = [(piece.source, row) for piece in self.pieces for row in piece.rows]
        kept: list[Piece] = []
        for source, row in (rows[index] for index in indices):
            if kept and kept[-1].source is source:
                kept[-1] = Piece(source, (*kept[-1].rows, row))
            else:
                kept.append(Piece(source, (row,)))
        return FarTensors(kept, self._fetch)

    def beside(self, others: Sequence[FarTensors]) -> FarTensors:
        """Put these variants and those of others side by side, without fetching them."""
        return FarTensors([piece for tensors in (self, *others) for piece in tensors.pieces], self._fetch)

    def fetched(self) -> dict[str, Tensor]:
        """Get the numbers here."""
        if self._here is None:
            self._here = joined_rows([(self._fetch(piece.source), piece.rows) for piece in self.pieces])
        return self._here

    def __getitem__(self, name: str) -> Tensor:
        return self.fetched()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fetched())

    def __len__(self) -> int:
        return len(self.fetched())


def joined_rows(parts: Sequence[tuple[Mapping[str, Tensor], Sequence[int]]]) -> dict[str, Tensor]:
    """Take rows of several sets of tensors of the same names, and put them side by side, bit for bit.

    Example:
        >>> first, second = {"w": torch.tensor([1, 2, 3])}, {"w": torch.tensor([4, 5])}
        >>> joined_rows([(first, (2, 0)), (second, (1,))])
        {'w': tensor([3, 1, 5])}
    """
    chosen = [(tensors, torch.tensor(list(rows), dtype=torch.int64)) for tensors, rows in parts]
    return {name: torch.cat([tensors[name][rows] for tensors, rows in chosen]) for name in parts[0][0]}
