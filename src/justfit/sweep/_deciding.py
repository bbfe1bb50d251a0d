"""From what was measured to a choice: each cell at its best epoch, held against the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from justfit.sweep._best_epoch import best_epoch
from justfit.sweep._cell_choice import choose_cell, places_of
from justfit.sweep._cell_table import CellLog, SeedLosses
from justfit.sweep._choice import CellChoice


@dataclass(frozen=True, slots=True)
class Decided:
    """A choice among the cells that were measured; the choice counts within `members`.

    Attributes:
        members: Indices of the cells that were measured; the first is the corner.
        epochs: Best epoch of each member.
        losses: Losses of each member at that epoch, by seed.
        choice: The choice among them.
    """

    members: tuple[int, ...]
    epochs: tuple[int, ...]
    losses: tuple[SeedLosses, ...]
    choice: CellChoice

    @property
    def chosen(self) -> int:
        """Index of the chosen cell."""
        return self.members[self.choice.chosen]

    @property
    def ridge(self) -> list[int]:
        """Indices of the ridge's cells, those first that are the best most often under resampling."""
        share = self.choice.bootstrap_share
        within = sorted(np.flatnonzero(self.choice.ridge).tolist(), key=lambda k: -share[k])
        return [self.members[k] for k in within]


def decide_among(logs: list[CellLog]) -> Decided:
    """Choose among all cells with measurements.

    Args:
        logs: The cells; the first is the corner, which is always measured.

    Returns:
        The choice.

    Raises:
        DivergedError: No cell has finite losses.
    """
    members = tuple(k for k, log in enumerate(logs) if log.epochs())
    epochs = tuple(best_epoch(logs[k]) for k in members)
    losses = tuple(
        dict(zip(sorted(logs[k].seeds), logs[k].losses(epoch), strict=True))
        for k, epoch in zip(members, epochs, strict=True)
    )
    choice = choose_cell(losses, places_of([logs[k].cell for k in members]))
    return Decided(members, epochs, losses, choice)
