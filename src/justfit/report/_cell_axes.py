"""The cells of a sweep over any network as lines and planes through the chosen one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from justfit.records import CellRecord, ModuleSweepRecord
from justfit.report._module_sweep_words import value_words, varying

NAMES = {"l2": "λ", "dropout": "dropout", "learning_rate": "learning rate", "init": "initialization"}
Value = float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellAxis:
    """A setting along which cells differ.

    Attributes:
        field: Of `CellSetting`.
        values: All of them, ascending; None, as built, comes first.
    """

    field: str
    values: tuple[Value, ...]

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return NAMES[self.field]

    @property
    def numbers(self) -> tuple[float, ...]:
        """The values, if all are numbers; else nothing."""
        found = tuple(float(value) for value in self.values if isinstance(value, float | int))
        return found if len(found) == len(self.values) else ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The values, written."""
        return tuple(value_words(value) for value in self.values)


def cell_axes(record: ModuleSweepRecord) -> tuple[CellAxis, ...]:
    """The settings along which cells differ, λ first."""
    axes = []
    for field in varying(record):
        values = {getattr(cell.setting, field) for cell in record.cells}
        ordered = sorted(values, key=lambda value: (value is not None, isinstance(value, str), value or 0))
        axes.append(CellAxis(field=field, values=tuple(ordered)))
    return tuple(axes)


def cells_along(record: ModuleSweepRecord, *free: CellAxis) -> dict[tuple[int, ...], CellRecord]:
    """Cells that differ from the chosen one in these settings only, by their places along them."""
    places = [{value: k for k, value in enumerate(axis.values)} for axis in free]
    names = {axis.field for axis in free}
    fixed = [name for name in NAMES if name not in names]
    chosen = record.chosen_cell.setting
    return {
        tuple(place[getattr(cell.setting, axis.field)] for place, axis in zip(places, free, strict=True)): cell
        for cell in record.cells
        if all(getattr(cell.setting, name) == getattr(chosen, name) for name in fixed)
    }


def train_loss_of(cell: CellRecord) -> float:
    """Training loss at the epoch after which a cell is judged; NaN where it was not measured there."""
    if cell.best_epoch not in cell.epochs or math.isnan(cell.loss):
        return math.nan
    return cell.train_loss[cell.epochs.index(cell.best_epoch)]
