"""The opened networks in words: which of them are shown, what they tell, and the numbers of all."""

from __future__ import annotations

import math
from itertools import pairwise

from justfit.records import Explored, NetworkView, Plane, SweepRecord, Wiring
from justfit.report._choice import cell_name
from justfit.report._document import Figure, Section, Table
from justfit.report._names import shown
from justfit.report._numbers import number, setting

_MOST_ROWS = 400


def telling_cells(record: SweepRecord) -> list[tuple[str, tuple[int, int]]]:
    """Choose what the lecture's first figure shows, under, right and over: the largest λ, the choice, none.

    Where the choice is none, the cell of the smallest loss stands between them.

    Returns:
        (name, indices) pairs, no cell twice.
    """
    if record.chosen != (0, 0):
        cells = [("Chosen", record.chosen), ("No regularization", (0, 0))]
    else:
        cells = [("Smallest loss", record.best), ("No regularization, chosen", (0, 0))]
    if record.l2[-1] > max(record.l2[i] for _, (i, _) in cells):
        cells.insert(0, ("Largest λ", (len(record.l2) - 1, record.chosen[1])))
    return [(name, cell) for k, (name, cell) in enumerate(cells) if cell not in [other for _, other in cells[k + 1 :]]]


def view_of(record: SweepRecord, cell: tuple[int, int]) -> NetworkView | None:
    """Find the opened network of a cell; None where it was not opened or had diverged."""
    l2, dropout = record.l2[cell[0]], record.dropout[cell[1]]
    views = record.explored.views if record.explored is not None else ()
    return next((view for view in views if (view.l2, view.dropout) == (l2, dropout)), None)


def networks_sections(record: SweepRecord) -> tuple[Section, ...]:
    """Show the networks themselves; nothing where they were not opened."""
    explored = record.explored
    if explored is None or not explored.views:
        return ()
    figures = [_networks_figure(record, explored)]
    if len(explored.thinned) > 1:
        figures.append(_thinned_figure(explored))
    return (
        Section(
            key="networks",
            heading="Inside the networks",
            sentences=(
                "One network of every cell, trained without the first fold’s rows, was opened at the end of its "
                "training. Nothing is interpolated: each of them was really trained.",
            ),
            figures=tuple(figures),
            tables=(_view_table(explored),),
        ),
    )


def _networks_figure(record: SweepRecord, explored: Explored) -> Figure:
    what = "The weights of each network, all but its biases, with"
    if explored.plane is not None:
        colours = _colours(explored.plane)
        what = f"What each network answers over the plane of the two features: {colours} Below, its weights, with"
    return Figure(
        key="networks",
        title=_networks_title(record),
        caption=f"{what} its sum of squared weights Σw², the share of hidden activations that are not zero, and R² of "
        "the best linear map from its inputs to its outputs: 1 means that the network is linear.",
    )


def _colours(plane: Plane) -> str:
    if not plane.classes:
        return "the colour is the prediction, that of a point the example’s own target."
    if len(plane.classes) == 2:
        return "the more sure of a class, the stronger its colour; on the line both are as likely; points are examples."
    return "the colour is that of the likeliest class, paler where it is less sure; points are examples."


def _networks_title(record: SweepRecord) -> str:
    opened = [(cell, view_of(record, cell)) for _, cell in telling_cells(record)]
    told = [(cell, view.linearity_r2) for cell, view in opened if view is not None]
    if not told:
        return "None of the networks shown ended finite"
    several = len({j for (_, j), _ in told}) > 1
    said = (", ", "; ")[several].join(
        f"{number(r2, 2)} at λ = {setting(record.l2[i])}" + (f", dropout {setting(record.dropout[j])}" * several)
        for (i, j), r2 in told
    )
    # Of two networks of one λ it is the dropout that differs.
    falls = len(told) > 1 and all(a[0][0] > b[0][0] and a[1] > b[1] for a, b in pairwise(told))
    more = "The more regularization" if several else "The larger λ"
    return f"{more}, the more linear the network: R² {said}" if falls else f"Linearity R² is {said}"


def _thinned_figure(explored: Explored) -> Figure:
    thinned = explored.thinned[1]
    hidden = thinned.kept[1:-1]
    kept, drawn = sum(map(sum, hidden)), sum(map(len, hidden))
    notes = f" {shown(thinned.notes, 300)}" if thinned.notes else ""
    return Figure(
        key="thinned",
        title=f"Dropout = {setting(explored.thinned_dropout)} left this example {kept} of the {drawn} hidden units "
        "that are drawn",
        caption="The network beside the one that a mask of its own training left, for one example of one step. A "
        f"dropped unit is crossed out and loses all its connections; the next example drew another mask.{notes}",
    )


def _view_table(explored: Explored) -> Table:
    views = explored.views
    most = f"The first {_MOST_ROWS} of {len(views):,} opened networks" if len(views) > _MOST_ROWS else "Every network"
    return Table(
        caption=f"{most} in numbers.",
        columns=("Network", "Σw²", "Active fraction", "By hidden layer", "Linearity R²"),
        rows=tuple(
            (
                cell_name(view.l2, view.dropout),
                number(view.weight_sum_squares),
                number(view.active_fraction, 2),
                _listed(view.active_by_layer),
                number(view.linearity_r2),
            )
            for view in views[:_MOST_ROWS]
        ),
        folded=True,
    )


def _listed(values: tuple[float, ...], most: int = 6) -> str:
    more = " …" if len(values) > most else ""
    return ", ".join(number(value, 2) for value in values[:most]) + more or "—"


def facts_line(view: NetworkView) -> str:
    """Say of a network what the picture of its weights cannot show."""
    active = number(view.active_fraction, 2) if math.isfinite(view.active_fraction) else "—"
    return f"Σw² {number(view.weight_sum_squares)} · active {active} · linearity R² {number(view.linearity_r2)}"


def wirings(explored: Explored | None) -> tuple[Wiring, ...]:
    """The standard network and the thinned one, or nothing."""
    return explored.thinned[:2] if explored is not None and len(explored.thinned) > 1 else ()
