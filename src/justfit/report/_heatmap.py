"""Figure: validation loss over λ × dropout, near-best cells outlined, the choice marked; colour is never alone."""

from __future__ import annotations

import math
from statistics import median

from justfit.records import FitResult, SweepRecord
from justfit.report._axes import axis_title
from justfit.report._choice import DIVERGED, cell_name
from justfit.report._cividis import Colour, cividis, hex_of, ink_on
from justfit.report._dense_map import draw_dense
from justfit.report._numbers import number, setting, with_se
from justfit.report._svg import clipped, drawing, label, tag, tooltip
from justfit.report._verdict import loss_unit

_LEFT, _TOP, _RIGHT = 40.0, 88.0, 452.0
_TALLEST = 340.0  # of all rows
_MOST_CELLS, _SMALLEST = 600, 14.0  # beyond, or smaller, a cell has no frame, number and tooltip of its own
_LETTER = 6.2  # width of a digit in a cell, view-box units at font size 11


def draw_map(result: FitResult) -> tuple[str, ...]:
    """Draw the grid, λ to the right and dropout upwards."""
    return (_Map(result.sweep).draw(),)


class _Map:
    """The grid laid out: sizes, colours and the power of ten that all numbers share."""

    def __init__(self, record: SweepRecord) -> None:
        self.record = record
        self.unit = loss_unit(record.unit)
        self.width = (_RIGHT - _LEFT) / len(record.l2)
        self.height = min(max(230.0 / len(record.dropout), min(26.0, _TALLEST / len(record.dropout))), 58.0)
        self.bottom = _TOP + self.height * len(record.dropout)
        pairs = [
            (value, error)
            for row, errors in zip(record.difference, record.difference_se, strict=True)
            for value, error in zip(row, errors, strict=True)
            if math.isfinite(value)
        ]
        self.worst = max((value for value, _ in pairs), default=0.0)
        # Differences below a standard error are all alike, so the colours start to part there.
        errors = [error for _, error in pairs if error > 0]
        self.grain = median(errors) if errors else self.worst or 1.0
        exponent = math.floor(math.log10(self.worst)) if self.worst > 0 else 0
        self.power = 0 if -1 <= exponent <= 2 else 3 * math.floor(exponent / 3)

    def draw(self) -> str:
        """Draw cells, labels and the key to the colours."""
        record = self.record
        cells = self._dense() if self._is_dense else self._cells()
        best = cell_name(record.l2[record.best[0]], record.dropout[record.best[1]])
        chosen = cell_name(record.chosen_l2, record.chosen_dropout)
        return drawing(
            460.0,
            self.bottom + 46.0,
            self._key() + cells + self._labels(),
            title="Validation loss above that of the best cell, dropout against λ",
            description=f"Best: {best}. Chosen: {chosen}. All numbers stand in the table of every cell.",
        )

    def share(self, difference: float) -> float:
        """Place of a difference on the colour map: the best is bright (1), the worst dark (0)."""
        worst = math.log1p(self.worst / self.grain) or 1.0
        return 1.0 - min(max(math.log1p(max(difference, 0.0) / self.grain) / worst, 0.0), 1.0)

    def colour(self, difference: float) -> Colour:
        """Colour of a difference."""
        return cividis(self.share(difference))

    @property
    def _is_dense(self) -> bool:
        cells = len(self.record.l2) * len(self.record.dropout)
        return cells > _MOST_CELLS or min(self.width, self.height) < _SMALLEST

    def _cells(self) -> str:
        return "".join(self._cell(i, j) for i in range(len(self.record.l2)) for j in range(len(self.record.dropout)))

    def _dense(self) -> str:
        xs = [_LEFT + i * self.width for i in range(len(self.record.l2) + 1)]
        ys = [_TOP + j * self.height for j in range(len(self.record.dropout) + 1)]
        return draw_dense(self.record, xs, ys, self.share)

    def _cell(self, i: int, j: int) -> str:
        record, difference = self.record, self.record.difference[i][j]
        x, y = _LEFT + i * self.width, self.bottom - (j + 1) * self.height
        name = cell_name(record.l2[i], record.dropout[j])
        if not math.isfinite(difference):
            return tag("g", tooltip(f"{name}: {DIVERGED}") + self._hatching(x, y))
        above = with_se(difference, record.difference_se[i][j], self.unit)
        colour = self.colour(difference)
        ink = ink_on(colour)
        parts = [
            tooltip(f"{name}: {above} above the best"),
            tag("rect", x=x + 1, y=y + 1, width=self.width - 2, height=self.height - 2, fill=hex_of(colour)),
        ]
        if record.ridge[i][j]:
            parts.append(
                tag("rect", x=x + 2.2, y=y + 2.2, width=self.width - 4.4, height=self.height - 4.4, class_="outline")
            )
        marks = "".join(m for m, cell in (("★", record.best), ("◆", record.chosen)) if cell == (i, j))
        value = f"{difference / 10.0**self.power:.{self._decimals}f}"
        if len(value) * _LETTER > self.width - 5.0:
            value = ""
        lines = [line for line in (marks, value) if line] if self.height > 36.0 else [marks or value]
        for k, line in enumerate(lines):
            baseline = y + self.height / 2 + 4.5 + (k - (len(lines) - 1) / 2) * 15.0
            parts.append(label(line, x + self.width / 2, baseline, class_="cell", text_anchor="middle", fill=ink))
        return tag("g", "".join(parts))

    @property
    def _decimals(self) -> int:
        worst = self.worst / 10.0**self.power
        return 3 if worst < 5 else 2 if worst < 50 else 1

    def _hatching(self, x: float, y: float) -> str:
        width, height = self.width - 2, self.height - 2
        strokes = "".join(
            f"M{x + 1 + k:.1f} {y + 1 + height:.1f}l{height:.1f} {-height:.1f}"
            for k in range(-int(height), int(width), 7)
        )
        frame = tag("rect", x=x + 1, y=y + 1, width=width, height=height, class_="hatch")
        return clipped(frame + tag("path", d=strokes, class_="hatch"), x + 1, y + 1, width, height)

    def _labels(self) -> str:
        record = self.record
        parts = [
            label(
                setting(record.l2[i], 2),
                _LEFT + (i + 0.5) * self.width,
                self.bottom + 17.0,
                class_="tick",
                text_anchor="middle",
            )
            for i in self._labelled()
        ]
        parts += [
            label(
                setting(p, 2),
                _LEFT - 7.0,
                self.bottom - (j + 0.5) * self.height + 4.0,
                class_="tick",
                text_anchor="end",
            )
            for j, p in list(enumerate(record.dropout))[:: math.ceil(15.0 / self.height)]
        ]
        middle = (_LEFT + _RIGHT) / 2
        parts.append(
            label("λ of λ/(2n)·Σw²  (no unit)", middle, self.bottom + 37.0, class_="axis-title", text_anchor="middle")
        )
        parts.append(label("dropout", 0.0, _TOP - 9.0, class_="axis-title"))
        return "".join(parts)

    def _labelled(self) -> list[int]:
        # Every λ where there is room, else the powers of ten if they are on the grid, else every so many.
        l2 = self.record.l2
        step = math.ceil((max(len(setting(value, 2)) for value in l2) * 6.6 + 3.0) / self.width)
        round_ones: list[int] = []
        for i, value in enumerate(l2):
            if (value == 0 or _is_power_of_ten(value)) and (not round_ones or i - round_ones[-1] >= step):
                round_ones.append(i)
        return round_ones if step > 1 and len(round_ones) > 2 else list(range(0, len(l2), step))

    def _key(self) -> str:
        steps, left, right = 32, _LEFT, _LEFT + 220.0
        width = (right - left) / steps
        spread = math.log1p(self.worst / self.grain)
        strip = "".join(
            tag(
                "rect",
                x=left + k * width,
                y=24.0,
                width=width + 0.4,
                height=12.0,
                fill=hex_of(self.colour(self.grain * math.expm1((k + 0.5) / steps * spread))),
            )
            for k in range(steps)
        )
        heading = axis_title("above the best", self.unit, self.power)
        middle = self.grain * math.expm1(0.5 * spread)
        ticks = ((left, "0 (best)"), ((left + right) / 2, self._scaled(middle)), (right, self._scaled(self.worst)))
        words = "".join(label(text, x, 51.0, class_="tick", text_anchor="middle") for x, text in ticks)
        return label(heading, 0.0, 14.0, class_="axis-title") + strip + words

    def _scaled(self, value: float) -> str:
        return number(value / 10.0**self.power, 2)


def _is_power_of_ten(value: float) -> bool:
    exponent = math.log10(value)
    return abs(exponent - round(exponent)) < 1e-6
