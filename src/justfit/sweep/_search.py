"""Train the whole grid in rounds and keep, at every round, all that a decision needs.

Notation: L l2 values, P dropouts, S seeds, n rows, R rounds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from justfit.records import OnProgress, Progress
from justfit.sweep._grid import Grid
from justfit.sweep._problem import Problem, Recipe
from justfit.sweep._program import Program
from justfit.sweep._streams import named_generator

Array = NDArray[np.float64]
NUM_ROUNDS = 12
# Rows on which training loss is measured, per fold: enough for a standard error, cheap enough for every round.
TRAIN_SAMPLE_ROWS = 2_000


@dataclass(slots=True)
class SearchResult:
    """What was measured. Cells with a diverged variant hold NaN.

    Attributes:
        grid: The cells.
        epochs: [R] epochs at which the losses were measured.
        validation_losses: [L, P, S, n] per-example validation loss at the last round, float32.
        validation_loss, validation_loss_se, train_loss, train_loss_se: [R, L, P] means over examples and seeds.
        train_sample_losses: [S, m] training losses of the unregularised cell at the last round, one per distinct row:
            the mean over the folds that trained on it.
        num_diverged: Variants with a non-finite loss at the last round.
        interrupted: "" or why the search stopped early.
    """

    grid: Grid
    epochs: list[int] = field(default_factory=list)
    validation_losses: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    validation_loss: list[Array] = field(default_factory=list)
    validation_loss_se: list[Array] = field(default_factory=list)
    train_loss: list[Array] = field(default_factory=list)
    train_loss_se: list[Array] = field(default_factory=list)
    train_sample_losses: Array = field(default_factory=lambda: np.empty(0))
    num_diverged: int = 0
    interrupted: str = ""


class Search:
    """Train every variant of a grid and measure it at about a dozen rounds.

    Args:
        problem: Data and folds; fold numbers 0 … num_folds − 1.
        recipe: How each variant is trained.
        grid: What is trained.
        seed: First seed.
        num_threads: See `Program`.
    """

    def __init__(self, problem: Problem, recipe: Recipe, grid: Grid, *, seed: int, num_threads: int) -> None:
        self.problem = problem
        self.recipe = recipe
        self.grid = grid
        self.program = Program(problem, recipe, grid.variants(seed), num_threads=num_threads)
        self._train_rows = {
            fold: _sample(problem.training_rows(fold), named_generator(seed, "train sample", fold))
            for fold in range(grid.num_folds)
        }
        sampled = np.concatenate([rows.numpy() for rows in self._train_rows.values()])
        _, self._train_places, self._train_counts = np.unique(sampled, return_inverse=True, return_counts=True)

    def run(self, on_progress: OnProgress | None, should_stop: Callable[[], bool]) -> SearchResult:
        """Train to the end, or until `should_stop` says so, or Ctrl-C; keep the last finished round.

        Args:
            on_progress: Told after each (chunk, epoch) and each round.
            should_stop: Asked after each epoch.

        Returns:
            The measurements of the last finished round.

        Raises:
            KeyboardInterrupt: Ctrl-C before the first round was finished.
        """
        result = SearchResult(self.grid)
        ticks = _Ticks(self.program.num_chunks * self.recipe.epochs, len(self.program.variants), on_progress)
        try:
            for epoch in round_epochs(self.recipe.epochs):
                stopped = False
                while self.program.epoch < epoch and not stopped:
                    self.program.advance(1, ticks.tick)
                    stopped = self.program.epoch < self.recipe.epochs and should_stop()
                self._measure(result)
                ticks.detail = f"epoch {self.program.epoch} of {self.recipe.epochs}"
                if stopped:
                    result.interrupted = f"the time budget ended after {ticks.detail}"
                    break
        except KeyboardInterrupt:
            if not result.epochs:
                raise
            result.interrupted = f"interrupted after epoch {result.epochs[-1]} of {self.recipe.epochs}"
        return result

    def _measure(self, result: SearchResult) -> None:
        """Add one round to `result`, all of it at the end, so that Ctrl-C never leaves half a round."""
        grid = self.grid
        shape = (len(grid.l2), len(grid.dropout), grid.num_seeds, grid.num_folds)
        fold_rows = {fold: self.problem.validation_rows(fold) for fold in range(grid.num_folds)}
        judged = np.concatenate([rows.numpy() for rows in fold_rows.values()])
        by_row = np.full((*shape[:3], len(self.problem.targets)), np.nan, np.float32)
        validation = self._losses(fold_rows)
        for losses, (i, j, seed, fold) in zip(validation, np.ndindex(*shape), strict=True):
            by_row[i, j, seed, fold_rows[fold].numpy()] = losses
        by_row = by_row[..., judged] if len(judged) < by_row.shape[-1] else by_row
        mean, error = _mean_and_error(by_row.mean(axis=2, dtype=np.float64))
        train_losses = self._train_losses(shape)
        train_mean, train_error = _mean_and_error(train_losses.mean(axis=2))
        result.num_diverged = sum(bool(np.isnan(losses).any()) for losses in validation)
        result.validation_losses = by_row
        result.train_sample_losses = train_losses[0, 0]
        result.validation_loss.append(mean)
        result.validation_loss_se.append(error)
        result.train_loss.append(train_mean)
        result.train_loss_se.append(train_error)
        result.epochs.append(self.program.epoch)

    def _train_losses(self, shape: tuple[int, int, int, int]) -> Array:
        """[L, P, S, m] training losses of m distinct rows, each averaged over the folds that trained on it.

        A row's losses in four folds are nearly the same number: counted as four examples they would halve the
        standard error.
        """
        losses = self._losses(self._train_rows)
        by_row = [
            np.bincount(self._train_places, np.concatenate(losses[start : start + shape[3]])) / self._train_counts
            for start in range(0, len(losses), shape[3])
        ]
        return np.stack(by_row).reshape(*shape[:3], -1)

    def _losses(self, rows_of_fold: dict[int, Tensor]) -> list[NDArray[np.float32]]:
        """Losses of each variant in their own unit, times example weights; all NaN where a variant diverged.

        Weights have mean 1, so plain means are weighted means.
        """
        weights = self.problem.weights
        result = []
        for losses, variant in zip(self.program.losses(rows_of_fold.__getitem__), self.program.variants, strict=True):
            scaled = losses * self.problem.loss_scale
            if weights is not None:
                scaled = scaled * weights[rows_of_fold[variant.fold]]
            scaled = scaled.float()
            result.append((scaled if scaled.isfinite().all() else torch.full_like(scaled, torch.nan)).numpy())
        return result


class _Ticks:
    """Count finished (chunk, epoch) pairs from several threads."""

    def __init__(self, total: int, num_variants: int, on_progress: OnProgress | None) -> None:
        self.detail = ""
        self._total = total
        self._stage = f"sweep: {num_variants} networks"
        self._on_progress = on_progress
        self._done = 0
        self._lock = threading.Lock()

    def tick(self) -> None:
        with self._lock:
            self._done += 1
            if self._on_progress is not None:
                fraction = self._done / self._total
                self._on_progress(Progress(stage=self._stage, fraction=fraction, detail=self.detail))


def round_epochs(num_epochs: int) -> list[int]:
    """Epochs after which the search measures: every epoch, or about a dozen, denser at the start; ends at the last."""
    points = np.unique(np.round(num_epochs * np.linspace(0, 1, NUM_ROUNDS + 1)[1:] ** 1.5).astype(int))
    return [int(point) for point in points if point > 0]


def _sample(rows: Tensor, generator: Generator) -> Tensor:
    if len(rows) <= TRAIN_SAMPLE_ROWS:
        return rows
    return rows[torch.randperm(len(rows), generator=generator)[:TRAIN_SAMPLE_ROWS]]


def _mean_and_error(losses: Array) -> tuple[Array, Array]:
    """Mean over the last axis, and its standard error."""
    return losses.mean(axis=-1), losses.std(axis=-1, ddof=1) / np.sqrt(losses.shape[-1])
