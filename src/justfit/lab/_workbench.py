"""What several experiments share: the data, and one sweep along λ.

Shapes: L values of λ, S seeds, n rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from justfit.lab._samples import NUM_FOLDS, Sample, load_moons
from justfit.sweep import (
    Choice,
    Grid,
    Problem,
    Program,
    Recipe,
    Search,
    SearchResult,
    choose,
    find_largest_l2,
    l2_values,
)

BATCH_SIZE = 32
HIDDEN = (64, 64)


@dataclass(frozen=True, slots=True)
class Path:
    """A sweep along λ without dropout.

    Attributes:
        l2: λ, ascending from 0.
        search: Its networks, trained.
        result: Losses at every round.
        choice: The choice and its uncertainty.
        train_losses: Per-example training losses at the end.
    """

    l2: tuple[float, ...]
    search: Search
    result: SearchResult
    choice: Choice
    train_losses: NDArray[np.float64]

    @property
    def validation_losses(self) -> NDArray[np.float32]:
        """Per-example validation losses at the end."""
        return self.result.validation_losses[:, 0]

    @property
    def chosen(self) -> int:
        """Index of the chosen λ."""
        return self.choice.chosen[0]

    def modules(self, l2_index: int) -> list[nn.Sequential]:
        """The networks of fold 0 at one λ, one per seed, in eval mode."""
        grid = self.result.grid
        first = l2_index * grid.num_seeds * grid.num_folds
        return [self.search.program.module(first + seed * grid.num_folds) for seed in range(grid.num_seeds)]


class Workbench:
    """The data and what was trained on it so far.

    Args:
        sample: Digits, or the user's table.
        seed: Of everything.
        quick: Fewer seeds and epochs.
    """

    def __init__(self, sample: Sample, *, seed: int, quick: bool) -> None:
        self.sample = sample
        self.seed = seed
        self.quick = quick

    @cached_property
    def path(self) -> Path:
        """One sweep along λ on the sample."""
        num_seeds, epochs = (3, 80) if self.quick else (5, 150)
        return train_path(self.sample.problem, self.seed, num_seeds=num_seeds, epochs=epochs, num_folds=NUM_FOLDS)

    @cached_property
    def moons(self) -> Problem:
        """Two moons."""
        return load_moons(self.seed)


def train_path(problem: Problem, seed: int, *, num_seeds: int, epochs: int, num_folds: int) -> Path:
    """Sweep λ from 0 to where the network learns next to nothing, in half-decades."""
    recipe = Recipe(hidden=HIDDEN, epochs=epochs, batch_size=BATCH_SIZE)
    l2 = l2_values(find_largest_l2(problem, recipe, seed=seed), 10)
    grid = Grid(l2, (0.0,), num_folds, num_seeds)
    search = Search(problem, recipe, grid, seed=seed, num_threads=1)
    result = search.run(None, lambda: False)
    choice = choose(result.validation_losses)
    return Path(l2, search, result, choice, train_losses(search.program, len(l2), num_seeds))


def train_losses(program: Program, num_settings: int, num_seeds: int) -> NDArray[np.float64]:
    """Per-example training losses [settings, S, n], each row averaged over the folds that learned from it.

    The variants must be ordered [settings][seeds][folds].
    """
    problem = program.problem
    losses = program.losses(problem.training_rows)
    summed = torch.zeros(num_settings * num_seeds, len(problem.targets), dtype=torch.float64)
    counts = torch.zeros(len(problem.targets), dtype=torch.float64)
    per_cell = len(losses) // len(summed)
    for index, values in enumerate(losses):
        rows = problem.training_rows(program.variants[index].fold)
        summed[index // per_cell, rows] += values.double()
        if index < per_cell:
            counts[rows] += 1
    learned = counts > 0
    return (summed[:, learned] / counts[learned]).view(num_settings, num_seeds, -1).numpy()


def validation_losses(program: Program, num_settings: int, num_seeds: int) -> NDArray[np.float64]:
    """Per-example validation losses [settings, S, n], for variants ordered [settings][seeds][folds]."""
    problem = program.problem
    losses = program.losses(problem.validation_rows)
    held_out = problem.fold_of_rows >= 0
    by_row = torch.full((num_settings * num_seeds, len(problem.targets)), torch.nan, dtype=torch.float64)
    per_cell = len(losses) // len(by_row)
    for index, values in enumerate(losses):
        by_row[index // per_cell, problem.validation_rows(program.variants[index].fold)] = values.double()
    return by_row[:, held_out].view(num_settings, num_seeds, -1).numpy()
