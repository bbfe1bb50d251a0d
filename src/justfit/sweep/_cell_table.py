"""What a sweep has measured so far, by cell and seed, whatever units it came in.

Notation: R measured epochs, n judged rows (of all folds, in the order of the folds), F folds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from justfit.sweep._axes import Cell
from justfit.sweep._training import SweepVariant, UnitReport

Losses = NDArray[np.float32]
SeedLosses = Mapping[int, Losses]


@dataclass(slots=True)
class SeedLog:
    """One cell with one seed, over its folds.

    Attributes:
        epochs: [R] epochs measured in every fold.
        validation: [R] arrays [n] of per-example losses; NaN throughout where a fold's network was not finite.
        train, train_se: [R] mean training loss over the folds, and its standard error: that of a fold, since the folds
            share most of their rows.
    """

    epochs: list[int] = field(default_factory=list)
    validation: list[Losses] = field(default_factory=list)
    train: list[float] = field(default_factory=list)
    train_se: list[float] = field(default_factory=list)


@dataclass(slots=True)
class CellLog:
    """One cell with all its seeds.

    Attributes:
        cell: Which.
        seeds: What was measured, by seed.
        stopped_reason: Why it was stopped before the last epoch; "" if it was not.
    """

    cell: Cell
    seeds: dict[int, SeedLog] = field(default_factory=dict)
    stopped_reason: str = ""

    def until(self, epoch: int) -> CellLog:
        """The cell as it was at an epoch: cells that are further on are compared where they were then."""
        seeds = {}
        for seed, log in self.seeds.items():
            kept = sum(e <= epoch for e in log.epochs)
            seeds[seed] = SeedLog(log.epochs[:kept], log.validation[:kept], log.train[:kept], log.train_se[:kept])
        return CellLog(self.cell, seeds, self.stopped_reason)

    def epochs(self, seeds: Iterable[int] | None = None) -> list[int]:
        """Epochs measured with all of some seeds (by default: of all its seeds), ascending."""
        logs = [self.seeds[seed] for seed in (self.seeds if seeds is None else seeds)]
        if not logs:
            return []
        return [epoch for epoch in logs[0].epochs if all(epoch in log.epochs for log in logs[1:])]

    def losses(self, epoch: int, seeds: Iterable[int] | None = None) -> Losses:
        """[S, n] losses at an epoch, seeds ascending; NaN throughout if any of its networks was not finite."""
        chosen = sorted(self.seeds if seeds is None else seeds)
        stacked = np.stack([self.seeds[seed].validation[self._index(seed, epoch)] for seed in chosen])
        return stacked if np.isfinite(stacked).all() else np.full_like(stacked, np.nan)

    def curve(self, seeds: Iterable[int] | None = None) -> tuple[list[int], list[float]]:
        """Epochs, and mean validation loss over all folds and seeds at each."""
        epochs = self.epochs(seeds)
        return epochs, [float(self.losses(epoch, seeds).mean(dtype=np.float64)) for epoch in epochs]

    def error(self, epoch: int) -> float:
        """Standard error, over the rows, of the mean over seeds at an epoch; NaN for one row."""
        by_row = self.losses(epoch).mean(axis=0, dtype=np.float64)
        return float(by_row.std(ddof=1) / np.sqrt(len(by_row))) if len(by_row) > 1 else float("nan")

    def train_curve(self) -> tuple[list[float], list[float]]:
        """Mean training loss over folds and seeds at each of `epochs()`, and its standard error."""
        means, errors = [], []
        for epoch in self.epochs():
            logs = [(self.seeds[seed], self._index(seed, epoch)) for seed in sorted(self.seeds)]
            means.append(float(np.mean([log.train[k] for log, k in logs])))
            errors.append(float(np.mean([log.train_se[k] for log, k in logs])))
        return means, errors

    def _index(self, seed: int, epoch: int) -> int:
        return self.seeds[seed].epochs.index(epoch)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one variant showed in one piece of its training."""

    epochs: tuple[int, ...]
    validation: Losses
    train: tuple[float, ...]
    train_se: tuple[float, ...]


def split_report(report: UnitReport) -> list[Measured]:
    """What each variant of a unit showed, in order."""
    return [
        Measured(
            report.epochs,
            report.validation_losses[k].numpy(),
            tuple(report.train_loss[k].tolist()),
            tuple(report.train_loss_se[k].tolist()),
        )
        for k in range(len(report.validation_losses))
    ]


def add_piece(log: CellLog, seed: int, measured: list[Measured]) -> None:
    """Add what all folds of one seed showed in one piece of training.

    Args:
        log: The cell.
        seed: Of the variants.
        measured: One for each fold, in the order of the folds.
    """
    before = log.seeds.get(seed, SeedLog())
    validation = [np.concatenate([fold.validation[k] for fold in measured]) for k in range(len(measured[0].epochs))]
    log.seeds[seed] = SeedLog(  # in one step: Ctrl-C never leaves half a piece
        [*before.epochs, *measured[0].epochs],
        [*before.validation, *(v if np.isfinite(v).all() else np.full_like(v, np.nan) for v in validation)],
        [*before.train, *np.mean([fold.train for fold in measured], axis=0).tolist()],
        [*before.train_se, *np.mean([fold.train_se for fold in measured], axis=0).tolist()],
    )


def variants_of(cell: Cell, seed: int, num_folds: int) -> list[SweepVariant]:
    """The networks of one cell and seed, one for each fold."""
    return [SweepVariant(setting=cell.setting, seed=seed, fold=fold) for fold in range(num_folds)]
