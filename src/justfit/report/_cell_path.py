"""Figure: training and validation loss of a sweep along each setting, through the chosen cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby, pairwise

from justfit.records import CellRecord, ModuleSweepRecord
from justfit.report._axes import (
    Box,
    L2Scale,
    Tick,
    axes,
    axis_title,
    line_key,
    loss_scale,
    power_of_ten,
    value_ticks,
    zero_break,
)
from justfit.report._cell_axes import CellAxis, cell_axes, cells_along, train_loss_of
from justfit.report._module_sweep_words import setting_words
from justfit.report._names import shown
from justfit.report._numbers import number, setting, with_se
from justfit.report._svg import Scale, band, clipped, drawing, label, nice_ticks, polyline, tag, thinned, tooltip

_BOX = Box(left=50.0, top=86.0, right=448.0, bottom=296.0)
_MARGIN = 16.0
_MOST_DOTS = 120
_AXIS_TITLES = {
    "l2": "λ of λ/(2n)·Σw²  (no unit; logarithmic right of 0)",
    "dropout": "dropout (probability of dropping a unit)",
    "learning_rate": "peak learning rate (logarithmic)",
    "init": "initialization scheme",
}


def draw_cell_path(record: ModuleSweepRecord, _title: str) -> tuple[str, ...]:
    """Draw one panel a setting; nothing along one at which only one cell stands."""
    panels = []
    for axis in cell_axes(record):
        found = cells_along(record, axis)
        places = sorted(place for (place,) in found)
        if len(places) > 1:
            panels.append(_Panel(record, axis, [(place, found[place,]) for place in places]).draw())
    return tuple(panels)


def cell_path_title(record: ModuleSweepRecord) -> str:
    """Say where along the settings the validation loss is smallest; one sentence without its full stop."""
    words = []
    for axis in cell_axes(record):
        along = {place: cell for (place,), cell in cells_along(record, axis).items() if math.isfinite(cell.loss)}
        if len(along) > 1:
            best = min(along, key=lambda place: along[place].loss)
            ends = {min(along): "at the smallest value tried", max(along): "at the largest value tried"}
            if axis.field == "init":  # no line runs through schemes
                words.append(f"at initialization {axis.labels[best]}")
                continue
            words.append(f"along {axis.name} at {axis.labels[best]} ({ends.get(best, 'between the ends')})")
    return f"The validation loss is smallest {', '.join(words)}" if words else "Only one setting was trained"


class _Panel:
    """One setting laid out: positions of its values, and the axis of losses."""

    def __init__(self, record: ModuleSweepRecord, axis: CellAxis, along: Sequence[tuple[int, CellRecord]]) -> None:
        self.record, self.axis, self.along = record, axis, along
        self.places = dict(zip([p for p, _ in along], self._positions(), strict=True))
        self.validation = [cell.loss for _, cell in along]
        self.train = [train_loss_of(cell) for _, cell in along]
        spread = [cell.loss + sign * cell.loss_se for _, cell in along for sign in (-1.0, 1.0)]
        shown_values = [*self.train, *self.validation, *(value for value in spread if value > 0)]
        self.up = loss_scale(shown_values, self.validation, start=_BOX.bottom, end=_BOX.top + 8)

    def draw(self) -> str:
        """Draw strips of the ridge, lines, and the choice."""
        unit = shown(self.record.unit, 20)
        titles = (_AXIS_TITLES[self.axis.field], axis_title("mean loss", unit, power_of_ten(self.up)))
        content = (
            label(self.axis.name, 0.0, 14.0, class_="panel")
            + self._strips()
            + axes(_BOX, self._ticks(), value_ticks(self.up), titles, title_gap=36.0)
            + self._break()
            + clipped(self._lines(), _BOX.left, _BOX.top, _BOX.width, _BOX.height + 1)
            + self._dots()
            + self._choice()
            + line_key(_BOX.left + 150.0, 14.0)
        )
        ends = [f"{self.axis.labels[place]}: {number(cell.loss)}" for place, cell in (self.along[0], self.along[-1])]
        chosen = f"Chosen: {number(self.record.chosen_cell.loss)}. Ends: {'; '.join(ends)}."
        name = f"Training and validation loss against {self.axis.name}"
        return drawing(460.0, 344.0, content, title=name, description=chosen)

    def _positions(self) -> list[float]:
        start, end = _BOX.left + _MARGIN, _BOX.right - _MARGIN
        numbers = self.axis.numbers
        if numbers and self.axis.field in ("l2", "learning_rate"):
            scale = L2Scale(values=numbers, start=start, end=end)
            return [scale(numbers[place]) for place, _ in self.along]
        if numbers:
            linear = Scale(low=numbers[0], high=numbers[-1], start=start, end=end)
            return [linear(numbers[place]) for place, _ in self.along]
        step = (end - start) / max(len(self.axis.values) - 1, 1)
        return [start + place * step for place, _ in self.along]

    def _ticks(self) -> list[Tick]:
        start, end, numbers = _BOX.left + _MARGIN, _BOX.right - _MARGIN, self.axis.numbers
        if numbers and self.axis.field in ("l2", "learning_rate"):
            return L2Scale(values=numbers, start=start, end=end).ticks()
        if numbers:
            linear = Scale(low=numbers[0], high=numbers[-1], start=start, end=end)
            few = numbers if len(numbers) <= 8 else nice_ticks(numbers[0], numbers[-1], 6)
            return [(linear(value), setting(value)) for value in few]
        kept = thinned(len(self.along), 8)
        width = int(_BOX.width / max(len(kept), 1) / 7.0)
        return [
            (self.places[place], shown(self.axis.labels[place], max(width, 5)))
            for place, _ in (self.along[k] for k in kept)
        ]

    def _break(self) -> str:
        if not self.axis.numbers or self.axis.field != "l2":
            return ""
        scale = L2Scale(values=self.axis.numbers, start=_BOX.left + _MARGIN, end=_BOX.right - _MARGIN)
        return zero_break(scale, _BOX.bottom)

    def _lines(self) -> str:
        kept = thinned(len(self.along))
        xs = [self.places[self.along[k][0]] for k in kept]
        errors = [self.along[k][1].loss_se for k in kept]
        losses = [self.validation[k] for k in kept]
        lower = [self.up(loss - error) for loss, error in zip(losses, errors, strict=True)]
        upper = [self.up(loss + error) for loss, error in zip(losses, errors, strict=True)]
        if self.axis.field == "init":  # there is nothing between two schemes
            return ""
        return (
            band(xs, lower, upper, "validation")
            + polyline(zip(xs, [self.up(self.train[k]) for k in kept], strict=True), "train")
            + polyline(zip(xs, map(self.up, losses), strict=True), "validation")
        )

    def _dots(self) -> str:
        if len(self.along) > _MOST_DOTS:
            return ""
        parts = []
        for (place, cell), train in zip(self.along, self.train, strict=True):
            x = self.places[place]
            if math.isnan(cell.loss):
                parts.append(label("✕", x, _BOX.bottom - 8.0, class_="mark", text_anchor="middle"))
                continue
            loss = with_se(cell.loss, cell.loss_se, shown(self.record.unit, 20))
            words = f"{setting_words(self.record, cell)}: validation loss {loss}"
            parts.append(tag("circle", tooltip(words), cx=x, cy=self.up(cell.loss), r=3.5, class_="validation dot"))
            if self.axis.field == "init":
                low, high = (
                    min(max(self.up(cell.loss + sign * cell.loss_se), _BOX.top), _BOX.bottom) for sign in (-1.0, 1.0)
                )
                parts.append(tag("path", d=f"M{x:.1f} {low:.1f}V{high:.1f}", class_="validation line"))
                if math.isfinite(self.up(train)):
                    parts.append(tag("circle", cx=x, cy=self.up(train), r=3.5, class_="train dot"))
        return "".join(parts)

    def _strips(self) -> str:
        """The cells that cannot be told from the best, neighbours together, each halfway to its neighbours."""
        xs = [self.places[place] for place, _ in self.along]
        edges = [_BOX.left, *((a + b) / 2 for a, b in pairwise(xs)), _BOX.right]
        parts, k = [], 0
        for ridge, run in groupby(cell.ridge for _, cell in self.along):
            first, k = k, k + len(list(run))
            if ridge:
                left, right = edges[first], edges[k]
                strip = tag("rect", x=left, y=_BOX.top, width=right - left, height=_BOX.height, class_="ridge")
                parts.append(strip)
        return "".join(parts)

    def _choice(self) -> str:
        chosen = self.record.chosen_cell
        place = next(place for place, cell in self.along if cell is chosen)
        x, y = self.places[place], self.up(chosen.loss)
        side = "start" if x < _BOX.left + 90 else "end" if x > _BOX.right - 90 else "middle"
        words = f"◆ chosen: {self.axis.labels[place]}"
        diamond = tag("path", d=f"M{x:.1f} {y - 7:.1f}l7 7l-7 7l-7 -7z", class_="diamond") if math.isfinite(y) else ""
        line = tag("path", d=f"M{x:.1f} {_BOX.top - 4:.1f}V{_BOX.bottom:.1f}", class_="choice-line")
        return label(words, x, _BOX.top - 10.0, class_="mark", text_anchor=side) + line + diamond
