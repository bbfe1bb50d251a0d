"""Figure: validation loss above the best over two settings of a sweep, through the chosen cell."""

from __future__ import annotations

import math
from statistics import median

from justfit.records import CellRecord, ModuleSweepRecord
from justfit.report._axes import Box, axes, axis_title
from justfit.report._cell_axes import CellAxis, cell_axes, cells_along
from justfit.report._cividis import cividis, ink_on
from justfit.report._module_sweep_words import setting_words, varying
from justfit.report._names import shown
from justfit.report._numbers import count, number, with_se
from justfit.report._raster import NOT_FINITE, raster, shade_key
from justfit.report._svg import Scale, drawing, label, tag, tooltip

_LEFT, _TOP, _RIGHT, _WIDTH = 84.0, 88.0, 452.0, 460.0
_LETTER = 6.2  # width of a digit in a cell, view-box units at font size 11
_MOST_WRITTEN = 400  # cells with a tooltip and a number each


def draw_cell_map(record: ModuleSweepRecord, title: str) -> tuple[str, ...]:
    """Draw the plane of the first two settings; nothing of a sweep along one."""
    found = map_axes(record)
    return () if found is None else (_Map(record, *found).draw(title),)


def map_axes(record: ModuleSweepRecord) -> tuple[CellAxis, CellAxis] | None:
    """The two settings of the map, to the right and upwards; None of a sweep along one."""
    found = cell_axes(record)
    return (found[0], found[1]) if len(found) > 1 else None


def cell_map_title(record: ModuleSweepRecord) -> str:
    """Say how much of the map is as good as its best; one sentence without its full stop."""
    found = map_axes(record)
    cells = [] if found is None else list(cells_along(record, *found).values())
    ridge = sum(cell.ridge for cell in cells)
    if ridge == 1 and any(cell.ridge and cell is record.cells[record.best] for cell in cells):
        return f"Of {count(len(cells), 'cell')} on the map, the best stands alone"
    return f"{ridge:,} of {count(len(cells), 'cell')} on the map cannot be told from the best"


class _Map:
    """The plane laid out: sizes, and the shade of each cell."""

    def __init__(self, record: ModuleSweepRecord, across: CellAxis, upwards: CellAxis) -> None:
        self.record, self.across, self.upwards = record, across, upwards
        self.cells = {(place[0], place[1]): cell for place, cell in cells_along(record, across, upwards).items()}
        self.names = varying(record)
        num_columns, num_rows = len(across.values), len(upwards.values)
        self.width = (_RIGHT - _LEFT) / num_columns
        self.height = min(max(300.0 / num_rows, 2.0), 46.0)
        self.box = Box(left=_LEFT, top=_TOP, right=_RIGHT, bottom=_TOP + self.height * num_rows)
        known = [cell for cell in self.cells.values() if math.isfinite(cell.difference)]
        self.worst = max((max(cell.difference, 0.0) for cell in known), default=0.0)
        # Differences below a standard error are all alike, so the colours start to part there.
        errors = [cell.difference_se for cell in known if cell.difference_se > 0]
        self.grain = median(errors) if errors else self.worst or 1.0

    def draw(self, title: str) -> str:
        """Draw shades, marks and the key to the colours."""
        xs = [_LEFT + i * self.width for i in range(len(self.across.values) + 1)]
        ys = [self.box.bottom - j * self.height for j in range(len(self.upwards.values), -1, -1)]
        rows = [
            [self._shade(self.cells.get((i, j))) for i in range(len(self.across.values))]
            for j in range(len(self.upwards.values) - 1, -1, -1)
        ]
        content = (
            self._key()
            + raster(rows, xs, ys)
            + "".join(self._mark(i, j, cell) for (i, j), cell in self.cells.items())
            + axes(self.box, self._x_ticks(), (), (self.across.name, ""))
            + self._y_labels()
        )
        best = setting_words(self.record, self.record.cells[self.record.best], self.names)
        said = f"Best: {best}. Chosen: {setting_words(self.record, self.record.chosen_cell, self.names)}."
        return drawing(_WIDTH, self.box.bottom + 46.0, content, title=title, description=said)

    def _share(self, difference: float) -> float:
        worst = math.log1p(self.worst / self.grain) or 1.0
        return 1.0 - min(max(math.log1p(max(difference, 0.0) / self.grain) / worst, 0.0), 1.0)

    def _shade(self, cell: CellRecord | None) -> float:
        if cell is None:
            return math.nan
        return self._share(cell.difference) if math.isfinite(cell.difference) else NOT_FINITE

    def _mark(self, i: int, j: int, cell: CellRecord) -> str:
        """Outline, star and diamond, number and tooltip, as far as there is room for them."""
        x, y = _LEFT + i * self.width, self.box.bottom - (j + 1) * self.height
        is_best, is_chosen = cell is self.record.cells[self.record.best], cell is self.record.chosen_cell
        written = len(self.cells) <= _MOST_WRITTEN
        if not written and not is_best and not is_chosen:
            return ""
        parts = []
        if written:
            above = with_se(cell.difference, cell.difference_se, shown(self.record.unit, 20))
            words = f"{setting_words(self.record, cell, self.names)}: {above} above the best"
            parts.append(
                tag("rect", tooltip(words), x=x, y=y, width=self.width, height=self.height, class_=self._frame(cell))
            )
        ink = ink_on(cividis(self._share(cell.difference))) if math.isfinite(cell.difference) else "#fff"
        marks = "★" * is_best + "◆" * is_chosen
        value = number(cell.difference, 2) if written and math.isfinite(cell.difference) and not is_best else ""
        if len(value) * _LETTER > self.width - 4.0 or self.height < 14.0:
            value = ""
        lines = [line for line in (marks, value) if line] if self.height > 32.0 else [marks or value]
        for k, line in enumerate(lines):
            middle = y + self.height / 2 + 4.0 + (k - (len(lines) - 1) / 2) * 14.0
            parts.append(label(line, x + self.width / 2, middle, class_="cell", text_anchor="middle", fill=ink))
        return tag("g", "".join(parts))

    def _frame(self, cell: CellRecord) -> str:
        return "ridge-frame" if cell.ridge and min(self.width, self.height) > 8.0 else "touch"

    def _x_ticks(self) -> list[tuple[float, str]]:
        labels = self.across.labels
        step = math.ceil(max(len(text) for text in labels) * 6.8 / self.width)
        return [(_LEFT + (i + 0.5) * self.width, labels[i]) for i in range(0, len(labels), max(step, 1))]

    def _y_labels(self) -> str:
        every = max(1, math.ceil(14.0 / self.height))
        parts = [label(self.upwards.name, 0.0, _TOP - 8.0, class_="axis-title")]
        for j, text in list(enumerate(self.upwards.labels))[::every]:
            y = self.box.bottom - (j + 0.5) * self.height + 4.0
            parts.append(label(shown(text, 11), _LEFT - 7.0, y, class_="tick", text_anchor="end"))
        return "".join(parts)

    def _key(self) -> str:
        strip = Box(left=_LEFT, top=22.0, right=_LEFT + 200.0, bottom=32.0)
        spread = math.log1p(self.worst / self.grain)
        middle = self.grain * math.expm1(0.5 * spread)
        place = Scale(low=0.0, high=1.0, start=strip.left, end=strip.right)
        ticks = [(0.0, number(self.worst, 2)), (0.5, number(middle, 2)), (1.0, "0 (best)")]
        title = axis_title("validation loss above the best", self.record.unit)
        return label(title, 0.0, 12.0, class_="axis-title") + shade_key(strip, place, ticks)
