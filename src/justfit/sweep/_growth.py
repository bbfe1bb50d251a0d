"""Which cells of the grid are trained at all: every second one at first, then whatever borders on a contender.

Losses change little from one grid step to the next, and common random numbers leave little noise between neighbours: a
cell two steps from every contender has next to no chance, and the cells around it show where the curve goes. The grid
stops growing once a wave has found nothing that is distinguishably better: a wave of one or two cells costs nearly as
much as one of ten.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from justfit.sweep._axes import Cell, are_next
from justfit.sweep._deciding import Decided

# Axes of fewer values are trained whole.
SHORTEST_THINNED = 4
# A cell contends if it is the best in at least this share of the resamples.
CONTENDING_SHARE = 0.25


def coarse_cells(cells: Sequence[Cell]) -> list[int]:
    """Every second λ, down from the largest, and zero; every second dropout, up from the smallest; of the rest all.

    Args:
        cells: The whole grid; the first is the corner, which is always among the result.

    Returns:
        Indices.
    """
    largest_l2, largest_dropout = (max(cell.place[axis] for cell in cells) for axis in (0, 1))

    def is_coarse(cell: Cell) -> bool:
        l2, dropout = cell.place[:2]
        l2_counts = largest_l2 + 1 < SHORTEST_THINNED or l2 == 0 or (largest_l2 - l2) % 2 == 0
        return l2_counts and (largest_dropout + 1 < SHORTEST_THINNED or dropout % 2 == 0)

    return [k for k, cell in enumerate(cells) if is_coarse(cell)]


def frontier(cells: Sequence[Cell], decided: Decided, earlier: Collection[int] = ()) -> list[int]:
    """The cells of the grid not yet trained that lie one step, on one axis, from a contender.

    Args:
        cells: The whole grid.
        decided: The choice among those that were trained.
        earlier: Those of them that were there before the last wave; empty after the first.

    Returns:
        Indices, ascending; none where an earlier cell is still on the ridge.
    """
    if not set(earlier).isdisjoint(decided.ridge):
        return []
    share = decided.choice.bootstrap_share
    contenders = [cells[m] for k, m in enumerate(decided.members) if share[k] >= CONTENDING_SHARE]
    contenders += [cells[decided.members[decided.choice.best]], cells[decided.chosen]]
    trained = set(decided.members)
    return [
        k
        for k, cell in enumerate(cells)
        if k not in trained and any(are_next(cell, contender) for contender in contenders)
    ]
