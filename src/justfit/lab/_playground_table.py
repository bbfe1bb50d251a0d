"""Two columns of the user's table, and two classes to be told apart in their plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from justfit.errors import ColumnError
from justfit.lab._playground_columns import choose_columns, numbers_of
from justfit.lab._playground_points import NUM_VALIDATION, Points
from justfit.lab._playground_settings import Settings
from justfit.report import number, shown
from justfit.sweep import named_generator
from justfit.tables import Table, drop_unlabelled, infer_target, read_table

LEAST_ROWS = 40
LARGEST = 1e100  # its square is still a number


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaygroundTable:
    """Rows with two numbers and one of two classes.

    Attributes:
        name: Of the table, fit to be shown.
        names: Of the two columns, fit to be shown.
        classes: What 0 and 1 stand for, fit to be shown.
        inputs: [n, 2] float64.
        labels: [n] 0 or 1.
        notes: What was chosen or left out, one sentence each.
    """

    name: str
    names: tuple[str, str]
    classes: tuple[str, str]
    inputs: NDArray[np.float64]
    labels: NDArray[np.int64]
    notes: tuple[str, ...]

    @classmethod
    def read(cls, source: Any, *, target: str | None = None, columns: Sequence[str] | None = None) -> PlaygroundTable:
        """Read a table and choose what is shown of it.

        Of more than two classes the most frequent one is held against all others; of a number, what lies above its
        median against the rest. Without `columns` they are the one whose ranks tell the classes apart best, and the
        next best that is not nearly the same.

        Args:
            source: A file, a shipped set or a data frame, as `justfit fit` takes it.
            target: Column to predict; may be left out for a shipped set.
            columns: The two numeric columns to show, the one across first.

        Raises:
            JustFitError: The table cannot be used, as in `justfit fit`.
            ColumnError: There is no target, the columns are not two numeric ones, or too few rows are complete.
        """
        table = read_table(source)
        aim = _target_of(table, target)
        frame, notes = drop_unlabelled(table.frame, aim)
        labels, classes = _two_classes(frame[aim])
        first, second, note = choose_columns(frame, aim, labels, columns)
        inputs = np.stack([numbers_of(frame[name]) for name in (first, second)], 1)
        is_complete = (np.abs(inputs) < LARGEST).all(1)  # NaN is not
        if is_complete.sum() < LEAST_ROWS:
            raise ColumnError(
                f"The playground needs at least {LEAST_ROWS} rows with both numbers.",
                found=f"{is_complete.sum()} in `{table.name}`",
                way_out="Name two other columns, or play with a shape.",
            )
        more = [note]
        if not is_complete.all():
            more.append(f"{(~is_complete).sum()} rows lack one of the two numbers and were left out.")
        return cls(
            name=shown(table.name),
            names=(shown(first), shown(second)),
            classes=classes,
            inputs=inputs[is_complete],
            labels=labels[is_complete],
            notes=(*table.notes, *notes, *more),
        )

    def draw(self, settings: Settings) -> Points:
        """Draw rows: those for validation first, at most a third of all."""
        num_rows = len(self.labels)
        num_validation = min(NUM_VALIDATION, num_rows // 3)
        num_train = min(settings.num_train, num_rows - num_validation)
        order = torch.randperm(num_rows, generator=named_generator(settings.seed, "playground", "table")).numpy()
        rows = np.concatenate([order[num_validation : num_validation + num_train], order[:num_validation]])
        lowered = (f"The table has {num_train} rows to learn from.",) if num_train < settings.num_train else ()
        return Points(
            inputs=torch.from_numpy(self.inputs[rows]),
            labels=torch.from_numpy(self.labels[rows]),
            num_train=num_train,
            names=self.names,
            classes=self.classes,
            notes=(*self.notes, *lowered),
        )


def _target_of(table: Table, target: str | None) -> str:
    name = target or table.target
    if name is None:
        raise ColumnError(
            "A table needs a target: the column to predict.",
            found=f"no `--target` for `{shown(table.name)}`",
            way_out=f"Add `--target COLUMN`; the last column is `{shown(table.frame.columns[-1])}`.",
        )
    return name


def _two_classes(values: pl.Series) -> tuple[NDArray[np.int64], tuple[str, str]]:
    """Labels 0 and 1 of every row, and what they stand for."""
    target = infer_target(values)
    codes = target.encode(values)
    if target.task == "regression":
        numbers = codes * target.scale + target.mean
        middle = float(np.median(numbers))
        return (numbers > middle).astype(np.int64), (f"at most {number(middle)}", f"above {number(middle)}")
    if len(target.classes) == 2:
        return codes.astype(np.int64), (shown(target.classes[0]), shown(target.classes[1]))
    usual = int(np.bincount(codes).argmax())
    return (codes == usual).astype(np.int64), ("all others", shown(target.classes[usual]))
