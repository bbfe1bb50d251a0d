"""The numbers behind the explorer: a grid of really trained networks, as the page's script reads them.

Their form is that of `web/src/data.ts`. However large the sweep, they stay below about a megabyte: beyond the bounds
below, values of the axes and points of the curves are left out evenly, the chosen and the best cell never.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from justfit.records import Curve, Explored, NetworkView, Plane, SweepRecord
from justfit.report._names import shown
from justfit.report._script import compact
from justfit.report._svg import thinned

_MOST_CELLS = 400
_MOST_SURFACES = 100  # a surface has a thousand numbers
_MOST_POINTS = 200  # of one curve
_ALL_POINTS = 20_000  # of the curves of all cells
_MOST_LAYERS = 100

Grid = Sequence[Sequence[float]]
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellGrid:
    """A grid of cells as the explorer shows it; of any sweep that has the two axes.

    Attributes:
        l2, dropout: The axes, ascending.
        chosen, best: Indices of these cells.
        unit: Of all losses.
        loss, loss_se, train_loss, difference, difference_se, ridge: Indexed [l2][dropout], as in `SweepRecord`.
        curves: Learning curve of each cell that has one.
        explored: Its networks, opened; None where they were not.
        setting: What else all cells share, in words; empty for nothing worth saying.
    """

    l2: Sequence[float]
    dropout: Sequence[float]
    chosen: Cell
    best: Cell
    unit: str
    loss: Grid
    loss_se: Grid
    train_loss: Grid
    difference: Grid
    difference_se: Grid
    ridge: Sequence[Sequence[bool]]
    curves: Mapping[Cell, Curve]
    explored: Explored | None = None
    setting: str = ""


def sweep_explorer(record: SweepRecord) -> dict[str, Any] | None:
    """Build the explorer of a sweep; None where its networks were not opened, or there is only one cell."""
    if record.explored is None:
        return None
    places = {(l2, p): (i, j) for i, l2 in enumerate(record.l2) for j, p in enumerate(record.dropout)}
    return build_explorer(
        CellGrid(
            l2=record.l2,
            dropout=record.dropout,
            chosen=record.chosen,
            best=record.best,
            unit=record.unit,
            loss=record.validation_loss,
            loss_se=record.validation_loss_se,
            train_loss=record.train_loss,
            difference=record.difference,
            difference_se=record.difference_se,
            ridge=record.ridge,
            curves={places[c.l2, c.dropout]: c for c in record.curves if (c.l2, c.dropout) in places},
            explored=record.explored,
        )
    )


def build_explorer(grid: CellGrid) -> dict[str, Any] | None:
    """Build the explorer's data of a grid; None where it has fewer than two cells."""
    if len(grid.l2) * len(grid.dropout) < 2:
        return None
    explored = grid.explored
    views = {} if explored is None else {(view.l2, view.dropout): view for view in explored.views}
    plane = None if explored is None else explored.plane
    rows, columns = _kept_axes(grid, _MOST_CELLS if plane is None else _MOST_SURFACES)
    most_points = min(_MOST_POINTS, max(_ALL_POINTS // (len(rows) * len(columns)), 20))
    cells = []
    for a, i in enumerate(rows):
        for b, j in enumerate(columns):
            view = views.get((grid.l2[i], grid.dropout[j]))
            curve = grid.curves.get((i, j))
            if view is not None or curve is not None:
                cells.append({"l2": a, "dropout": b, **_curve(curve, most_points), **_view(view, plane)})
    data: dict[str, Any] = {
        "l2": [grid.l2[i] for i in rows],
        "dropout": [grid.dropout[j] for j in columns],
        "chosen": [rows.index(grid.chosen[0]), columns.index(grid.chosen[1])],
        "best": [rows.index(grid.best[0]), columns.index(grid.best[1])],
        "unit": shown(grid.unit, 40),
        **{name: [[values[i][j] for j in columns] for i in rows] for name, values in _grids(grid).items()},
        "weightLow": explored.weight_low if explored is not None else 0.0,
        "weightHigh": explored.weight_high if explored is not None else 0.0,
        "cells": cells,
    }
    if plane is not None:
        data["plane"] = _plane(plane)
    if grid.setting:
        data["setting"] = shown(grid.setting, 200)
    written: dict[str, Any] = compact(data)
    return written


def _grids(grid: CellGrid) -> dict[str, Sequence[Sequence[float]] | Sequence[Sequence[bool]]]:
    return {
        "loss": grid.loss,
        "lossSe": grid.loss_se,
        "trainLoss": grid.train_loss,
        "difference": grid.difference,
        "differenceSe": grid.difference_se,
        "ridge": grid.ridge,
    }


def _kept_axes(grid: CellGrid, most: int) -> tuple[list[int], list[int]]:
    """Indices of the values to keep of both axes, so that there are about `most` cells."""
    num_rows, num_columns = len(grid.l2), len(grid.dropout)
    if num_rows * num_columns > most:
        # Both axes shrink by the same factor, the shorter one to two values at least.
        shrink = math.sqrt(num_rows * num_columns / most)
        num_columns = max(min(round(num_columns / shrink), num_columns), min(2, num_columns))
        num_rows = max(min(most // num_columns, num_rows), min(2, num_rows))
        num_columns = max(min(most // num_rows, num_columns), min(2, num_columns))
    needed = (grid.chosen, grid.best)
    rows = {*thinned(len(grid.l2), num_rows), *(cell[0] for cell in needed)}
    columns = {*thinned(len(grid.dropout), num_columns), *(cell[1] for cell in needed)}
    return sorted(rows), sorted(columns)


def _curve(curve: Curve | None, most: int) -> dict[str, Any]:
    if curve is None or not curve.epochs:
        return {"epochs": [], "train": [], "trainSe": [], "validation": [], "validationSe": []}
    best = best_index(curve)
    kept = sorted({*thinned(len(curve.epochs), most), *(() if best is None else (best,))})
    series = {
        "epochs": curve.epochs,
        "train": curve.train_loss,
        "trainSe": curve.train_loss_se,
        "validation": curve.validation_loss,
        "validationSe": curve.validation_loss_se,
    }
    written: dict[str, Any] = {name: [values[k] for k in kept] for name, values in series.items()}
    return written if best is None else {**written, "bestEpoch": curve.epochs[best]}


def best_index(curve: Curve) -> int | None:
    """Find where the validation loss of a curve is lowest; None where none is finite."""
    finite = [k for k, value in enumerate(curve.validation_loss) if math.isfinite(value)]
    return min(finite, key=lambda k: curve.validation_loss[k]) if finite else None


def _view(view: NetworkView | None, plane: Plane | None) -> dict[str, Any]:
    if view is None:
        return {}
    written: dict[str, Any] = {
        "sumSquares": view.weight_sum_squares,
        "counts": view.weight_counts,
        "active": view.active_fraction,
        "activeByLayer": view.active_by_layer[:_MOST_LAYERS],
        "r2": view.linearity_r2,
    }
    if plane is not None and view.surface:
        # A hundredth of a probability is below what a shade of colour shows.
        digits = 2 if plane.classes else None
        written["surface"] = [[_shade(value, digits) for value in row] for row in view.surface]
        if view.likeliest:
            written["likeliest"] = view.likeliest
    return written


def _shade(value: float, decimals: int | None) -> float:
    if not math.isfinite(value):
        return value
    return float(f"{value:.3g}") if decimals is None else round(value, decimals)


def _plane(plane: Plane) -> dict[str, Any]:
    return {
        "xName": shown(plane.x_name, 40),
        "yName": shown(plane.y_name, 40),
        "xLow": plane.x_low,
        "xHigh": plane.x_high,
        "yLow": plane.y_low,
        "yHigh": plane.y_high,
        "x": plane.x,
        "y": plane.y,
        "target": plane.target,
        "classes": [shown(name, 30) for name in plane.classes],
    }
