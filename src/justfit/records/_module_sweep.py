"""What a sweep over any network measured and chose, one entry a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from justfit.errors import ArgumentError
from justfit.records._shown import Shown

StopReason = Literal["", "not finite", "plateau", "overfitting", "futility"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSetting:
    """What the networks of a cell were trained with.

    Attributes:
        l2: λ of the term λ/(2n)·Σw².
        dropout: p of every dropout site; None: as the network was built.
        learning_rate: Peak learning rate; None: the optimizer's own.
        init: Initialization scheme; None: as the network was built.
    """

    l2: float
    dropout: float | None
    learning_rate: float | None
    init: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRecord:
    """One cell: one setting with all its folds and seeds. NaN (null in JSON) where a network was not finite.

    Attributes:
        setting: What it was trained with.
        loss, loss_se: Mean validation loss at its best epoch, and its standard error; for a cell with fewer seeds than
            others corrected by what the further seeds add to those, so that losses can be compared.
        difference, difference_se: loss − that of the best cell, paired by example and seed.
        ridge: It cannot be told from the best: difference ≤ one paired standard error.
        bootstrap_share: Share of resamples of examples and seeds in which it is the best.
        best_epoch: Epochs after which it is judged.
        num_seeds: Seeds it was trained with.
        stopped_epoch: Last epoch it was trained to.
        stopped_reason: Why that is not the last of all; "" if it is, or if the sweep was interrupted.
        is_refinement: It was put between cells of the grid later.
        epochs: Epochs at which the curves below were measured.
        train_loss, train_loss_se, validation_loss, validation_loss_se: Learning curves, means over folds and seeds.
    """

    setting: CellSetting
    loss: float
    loss_se: float
    difference: float
    difference_se: float
    ridge: bool
    bootstrap_share: float
    best_epoch: int
    num_seeds: int
    stopped_epoch: int
    stopped_reason: StopReason
    is_refinement: bool
    epochs: tuple[int, ...]
    train_loss: tuple[float, ...]
    train_loss_se: tuple[float, ...]
    validation_loss: tuple[float, ...]
    validation_loss_se: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSweepRecord(Shown):
    """A sweep over any network: its cells, the choice, and what both are worth.

    Attributes:
        module: Class of the network.
        cells: All cells that were trained; the first is the corner: least regularization, first learning rate and init.
        best: Index of the cell with the smallest loss.
        chosen: Index of the cell that the rule took.
        confidence: Share of resamples in which the chosen cell is within one paired standard error of their best.
        helps: The chosen cell is not the corner: it beats it by 1.645 paired standard errors.
        improvement, improvement_se: loss(corner) − loss(the ridge's candidate), paired; also where it does not help.
        epoch_optimism: By how much the chosen cell's loss is too small because its epoch was picked by that loss.
        num_grid_cells: Cells of the whole grid; those that border on no contender are not trained, and not in `cells`.
        tier: Program that trained: "batched", "vectorised" or "loop".
        tier_reason: Why that one.
        num_folds: Folds of every cell; 1 for a given validation set.
        num_epochs: Of every network that was not stopped.
        num_examples: Examples that the networks were judged on.
        num_variants: Networks trained.
        variant_epochs: Epochs of single networks that were trained.
        full_variant_epochs: How many the whole grid would have taken without stopping any.
        cpu_seconds: Of all training.
        interrupted: "" or why it ended early.
        notes: Whatever else should be known.
        rule: How the choice was made, in words.
        unit: Of all losses.
        versions: Of justfit and torch.
    """

    module: str
    cells: tuple[CellRecord, ...]
    best: int
    chosen: int
    confidence: float
    helps: bool
    improvement: float
    improvement_se: float
    epoch_optimism: float
    num_grid_cells: int
    tier: str
    tier_reason: str
    num_folds: int
    num_epochs: int
    num_examples: int
    num_variants: int
    variant_epochs: int
    full_variant_epochs: int
    cpu_seconds: float
    interrupted: str
    notes: tuple[str, ...]
    rule: str
    unit: str
    versions: dict[str, str]

    def __post_init__(self) -> None:
        if not (0 <= self.best < len(self.cells) and 0 <= self.chosen < len(self.cells)):
            raise ArgumentError(
                "`best` and `chosen` must be indices of `cells`.",
                found=f"`best={self.best}`, `chosen={self.chosen}` of {len(self.cells)} cells",
                way_out="Build the record with `justfit.sweep`.",
            )

    @property
    def chosen_cell(self) -> CellRecord:
        """The chosen cell."""
        return self.cells[self.chosen]

    @property
    def ridge(self) -> tuple[CellRecord, ...]:
        """The cells that cannot be told from the best, those first that are the best most often under resampling."""
        within = [cell for cell in self.cells if cell.ridge]
        return tuple(sorted(within, key=lambda cell: -cell.bootstrap_share))
