"""The cells of a sweep over any network as the explorer of the page reads them."""

from __future__ import annotations

import math
from typing import Any

from justfit.records import CellRecord, Curve, ModuleSweepRecord
from justfit.report._cell_axes import CellAxis, cell_axes, cells_along, train_loss_of
from justfit.report._explorer_data import CellGrid, build_explorer
from justfit.report._module_sweep_words import value_words


def cell_explorer(record: ModuleSweepRecord) -> dict[str, Any] | None:
    """Build the explorer's data: the plane of the first two settings that are numbers; None where there is none."""
    numeric = [axis for axis in cell_axes(record) if axis.numbers][:2]
    if not numeric:
        return None
    alone = CellAxis(field="dropout" if numeric[0].field != "dropout" else "l2", values=(0.0,))
    first, second = numeric if len(numeric) > 1 else (numeric[0], alone)
    free = numeric if second is not alone else [first]
    cells = {(place[0], place[1] if len(place) > 1 else 0): cell for place, cell in cells_along(record, *free).items()}
    numbers = first.numbers, second.numbers
    places = {id(cell): place for place, cell in cells.items()}
    chosen = places[id(record.chosen_cell)]
    data = build_explorer(
        CellGrid(
            l2=numbers[0],
            dropout=numbers[1],
            chosen=chosen,
            best=places.get(id(record.cells[record.best]), _best(cells)),
            unit=record.unit,
            curves={(i, j): _curve(cell, numbers[0][i], numbers[1][j]) for (i, j), cell in cells.items()},
            setting=_rest(record, [axis.field for axis in free]),
            **_grids(cells, (len(first.values), len(second.values))),
        )
    )
    if data is not None and (first.field, second.field) != ("l2", "dropout"):
        data["axes"] = [first.name, second.name]
    return data


def _best(cells: dict[tuple[int, int], CellRecord]) -> tuple[int, int]:
    return min(cells, key=lambda place: cells[place].loss if math.isfinite(cells[place].loss) else math.inf)


def _grids(cells: dict[tuple[int, int], CellRecord], shape: tuple[int, int]) -> dict[str, Any]:
    def grid(name: str) -> list[list[float]]:
        return [
            [getattr(cells[i, j], name) if (i, j) in cells else math.nan for j in range(shape[1])]
            for i in range(shape[0])
        ]

    trained = [
        [train_loss_of(cells[i, j]) if (i, j) in cells else math.nan for j in range(shape[1])] for i in range(shape[0])
    ]
    ridge = [[(i, j) in cells and cells[i, j].ridge for j in range(shape[1])] for i in range(shape[0])]
    names = ("loss", "loss_se", "difference", "difference_se")
    return {**{name: grid(name) for name in names}, "train_loss": trained, "ridge": ridge}


def _curve(cell: CellRecord, first: float, second: float) -> Curve:
    return Curve(
        l2=first,
        dropout=second,
        epochs=cell.epochs,
        train_loss=cell.train_loss,
        train_loss_se=cell.train_loss_se,
        validation_loss=cell.validation_loss,
        validation_loss_se=cell.validation_loss_se,
    )


def _rest(record: ModuleSweepRecord, free: list[str]) -> str:
    """What the chosen cell shares with all others of the plane, as far as other cells differ in it."""
    chosen = record.chosen_cell.setting
    words = [
        f"{axis.name} {value_words(getattr(chosen, axis.field))}"
        for axis in cell_axes(record)
        if axis.field not in free
    ]
    return ", ".join(words)
