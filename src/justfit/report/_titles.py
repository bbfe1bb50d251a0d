"""What the figures of the sweep show, in words: each title is a finding, written from the numbers that are drawn."""

from __future__ import annotations

import math

from justfit.records import Curve, FitResult, PathPoint, SweepRecord
from justfit.report._axes import leaving_words
from justfit.report._choice import DIVERGED, cell_name
from justfit.report._document import Figure, Section, Table
from justfit.report._network_words import telling_cells
from justfit.report._numbers import count, number, setting, with_se, with_unit
from justfit.report._verdict import loss_unit

_MOST_RUNS = 4  # of neighbouring λ that are named
_MOST_ROWS = 400  # of the table behind the figures; beyond, the page would grow past half a megabyte


def find_curve(record: SweepRecord, l2: float, dropout: float) -> Curve | None:
    """Find the learning curve of a cell, if it was kept."""
    return next((c for c in record.curves if math.isclose(c.l2, l2) and math.isclose(c.dropout, dropout)), None)


def curves_figure(result: FitResult) -> Figure:
    """Say where the learning curves end without regularization and with the choice."""
    record, unit = result.sweep, loss_unit(result.sweep.unit)
    ends = [
        _ending(name, find_curve(record, *cell), unit)
        for name, cell in (
            ("without regularization", (record.l2[0], record.dropout[0])),
            ("with the choice", (record.chosen_l2, record.chosen_dropout)),
        )
    ]
    said = ends if record.chosen != (0, 0) else ends[:1]
    title = "; ".join(end for end in said if end) or "No learning curve was kept"
    return Figure(
        key="curves",
        title=title[0].upper() + title[1:],
        caption="Mean loss per example against the epoch, in eval mode on both kinds of rows; the band is ± one "
        f"standard error, ○ the lowest validation loss. The verdict is on the last epoch, {record.num_epochs:,}, of "
        f"the network without regularization (◆); all cells are compared there.{_leaving(record)}",
    )


def _leaving(record: SweepRecord) -> str:
    curves = [find_curve(record, record.l2[i], record.dropout[j]) for _, (i, j) in telling_cells(record)]
    return leaving_words(
        [value for curve in curves if curve is not None for value in curve.train_loss],
        [value for curve in curves if curve is not None for value in curve.validation_loss],
    )


def path_figure(record: SweepRecord) -> Figure:
    """Say where along λ the validation loss is lowest, and what training loss does to the left of it."""
    j = record.chosen[1]
    validation = [row[j] for row in record.validation_loss]
    finite = [i for i, value in enumerate(validation) if math.isfinite(value)]
    return Figure(
        key="path",
        title=_path_title(record, finite) if finite else "Every network along this path diverged",
        caption=f"Loss against λ at dropout = {setting(record.chosen_dropout)}; the band is ± one standard error, the "
        f"shaded strip the λ that cannot be told from the best{_near_best(record)}, ◆ the choice"
        + (", ✕ a λ that diverged." if len(finite) < len(validation) else ".")
        + leaving_words([row[j] for row in record.train_loss], validation),
    )


def _near_best(record: SweepRecord) -> str:
    near = [i for i, row in enumerate(record.ridge) if row[record.chosen[1]]]
    if not near:
        return " (none)"
    runs: list[tuple[int, int]] = []
    for i in near:
        runs = [*runs[:-1], (runs[-1][0], i)] if runs and runs[-1][1] == i - 1 else [*runs, (i, i)]
    words = [setting(record.l2[a]) + (f" to {setting(record.l2[b])}" if b > a else "") for a, b in runs[:_MOST_RUNS]]
    return f" ({', '.join(words)}{' alone' if len(near) == 1 else ', …' if len(runs) > _MOST_RUNS else ''})"


def _path_title(record: SweepRecord, finite: list[int]) -> str:
    j = record.chosen[1]
    lowest = min(finite, key=lambda i: record.validation_loss[i][j])
    where = f"λ = {setting(record.l2[lowest])}"
    if len(finite) == 1:
        return f"Only {where} was tried to its end at this dropout"
    if lowest == finite[0]:
        return f"Validation loss is lowest at {where}: more L2 only adds to it"
    if lowest == finite[-1]:
        largest = "the largest λ" if lowest == len(record.l2) - 1 else "the largest λ that did not diverge"
        return f"Validation loss still falls at {largest}, {setting(record.l2[lowest])}"
    falls = record.train_loss[finite[0]][j] < record.train_loss[lowest][j]
    return f"Validation loss is lowest at {where}; training loss " + (
        "keeps falling to the left" if falls else "does not fall to the left"
    )


