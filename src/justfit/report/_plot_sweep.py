"""Picture for papers: a sweep over any network, its learning curves and its losses along the axis that varies most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from justfit.records import CellRecord, ModuleSweepRecord
from justfit.report._module_sweep_words import headline, setting_words
from justfit.report._names import shown
from justfit.report._numbers import count
from justfit.report._plot import CHOICE, OTHER, TRAINING, VALIDATION, draw_band, key, name_axes, plain, say
from justfit.report._plot_scales import count_on, scale_l2, scale_losses

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AXES = (
    ("l2", "λ of λ/(2n)·Σw² (no unit)"),
    ("dropout", "dropout (probability of dropping a unit)"),
    ("learning_rate", "peak learning rate (no unit)"),
)


def plot_module_sweep(record: ModuleSweepRecord, axes: list[Axes]) -> None:
    """Draw the learning curves of corner and choice beside the losses of all cells along one axis."""
    _plot_curves(record, axes[0])
    _plot_cells(record, axes[1])


def _plot_curves(record: ModuleSweepRecord, axes: Axes) -> None:
    say(axes, headline(record))
    corner, chosen = record.cells[0], record.chosen_cell
    draw_band(axes, chosen.epochs, chosen.train_loss, chosen.train_loss_se, TRAINING, name="training, chosen")
    errors = chosen.validation_loss_se
    draw_band(axes, chosen.epochs, chosen.validation_loss, errors, VALIDATION, name="validation, chosen")
    validation = list(chosen.validation_loss)
    if corner is not chosen:
        words = plain(f"validation, {setting_words(record, corner)}", 60)
        draw_band(axes, corner.epochs, corner.validation_loss, corner.validation_loss_se, OTHER, name=words)
        validation += corner.validation_loss
    scale_losses(axes, [*chosen.train_loss, *validation], validation)
    axes.axvline(chosen.best_epoch, **CHOICE)
    count_on(axes)
    name_axes(axes, "epoch", f"mean loss ({plain(record.unit, 20)})")
    key(axes)


def _plot_cells(record: ModuleSweepRecord, axes: Axes) -> None:
    name, title = max(_AXES, key=lambda axis: len(_values(record, axis[0])))
    total = count(len(record.cells), "setting")
    say(axes, f"{len(record.ridge)} of the {total} trained cannot be told from the best")
    placed = [cell for cell in record.cells if _value(cell, name) is not None and math.isfinite(cell.loss)]
    others = [axis for axis, _ in _AXES if axis != name] + ["init"]
    chosen = record.chosen_cell
    line = [cell for cell in placed if all(_same(cell, chosen, other) for other in others)]
    if name == "l2":
        scale_l2(axes, sorted(_values(record, name)) or [0.0])
    elif name == "learning_rate":
        axes.set_xscale("log")
    _scatter(axes, [cell for cell in placed if not cell.ridge], name, "o", "all settings")
    _scatter(axes, [cell for cell in placed if cell.ridge], name, "s", "cannot be told from the best")
    line.sort(key=lambda cell: _value(cell, name) or 0.0)
    xs = [_value(cell, name) or 0.0 for cell in line]
    words = "otherwise as chosen, ± one standard error"
    draw_band(axes, xs, [cell.loss for cell in line], [cell.loss_se for cell in line], VALIDATION, name=words)
    place = _value(chosen, name)
    if place is not None and math.isfinite(chosen.loss):
        words = plain(f"chosen: {setting_words(record, chosen)}", 60)
        axes.plot([place], [chosen.loss], "D", color=VALIDATION["color"], markersize=6, label=words)
    reach = [cell.loss for cell in placed]
    reach += [cell.loss + sign * cell.loss_se for cell in line for sign in (-1.0, 1.0)]
    if placed:
        scale_losses(axes, reach, [cell.loss for cell in placed])
    name_axes(axes, title, f"validation loss at the best epoch ({shown(record.unit, 20)})".replace("$", r"\$"))
    key(axes)


def _scatter(axes: Axes, cells: list[CellRecord], name: str, marker: str, words: str) -> None:
    if cells:
        xs, ys = [_value(cell, name) or 0.0 for cell in cells], [cell.loss for cell in cells]
        colour = "#a9b2bb" if marker == "o" else "#b8860b"
        axes.plot(xs, ys, marker, color=colour, markersize=4, label=words, rasterized=len(cells) > 2_000)


def _values(record: ModuleSweepRecord, name: str) -> set[float]:
    return {value for cell in record.cells if (value := _value(cell, name)) is not None}


def _value(cell: CellRecord, name: str) -> float | None:
    value: float | None = getattr(cell.setting, name)
    return value


def _same(cell: CellRecord, other: CellRecord, name: str) -> bool:
    return bool(getattr(cell.setting, name) == getattr(other.setting, name))
