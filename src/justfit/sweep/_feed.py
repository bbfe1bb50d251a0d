"""Batches, masks and learning rates of one chunk, step by step."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from justfit.errors import ArgumentError
from justfit.sweep._chunk import Batch, ChunkKernel
from justfit.sweep._problem import NO_FOLD, Problem, Recipe
from justfit.sweep._streams import MaskStream, epoch_order

# Numbers gathered or drawn at a time per data group: a table of a million rows must not need a gigabyte of masks.
BLOCK_NUMBERS = 2**20


class Schedule:
    """Batch size, steps per epoch and steps per block: functions of problem and recipe alone.

    All folds take equally many steps per epoch, so that they can run side by side: as many full batches as the
    smallest training part holds.
    """

    def __init__(self, problem: Problem, recipe: Recipe) -> None:
        fold_sizes = torch.bincount(problem.fold_of_rows[problem.fold_of_rows >= 0], minlength=1)
        self._num_rows = len(problem.fold_of_rows)
        self._fold_rows = self._num_rows - int(fold_sizes.max())
        if self._fold_rows < 1:
            raise ArgumentError(
                "Every fold must leave at least one row to train on.",
                found=f"a fold that holds all {self._num_rows} rows",
                way_out="Use at least 2 folds, or `NEVER_HELD_OUT` for rows that are only trained on.",
            )
        self.batch_size = min(recipe.batch_size, self._fold_rows)
        numbers_per_step = self.batch_size * (problem.inputs.shape[1] + sum(recipe.hidden))
        self.steps_per_block = max(1, BLOCK_NUMBERS // numbers_per_step)

    def steps_per_epoch(self, fold: int) -> int:
        """Full batches in one pass over the training rows of a fold (−1: all rows)."""
        rows = self._num_rows if fold == NO_FOLD else self._fold_rows
        return rows // self.batch_size


class ChunkFeed:
    """Feed one chunk: each data group has its own (fold, seed), hence its own rows and uniform numbers.

    Args:
        problem: The data.
        recipe: Epochs and learning rate.
        kernel: The chunk's kernel, which knows its dropouts and what a mask looks like.
        data_groups: (fold, seed) of each data group, all with equally many steps per epoch.
        stream: Where uniform numbers come from.
    """

    def __init__(
        self,
        problem: Problem,
        recipe: Recipe,
        kernel: ChunkKernel,
        data_groups: list[tuple[int, int]],
        stream: MaskStream,
    ) -> None:
        self._problem = problem
        self._recipe = recipe
        self._kernel = kernel
        self._stream = stream
        self._data_groups = data_groups
        self._schedule = Schedule(problem, recipe)
        self._steps_per_epoch = self._schedule.steps_per_epoch(data_groups[0][0])

    def steps(self, epoch: int) -> Iterator[tuple[Batch, float]]:
        """Yield batch and learning rate of every step of an epoch."""
        rows_DSB = self._rows(epoch)
        total = self._recipe.epochs * self._steps_per_epoch
        for number, rows in enumerate(torch.split(rows_DSB, self._schedule.steps_per_block, dim=1)):
            first = epoch * self._steps_per_epoch + number * self._schedule.steps_per_block
            for step, batch in enumerate(self._block(epoch, number, rows)):
                yield batch, self._recipe.learning_rate_at(first + step, total)

    def _rows(self, epoch: int) -> Tensor:
        used = self._steps_per_epoch * self._schedule.batch_size
        orders = [epoch_order(seed, epoch, fold, self._problem.fold_of_rows)[:used] for fold, seed in self._data_groups]
        return torch.stack(orders).view(len(orders), self._steps_per_epoch, self._schedule.batch_size)

    def _block(self, epoch: int, number: int, rows_DSB: Tensor) -> Iterator[Batch]:
        problem = self._problem
        inputs = problem.inputs[rows_DSB]
        goals = _goals(problem, rows_DSB, self._kernel.layout.padded_outputs).unsqueeze(2)
        weights = torch.full(rows_DSB.shape, 1.0 / self._schedule.batch_size, dtype=inputs.dtype)
        if problem.weights is not None:
            weights *= problem.weights[rows_DSB]
        weights = weights[:, :, None, :, None]
        masks = self._masks(epoch, number, rows_DSB.shape[1])
        for step in range(rows_DSB.shape[1]):
            step_masks: list[Tensor | None] | None = None
            if masks is not None:
                step_masks = [None if layer is None else layer[:, :, :, step] for layer in masks]
            yield Batch(inputs[:, step], goals[:, step], weights[:, step], step_masks)

    def _masks(self, epoch: int, number: int, num_steps: int) -> list[Tensor | None] | None:
        """One [D, M, 1, steps, B, O] per hidden layer with dropout; the folds of a seed share its masks."""
        layers = self._kernel.layout.hidden
        dropped = (True,) * len(layers) if self._recipe.dropped is None else self._recipe.dropped
        hidden = tuple(units for units, drops in zip(layers, dropped, strict=True) if drops)
        dropouts = self._kernel.dropouts
        if not hidden or not any(dropouts):
            return None
        shape = (num_steps, self._schedule.batch_size)
        cells = [
            self._stream.masks(seed, dropout, (epoch, number), shape, hidden)
            for _, seed in self._data_groups
            for dropout in dropouts
        ]
        grid = (len(self._data_groups), len(dropouts), 1)
        stacked = iter([_stack(list(layer), grid) for layer in zip(*cells, strict=True)])
        return [next(stacked) if drops else None for drops in dropped]


def _stack(tensors: list[Tensor], grid: tuple[int, int, int]) -> Tensor:
    stacked = tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(tensors)
    return stacked.view(*grid, *tensors[0].shape)


def _goals(problem: Problem, rows_DSB: Tensor, padded_outputs: int) -> Tensor:
    """[D, S, B, O] one-hot classes, or the target in column 0; zero in the padding."""
    goals = problem.inputs.new_zeros((*rows_DSB.shape, padded_outputs))
    targets = problem.targets[rows_DSB].unsqueeze(-1)
    if problem.task == "classification":
        return goals.scatter_(-1, targets, 1.0)
    goals[..., :1] = targets
    return goals