def map_figure(record: SweepRecord) -> Figure:
    """Say how many cells cannot be told from the best."""
    near = sum(sum(row) for row in record.ridge)
    total = len(record.l2) * len(record.dropout)
    chosen = record.ridge[record.chosen[0]][record.chosen[1]]
    if total == 1:
        return Figure(key="map", title="Only one cell was tried", caption="Nothing to compare it with.")
    title = f"{near} of {count(total, 'cell')} cannot be told from the best" if near else "No cell stands out"
    if not any(math.isfinite(value) for row in record.validation_loss for value in row):
        title = f"All {count(total, 'cell')} diverged"
    if near:
        title += "; the choice is one of them" if chosen else "; the choice is not among them"
    lost = f" {count(record.num_diverged, 'network')} diverged; their cells are hatched." if record.num_diverged else ""
    return Figure(
        key="map",
        title=title,
        caption=f"Validation loss above that of the best cell, in {loss_unit(record.unit)}. Outlined: cannot be told "
        f"from the best (difference ≤ one paired standard error). ★ best, ◆ chosen.{lost}",
    )


def effect_figure(record: SweepRecord) -> Figure:
    """Say what λ does to the network itself."""
    points = [p for p in record.path if math.isfinite(p.weight_sum_squares)]
    return Figure(
        key="effect",
        title=_effect_title(points[0], points[-1])
        if len(points) > 1
        else "The effect of λ was measured at fewer than two λ",
        caption="Sum of squared weights, share of hidden activations that are not zero, and R² of the best linear map "
        f"from inputs to outputs, against λ at dropout = {setting(record.chosen_dropout)}.",
    )


def sweep_section(result: FitResult) -> Section:
    """Show the regularization path, the whole grid, and what λ does to the network."""
    record = result.sweep
    return Section(
        key="sweep",
        heading="What regularization does",
        figures=(curves_figure(result), path_figure(record), map_figure(record), effect_figure(record)),
        tables=(_cell_table(record), *([_effect_table(record)] if record.path else [])),
    )


def _effect_title(first: PathPoint, last: PathPoint) -> str:
    def moves(name: str, before: float, after: float) -> str:
        start, end = number(before, 2), number(after, 2)
        if not math.isfinite(after - before):
            return f"{name} is not known at both"
        return (
            f"{name} stays at {start}"
            if start == end
            else f"{name} {'falls' if after < before else 'rises'} from {start} to {end}"
        )

    return f"From λ = {setting(first.l2)} to {setting(last.l2)}: " + ", ".join(
        (
            moves("Σw²", first.weight_sum_squares, last.weight_sum_squares),
            moves("the active fraction", first.active_fraction, last.active_fraction),
            moves("linearity R²", first.linearity_r2, last.linearity_r2),
        )
    )


def _ending(name: str, curve: Curve | None, unit: str) -> str:
    if curve is None or not curve.epochs:
        return ""
    gap = curve.validation_loss[-1] - curve.train_loss[-1]
    if not math.isfinite(gap):
        return f"{name} training diverged"
    side = "below" if gap < 0 else "above"
    return f"{name} validation loss ends {with_unit(number(abs(gap), 2), unit)} {side} training loss"


def _cell_table(record: SweepRecord) -> Table:
    rows: list[tuple[str, ...]] = []
    total = len(record.l2) * len(record.dropout)
    for i, l2 in enumerate(record.l2[: _MOST_ROWS // len(record.dropout) + 1]):
        for j, dropout in enumerate(record.dropout):
            value = record.validation_loss[i][j]
            mark = [
                word for word, here in (("best", (i, j) == record.best), ("chosen", (i, j) == record.chosen)) if here
            ]
            if record.ridge[i][j]:
                mark.append("near best")
            rows.append(
                (
                    cell_name(l2, dropout),
                    number(record.train_loss[i][j]) if math.isfinite(value) else DIVERGED,
                    with_se(value, record.validation_loss_se[i][j]) if math.isfinite(value) else DIVERGED,
                    with_se(record.difference[i][j], record.difference_se[i][j]) if math.isfinite(value) else DIVERGED,
                    number(record.bootstrap_share[i][j], 2),
                    ", ".join(mark),
                )
            )
    left = "Every cell" if total <= _MOST_ROWS else f"The first {_MOST_ROWS} of {total:,} cells (all: JSON)"
    return Table(
        caption=f"{left} of the sweep: mean losses per example in {loss_unit(record.unit)}, ± one standard error.",
        columns=("Cell", "Training loss", "Validation loss", "Above the best", "Share of bootstraps won", "Marks"),
        rows=tuple(rows[:_MOST_ROWS]),
        folded=True,
    )


def _effect_table(record: SweepRecord) -> Table:
    more = f" The first {_MOST_ROWS} of {len(record.path):,} λ." if len(record.path) > _MOST_ROWS else ""
    return Table(
        caption=f"What λ does to the network at dropout = {setting(record.chosen_dropout)}.{more}",
        columns=("λ", "Σw²", "Active fraction", "Linearity R²"),
        rows=tuple(
            (setting(p.l2), number(p.weight_sum_squares), number(p.active_fraction), number(p.linearity_r2))
            for p in record.path[:_MOST_ROWS]
        ),
        folded=True,
    )
