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
from justfit.lab._playground_points import NUM_VALIDATION, Points
from justfit.lab._playground_settings import Settings
from justfit.report import number, shown
from justfit.sweep import named_generator
from justfit.tables import Table, drop_unlabelled, infer_target, read_table

LEAST_ROWS = 40
ALIKE = 0.9  # rank correlation from which on a second column shows little that the first does not
RANKED_ROWS = 5_000  # from which columns are chosen
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
            columns: The two numeric columns to show.

        Raises:
            JustFitError: The table cannot be used, as in `justfit fit`.
            ColumnError: There is no target, there are not two numeric columns, or too few complete rows.
        """
        table = read_table(source)
        aim = _target_of(table, target)
        frame, notes = drop_unlabelled(table.frame, aim)
        labels, classes = _two_classes(frame[aim])
        first, second, more = _choose_columns(frame, aim, labels, columns)
        inputs = np.stack([_numbers(frame[name]) for name in (first, second)], 1)
        is_complete = (np.abs(inputs) < LARGEST).all(1)  # NaN is not
        if is_complete.sum() < LEAST_ROWS:
            raise ColumnError(
                f"The playground needs at least {LEAST_ROWS} rows with both numbers.",
                found=f"{is_complete.sum()} in `{table.name}`",
                way_out="Name two other columns, or play with a shape.",
            )
        if not is_complete.all():
            more = (*more, f"{(~is_complete).sum()} rows lack one of the two numbers and were left out.")
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


def _choose_columns(
    frame: pl.DataFrame, target: str, labels: NDArray[np.int64], asked: Sequence[str] | None
) -> tuple[str, str, tuple[str, ...]]:
    """The two columns, and a note where they were chosen here."""
    numeric = [name for name in frame.columns if name != target and _is_numeric(frame[name])]
    wanted = numeric if asked is None else list(asked)
    wrong = [name for name in wanted if name not in numeric]
    if wrong or len(set(wanted)) < 2 or (asked is not None and len(wanted) != 2):
        raise ColumnError(
            "The playground needs two numeric columns besides the target.",
            found=f"`{shown(wrong[0])}`, which is none" if wrong else f"{len(set(wanted))} columns",
            way_out=f"The numeric columns are {', '.join(shown(name) for name in numeric[:12]) or 'none'}.",
        )
    if len(wanted) == 2:
        return wanted[0], wanted[1], ()
    rows = np.linspace(0, frame.height - 1, min(frame.height, RANKED_ROWS)).astype(int)  # tables often come sorted
    ranks = {name: _ranks(_numbers(frame[name])[rows]) for name in numeric}
    told = {name: abs(_correlation(values, labels[rows])) for name, values in ranks.items()}
    best, *others = sorted(numeric, key=lambda name: -told[name])
    second = next((name for name in others if abs(_correlation(ranks[best], ranks[name])) < ALIKE), others[0])
    words = f"Of {len(numeric)} numeric columns, `{shown(best)}` and `{shown(second)}` tell the classes apart best."
    return best, second, (words,)


def _is_numeric(values: pl.Series) -> bool:
    return values.dtype.is_numeric() and values.n_unique() > 1


def _numbers(values: pl.Series) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = values.cast(pl.Float64).to_numpy()  # missing ones become NaN
    return numbers


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks, ties by their mean; a missing value takes the middle."""
    from scipy.stats import rankdata

    known = np.isfinite(values)
    ranks = np.full(len(values), (known.sum() + 1) / 2.0)
    ranks[known] = rankdata(values[known])
    return ranks


def _correlation(first: NDArray[np.float64], second: NDArray[Any]) -> float:
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
