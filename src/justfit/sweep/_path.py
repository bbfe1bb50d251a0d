"""What λ does to the network itself (lecture C7)."""

from __future__ import annotations

from justfit.records import Explored, PathPoint


def path_at(explored: Explored | None, dropout: float) -> tuple[PathPoint, ...]:
    """Follow Σw², active units and linearity along λ, at one dropout.

    Args:
        explored: The networks of a sweep, opened.
        dropout: Which dropout's column to follow.

    Returns:
        One point per λ, ascending; networks that diverged are left out.
    """
    return tuple(
        PathPoint(
            l2=view.l2,
            weight_sum_squares=view.weight_sum_squares,
            active_fraction=view.active_fraction,
            linearity_r2=view.linearity_r2,
        )
        for view in (() if explored is None else explored.views)
        if view.dropout == dropout
    )
