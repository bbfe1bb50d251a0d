"""What the claims are measured on: a table of at most a few hundred rows, and two moons.

Small on purpose: overfitting is what happens when examples are few. Shapes: n rows, d inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from justfit.errors import ColumnError
from justfit.report import shown
from justfit.sweep import NEVER_HELD_OUT, Problem, Task, assign_folds
from justfit.tables import Encoder, Table, drop_unlabelled, infer_target, read_table

MOST_ROWS = 600
LEAST_ROWS = 60
NUM_FOLDS = 2
DEFAULT_TABLE = "digits"
MOON_NOISE = 0.3
NUM_MOON_ROWS = 100
NUM_MOON_TEST_ROWS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Encoded rows of one table.

    Attributes:
        name: Of the table, fit to be shown.
        problem: Inputs, targets and two folds.
        unit: Of the losses.
        notes: What was noticed while reading.
    """

    name: str
    problem: Problem
    unit: str
    notes: tuple[str, ...]

    @property
    def num_train(self) -> int:
        """Rows that a network of fold 0 learns from."""
        return len(self.problem.training_rows(0))

    def words(self) -> str:
        """The sample in one phrase."""
        return f"{len(self.problem.targets)} rows of {self.name} in {NUM_FOLDS} folds, {self.num_train} to learn from"


def load_sample(source: str, target: str | None, seed: int) -> Sample:
    """Read a table, draw at most `MOST_ROWS` of its rows, encode them, deal them into two folds.

    Args:
        source: A file or a shipped set, as `justfit fit` takes it.
        target: Column to predict; may be left out for a shipped set.
        seed: Decides rows and folds.

    Raises:
        JustFitError: The table cannot be used, as in `justfit fit`.
        ColumnError: There is no target, or too few rows.
    """
    table = read_table(source)
    name = target or table.target
    if name is None:
        raise ColumnError(
            "A table needs a target: the column to predict.",
            found=f"no `--target` for `{table.name}`",
            way_out=f"Add `--target COLUMN`; the last column is `{table.frame.columns[-1]}`.",
        )
    return _encoded(table, name, seed)


def _encoded(table: Table, name: str, seed: int) -> Sample:
    frame, dropped = drop_unlabelled(table.frame, name)
    if frame.height < LEAST_ROWS:
        raise ColumnError(
            f"The lab needs at least {LEAST_ROWS} rows, so that its standard errors mean something.",
            found=f"{frame.height} rows in `{table.name}`",
            way_out="Leave `--data` out to see the claims on digits.",
        )
    drawn = np.random.default_rng(seed).permutation(frame.height)[:MOST_ROWS]
    frame = frame[np.sort(drawn)]
    kind = infer_target(frame[name], name=name).fit_scale(frame[name])
    encoder = Encoder().fit(frame, exclude=name)
    inputs = torch.from_numpy(encoder.transform(frame))
    codes = torch.from_numpy(kind.encode(frame[name]).copy())  # torch wants arrays that it may write to
    is_classes = kind.task == "classification"
    targets = codes.long() if is_classes else codes.float()
    problem = Problem(
        inputs,
        targets,
        assign_folds(targets, kind.task, NUM_FOLDS, seed),
        kind.task,
        len(kind.classes) if is_classes else 1,
    )
    unit = "nats" if is_classes else "variances of the target"
    return Sample(name=shown(table.name), problem=problem, unit=unit, notes=(*table.notes, *dropped, *encoder.notes))


def load_moons(seed: int) -> Problem:
    """Draw two moons: few rows that every network learns from, and fresh rows (fold 0) that none has seen."""
    from sklearn.datasets import make_moons

    inputs, labels = make_moons(NUM_MOON_ROWS + NUM_MOON_TEST_ROWS, noise=MOON_NOISE, random_state=seed)
    folds = torch.full((len(labels),), NEVER_HELD_OUT)
    folds[NUM_MOON_ROWS:] = 0
    return Problem(torch.from_numpy(inputs).float(), torch.from_numpy(labels).long(), folds, "classification", 2)


def loss(outputs: Tensor, targets: Tensor, task: Task) -> Tensor:
    """Mean cross entropy of class numbers, or mean squared error, as an ordinary PyTorch loss."""
    if task == "classification":
        return functional.cross_entropy(outputs, targets)
    return functional.mse_loss(outputs.squeeze(-1), targets.to(outputs.dtype))
