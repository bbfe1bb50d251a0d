"""What a sweep over l2 × dropout measured and chose."""

from __future__ import annotations

from dataclasses import dataclass

from justfit.errors import ArgumentError
from justfit.records._views import Explored

Grid = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Learning curve of one cell: mean over its folds and seeds, per-example losses in eval mode.

    All tuples have one entry per evaluated epoch.
    """

    l2: float
    dropout: float
    epochs: tuple[int, ...]
    train_loss: tuple[float, ...]
    train_loss_se: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_loss_se: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPoint:
    """What l2 does to the network itself, at the chosen dropout (lecture C7).

    Attributes:
        l2: λ of the term λ/(2n)·Σw².
        weight_sum_squares: Σw² over all weights (biases not counted).
        active_fraction: Share of (hidden unit, example) pairs with a non-zero activation, in [0, 1].
        linearity_r2: R² of the best linear map from inputs to the network's outputs, in [0, 1].
    """

    l2: float
    weight_sum_squares: float
    active_fraction: float
    linearity_r2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRecord:
    """The whole l2 × dropout grid, judged by cross-validation with common random numbers.

    Grids are indexed [l2][dropout], in the order of `l2` and `dropout` (both ascending, both starting at 0).
    A cell is one (l2, dropout) with all its folds and seeds. A variant that ended in NaN or infinity makes
    its cell's losses NaN (null in JSON).

    Attributes:
        validation_loss, validation_loss_se: Mean over held-out examples, and its standard error.
        train_loss: Mean over (a fixed sample of) the training examples, in eval mode.
        difference, difference_se: validation_loss − that of `best`, paired by example.
        ridge: True where a cell cannot be told from the best (difference ≤ one paired standard error).
        bootstrap_share: Share of bootstrap resamples of the examples in which the cell is the best; sums to 1.
        best: (i, j) of the smallest validation loss.
        chosen: (i, j) that the choice rule took.
        confidence: Bootstrap probability that the chosen cell is truly within the tolerance of the best cell.
        helps: True if the chosen cell is distinguishably better than l2 = 0, dropout = 0.
        improvement, improvement_se: validation loss at (0, 0) − at the chosen cell, paired.
        l2_interval, dropout_interval: Smallest and largest value among the ridge's cells.
        num_variants: Networks trained in the sweep: cells × folds × seeds.
        num_diverged: How many of them ended in NaN or infinity.
        curves: Learning curves of all cells (older records: of some); l2 = 0 / dropout = 0 and the chosen stand first.
        path: Effect of l2 on the network at the chosen dropout; one point per l2.
        rule: The choice rule in one sentence.
        unit: Unit of all losses.
        explored: The networks, opened; None where that was not asked for.
    """

    l2: tuple[float, ...]
    dropout: tuple[float, ...]
    validation_loss: Grid
    validation_loss_se: Grid
    train_loss: Grid
    difference: Grid
    difference_se: Grid
    ridge: tuple[tuple[bool, ...], ...]
    bootstrap_share: Grid
    best: tuple[int, int]
    chosen: tuple[int, int]
    confidence: float
    helps: bool
    improvement: float
    improvement_se: float
    l2_interval: tuple[float, float]
    dropout_interval: tuple[float, float]
    num_folds: int
    num_seeds: int
    num_epochs: int
    num_examples: int
    num_variants: int
    num_diverged: int
    curves: tuple[Curve, ...]
    path: tuple[PathPoint, ...]
    rule: str
    unit: str
    explored: Explored | None = None

    def __post_init__(self) -> None:
        shape = (len(self.l2), len(self.dropout))
        grids = ("validation_loss", "validation_loss_se", "train_loss", "difference", "difference_se", "ridge")
        for name in (*grids, "bootstrap_share"):
            grid = getattr(self, name)
            if len(grid) != shape[0] or any(len(row) != shape[1] for row in grid):
                raise ArgumentError(
                    f"`{name}` must have one row per l2 and one column per dropout, {shape[0]} × {shape[1]}.",
                    found=f"{len(grid)} rows",
                    way_out="Build the record with `justfit.sweep`.",
                )

    @property
    def chosen_l2(self) -> float:
        """The chosen λ."""
        return self.l2[self.chosen[0]]

    @property
    def chosen_dropout(self) -> float:
        """The chosen dropout probability."""
        return self.dropout[self.chosen[1]]
