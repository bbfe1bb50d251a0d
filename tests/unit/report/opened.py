"""Opened networks for results of a fit: views of all cells, a plane where there are two features, a thinned network."""

from __future__ import annotations

import math
from dataclasses import replace

from justfit.records import Explored, FitResult, NetworkView, Plane, SweepRecord, Wiring
from tests.unit.report.patients import HOSTILE, NAN, curve, hostile, overfitting, regression, sweep

SIDE = 32
BINS = 41


def _view(l2: float, dropout: float) -> NetworkView:
    width = 0.5 / (1 + l2)  # of the weights, as a share of the histogram's half
    heights = [math.exp(-(((k - BINS // 2) / (BINS // 2) / width) ** 2) / 2) for k in range(BINS)]
    counts = [round(4000 * height / sum(heights)) for height in heights]
    active = 0.5 / (1 + 0.1 * l2)
    return NetworkView(
        l2=l2,
        dropout=dropout,
        weight_sum_squares=620 / (1 + 2.2 * l2**0.8),
        weight_counts=tuple(counts),
        active_fraction=active,
        active_by_layer=(active, active - 0.05),
        linearity_r2=1 - 0.29 / (1 + 0.2 * l2),
    )


def _wirings(dropout: float) -> tuple[Wiring, ...]:
    sizes = (10, 10, 10, 3)
    layers = ("inputs", "hidden 1", "hidden 2", "outputs")
    kept = tuple(
        tuple(k in (0, 3) or (7 * i + 3 * k) % 10 >= 10 * dropout for i in range(size)) for k, size in enumerate(sizes)
    )
    notes = "Not drawn: 118 of hidden 1, 118 of hidden 2."
    return (
        Wiring(title="Standard", layers=layers, kept=tuple((True,) * size for size in sizes), notes=notes),
        Wiring(title="Thinned", layers=layers, kept=kept, notes=notes),
    )


def open_networks(record: SweepRecord, *, dropout: float = 0.35) -> SweepRecord:
    """The record with a curve and a view of every cell, as a sweep of today writes it."""
    cells = [(l2, p) for l2 in record.l2 for p in record.dropout]
    explored = Explored(
        views=tuple(_view(l2, p) for l2, p in cells),
        weight_low=-0.8,
        weight_high=0.8,
        thinned=_wirings(dropout),
        thinned_dropout=dropout,
    )
    return replace(record, curves=tuple(curve(l2, p) for l2, p in cells), explored=explored)


def _moons(count: int) -> list[tuple[float, float, int]]:
    rows = []
    for k in range(count):
        angle = math.pi * (k % (count // 2)) / (count // 2)
        wobble = 0.12 * math.sin(37.0 * k)
        upper = k < count // 2
        x, y = math.cos(angle) if upper else 1 - math.cos(angle), math.sin(angle) if upper else 0.5 - math.sin(angle)
        rows.append((x + wobble, y + 0.12 * math.cos(23.0 * k), int(not upper)))
    return rows


def _sharpness(l2: float) -> float:
    return 9.0 / (1.0 + l2)


def on_plane(record: SweepRecord, answer, plane: Plane) -> SweepRecord:
    """Give every view of an opened record a surface: what `answer(view, x, y)` says, and the likeliest class."""
    views = []
    for view in record.explored.views:
        places = [
            [(plane.x_low + (j + 0.5) / SIDE * (plane.x_high - plane.x_low),
              plane.y_low + (i + 0.5) / SIDE * (plane.y_high - plane.y_low)) for j in range(SIDE)]
            for i in range(SIDE)
        ]  # fmt: skip
        answers = [[answer(view, x, y) for x, y in row] for row in places]
        surface = tuple(tuple(value for value, _ in row) for row in answers)
        likeliest = tuple(tuple(code for _, code in row) for row in answers) if len(plane.classes) > 2 else ()
        views.append(replace(view, surface=surface, likeliest=likeliest))
    return replace(record, explored=replace(record.explored, views=tuple(views), plane=plane))


def _plane(classes: tuple[str, ...], names: tuple[str, str] = ("petal length (cm)", "petal width (cm)")) -> Plane:
    rows = _moons(120)
    return Plane(
        x_name=names[0],
        y_name=names[1],
        x_low=-1.4,
        x_high=2.4,
        y_low=-0.9,
        y_high=1.4,
        x=tuple(x for x, _, _ in rows),
        y=tuple(y for _, y, _ in rows),
        target=tuple(float(k % max(len(classes), 1)) if len(classes) > 2 else float(code)
                     for k, (_, _, code) in enumerate(rows)),
        classes=classes,
    )  # fmt: skip


def _two(view: NetworkView, x: float, y: float) -> tuple[float, int]:
    bend = 0.9 / (1 + view.l2) * math.sin(2.2 * x)
    return 1 / (1 + math.exp(-_sharpness(view.l2) * (0.35 - 0.3 * x - y + bend))), 0


def _many(view: NetworkView, x: float, y: float) -> tuple[float, int]:
    scores = [_sharpness(view.l2) * (math.cos(k * 1.7) * x + math.sin(k * 2.3) * y) for k in range(10)]
    top = max(scores)
    return 1 / sum(math.exp(score - top) for score in scores), scores.index(top)


def _number(view: NetworkView, x: float, y: float) -> tuple[float, int]:
    return 0.5 + 0.3 * math.tanh(_sharpness(view.l2) * (y - 0.3 * x)), 0


def opened() -> FitResult:
    """Many features: weights and a thinned network, no plane."""
    result = overfitting()
    return replace(result, sweep=open_networks(result.sweep))


def two_features() -> FitResult:
    result = opened()
    return replace(result, sweep=on_plane(result.sweep, _two, _plane(("benign", "malignant"))))


def many_classes() -> FitResult:
    result = opened()
    return replace(result, sweep=on_plane(result.sweep, _many, _plane(tuple("0123456789"))))


def plane_of_a_number() -> FitResult:
    result = regression()
    return replace(result, sweep=on_plane(open_networks(result.sweep), _number, _plane(())))


def opened_diverged() -> FitResult:
    """Opened, but the networks with the largest λ ended in NaN, and no unit was ever dropped."""
    result = opened()
    record = result.sweep
    explored = record.explored
    kept = tuple(view for view in explored.views if view.l2 != record.l2[-1])
    return replace(
        result, sweep=replace(record, explored=replace(explored, views=kept, thinned=(), thinned_dropout=NAN))
    )


def hostile_opened() -> FitResult:
    """Every name of the plane and of the layers is an attack or a nuisance."""
    result = hostile()
    record = open_networks(result.sweep)
    record = on_plane(record, _many, _plane(HOSTILE, names=(HOSTILE[0], HOSTILE[2])))
    wirings = tuple(
        replace(wiring, title=HOSTILE[1], layers=HOSTILE[2:6], notes=HOSTILE[4]) for wiring in record.explored.thinned
    )
    return replace(result, sweep=replace(record, explored=replace(record.explored, thinned=wirings)))


def many_cells(num_l2: int = 100, num_dropout: int = 100) -> FitResult:
    """A sweep of ten thousand cells, each with a curve of 60 epochs and an opened network."""
    l2 = (0.0, *(10 ** (-4 + 6 * k / max(num_l2 - 2, 1)) for k in range(num_l2 - 1)))
    dropout = tuple(0.9 * k / max(num_dropout, 2) for k in range(num_dropout))
    return replace(overfitting(), sweep=open_networks(sweep(l2=l2, dropout=dropout)))


ALL = {f.__name__: f for f in (opened, two_features, many_classes, plane_of_a_number, opened_diverged, hostile_opened)}
