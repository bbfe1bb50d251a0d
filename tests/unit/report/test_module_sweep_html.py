"""The page of a sweep over any network: along one setting, over two, over four, however many cells."""

import dataclasses
import json
import math
import time

import pytest

from justfit.records import CellSetting
from justfit.report import render_module_sweep_html
from justfit.report._cell_axes import cell_axes, cells_along, train_loss_of
from justfit.report._cell_explorer import cell_explorer
from justfit.report._cell_map import cell_map_title
from justfit.report._cell_path import cell_path_title
from justfit.report._module_sweep_document import _curves_title
from tests.unit.records.test_module_sweep import make_cell, make_record
from tests.unit.report.judgements import HOSTILE
from tests.unit.report.page import Page, assert_hostile_names_are_shown_not_obeyed, assert_is_one_whole_page, figures

NAN = math.nan


def cell(l2=0.0, dropout=0.0, rate=None, init=None, **more):
    made = make_cell(l2, dropout, **more)
    setting = CellSetting(l2=l2, dropout=dropout, learning_rate=rate, init=init)
    return dataclasses.replace(made, setting=setting)


def along_l2():
    """A U along λ; dropout as built."""
    losses = (0.6, 0.5, 0.4, 0.41, 0.9)
    cells = tuple(
        cell(l2, None, loss=loss, ridge=loss < 0.45) for l2, loss in zip((0, 0.1, 1, 3, 30), losses, strict=True)
    )
    return make_record(cells=cells, best=2, chosen=3)


def two():
    return make_record()


def four():
    cells = tuple(
        cell(l2, dropout, rate, init, loss=0.4 + 0.1 * l2 + dropout + (rate != 0.01) + 0.05 * (init == "he"))
        for l2 in (0.0, 1.0)
        for dropout in (0.0, 0.5)
        for rate in (0.001, 0.01)
        for init in (None, "he")
    )
    return make_record(cells=cells, best=2, chosen=2)


def init():
    cells = tuple(cell(1.0, 0.0, None, name, loss=0.4 + k / 10) for k, name in enumerate((None, "he", "zero")))
    return make_record(cells=cells, best=0, chosen=0, helps=False, improvement=0.0, improvement_se=0.0)


def single():
    return make_record(cells=(cell(),), best=0, chosen=0, helps=False, confidence=1.0, versions={})


def diverged():
    lost = {
        "loss": NAN, "loss_se": NAN, "difference": NAN, "difference_se": NAN, "validation_loss": (NAN,) * 3,
        "train_loss": (NAN,) * 3, "stopped_reason": "not finite",
    }  # fmt: skip
    cells = (cell(0.0, 0.0, **lost), cell(0.0, 0.5, **lost), cell(1.0, 0.0), cell(1.0, 0.5, **lost))
    return make_record(cells=cells, best=2, chosen=2, improvement=NAN, improvement_se=NAN, interrupted="Ctrl-C")


def hostile():
    cells = tuple(cell(l2, 0.0, 0.1, HOSTILE if l2 else "🔥שלום" + "x" * 10_000, loss=0.4 + l2) for l2 in (0.0, 1.0))
    return make_record(
        cells=cells, best=0, chosen=0, module=HOSTILE, unit=HOSTILE, rule=HOSTILE, notes=(HOSTILE,), tier=HOSTILE,
        tier_reason=HOSTILE, interrupted=HOSTILE, versions={HOSTILE: HOSTILE},
    )  # fmt: skip


def large(num_l2, num_dropout, epochs=100):
    each = tuple(range(1, epochs + 1))
    curve = {
        "epochs": each, "train_loss": tuple(1 / e for e in each), "train_loss_se": (0.0123,) * epochs,
        "validation_loss": tuple(0.5 + 1 / e for e in each), "validation_loss_se": (0.0234,) * epochs,
        "best_epoch": epochs,
    }  # fmt: skip
    cells = tuple(
        cell(
            0.0 if i == 0 else 10 ** (-3 + 6 * i / num_l2), j / num_dropout, ridge=(i + j) % 7 == 0,
            loss=0.5 + abs(i - num_l2 / 2) / num_l2 + j / num_dropout, **curve,
        )
        for i in range(num_l2)
        for j in range(num_dropout)
    )  # fmt: skip
    best = min(range(len(cells)), key=lambda k: cells[k].loss)
    return make_record(cells=cells, best=best, chosen=best, num_epochs=epochs, notes=("A note.",) * 3)


ALL = {made.__name__: made for made in (along_l2, two, four, init, single, diverged, hostile)}
EVERY = pytest.mark.parametrize("name", ALL)


@pytest.fixture(scope="module")
def pages():
    return {name: Page(render_module_sweep_html(made())) for name, made in ALL.items()}


def of_figure(page, key, name):
    start = next(k for k, e in enumerate(page.elements) if e.attributes.get("id") == f"jf-figure-{key}")
    end = next((k for k in range(start + 1, len(page.elements)) if page.elements[k].name == "figure"), None)
    return [e for e in page.elements[start:end] if e.name == name]


@EVERY
def test_it_is_one_whole_page(pages, name):
    assert_is_one_whole_page(pages[name])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("along_l2", {"cell_curves", "cell_path"}),
        ("two", {"cell_curves", "cell_path", "cell_map"}),
        ("four", {"cell_curves", "cell_path", "cell_map"}),
        ("init", {"cell_curves", "cell_path"}),
        ("single", {"cell_curves"}),
    ],
)
def test_figures_are_of_what_the_cells_differ_in(pages, name, expected):
    assert figures(pages[name]) == expected


def test_the_curves_are_of_under_chosen_and_over(pages):
    titles = [
        e.attributes["aria-label"]
        for e in of_figure(pages["along_l2"], "cell_curves", "svg")
        if e.attributes.get("role")
    ]
    assert titles == ["Least regularized: λ = 0", "Chosen: λ = 3", "Largest λ: λ = 30"]
    assert len([e for e in pages["single"].of_class("panel") if e.words == "Chosen"]) == 1


def test_the_path_goes_through_the_chosen_cell(pages):
    assert cell_path_title(along_l2()) == "The validation loss is smallest along λ at 1 (between the ends)"
    assert cell_path_title(init()) == "The validation loss is smallest at initialization as built"
    words = [e.words for e in of_figure(pages["four"], "cell_path", "text")]
    names = [word for word in words if word in ("λ", "dropout", "learning rate", "initialization")]
    assert names == ["λ", "dropout", "learning rate", "initialization"]
    marks = [word for word in words if word.startswith("◆")]
    assert marks == ["◆ chosen: 0", "◆ chosen: 0", "◆ chosen: 0.01", "◆ chosen: as built"]


def test_the_ridge_is_a_strip_to_halfway_to_its_neighbours(pages):
    (strip,) = [e for e in of_figure(pages["along_l2"], "cell_path", "rect") if e.attributes["class"] == "ridge"]
    dots = [float(e.attributes["cx"]) for e in of_figure(pages["along_l2"], "cell_path", "circle")]
    left, width = (float(strip.attributes[key]) for key in ("x", "width"))
    assert left == pytest.approx((dots[1] + dots[2]) / 2, abs=0.2)
    assert left + width == pytest.approx((dots[3] + dots[4]) / 2, abs=0.2)


def test_the_map_shows_what_was_trained(pages):
    assert cell_map_title(two()) == "2 of 5 cells on the map cannot be told from the best"
    assert len(of_figure(pages["two"], "cell_map", "rect")) == 5, "three of eight cells were not trained"
    written = [e for e in of_figure(pages["two"], "cell_map", "text") if "cell" in e.attributes["class"].split()]
    assert [e.words for e in written].count("★◆") == 1
    assert "broken-cell" in [e.attributes.get("class") for e in of_figure(pages["two"], "cell_map", "path")]


def test_axes_and_cells_along_them():
    record = four()
    axes = cell_axes(record)
    assert [axis.field for axis in axes] == ["l2", "dropout", "learning_rate", "init"]
    assert axes[3].labels == ("as built", "he")
    assert axes[3].numbers == ()
    along = cells_along(record, axes[1])
    assert sorted(along) == [(0,), (1,)]
    assert along[0,] is record.chosen_cell
    assert len(cells_along(record, *axes)) == 16
    assert train_loss_of(record.chosen_cell) == 0.5


def test_the_explorer_gets_every_cell_with_its_curves():
    data = cell_explorer(two())
    assert (data["l2"], data["dropout"]) == ([0, 1, 10, 100], [0, 0.2])
    assert (data["chosen"], data["best"]) == ([1, 1], [1, 1])
    assert len(data["cells"]) == 5
    assert data["loss"][0][1] is None, "not trained"
    assert data["trainLoss"][1][1] == 0.5
    assert data["cells"][0]["validation"] == [0.7, 0.5, 0.8]
    assert "axes" not in data
    json.dumps(data, allow_nan=False)


def test_the_explorer_names_other_settings():
    cells = tuple(cell(1.0, 0.0, rate, loss=rate + 0.4) for rate in (0.01, 0.1))
    data = cell_explorer(make_record(cells=cells, best=0, chosen=0))
    assert data["axes"][0] == "learning rate"
    assert data["l2"] == [0.01, 0.1]
    assert cell_explorer(four())["setting"] == "learning rate 0.01, initialization as built"
    assert cell_explorer(init()) is None
    assert cell_explorer(single()) is None


def test_what_to_do_warns_of_the_end_of_the_grid(pages):
    cells = tuple(cell(l2, None, loss=1.0 - l2 / 100) for l2 in (0.0, 10.0))
    words = Page(render_module_sweep_html(make_record(cells=cells, best=1, chosen=1))).all("main")[0].words
    assert "The chosen value is the largest that was tried of λ: try larger ones too." in words
    assert "largest that was tried" not in pages["along_l2"].all("main")[0].words
    assert "The sweep was cut short" in pages["diverged"].all("main")[0].words


def test_hostile_names_are_shown_not_obeyed(pages):
    assert_hostile_names_are_shown_not_obeyed(pages)


@pytest.mark.parametrize(("num_l2", "num_dropout"), [(100, 100), (10_000, 1)])
def test_ten_thousand_variants_stay_below_two_megabytes(num_l2, num_dropout):
    made = large(num_l2, num_dropout)
    start = time.process_time()
    html = render_module_sweep_html(made)
    assert time.process_time() - start < 5.0
    assert len(html.encode()) < 2_000_000


def test_titles_say_no_more_than_was_measured():
    cells = (cell(0.0, 0.0, loss=0.4, ridge=True), cell(0.0, 0.5, loss=0.5), cell(1.0, 0.0), cell(1.0, 0.5))
    others = tuple(dataclasses.replace(c, setting=dataclasses.replace(c.setting, learning_rate=0.1)) for c in cells)
    best_elsewhere = make_record(cells=(*cells, *others), best=4, chosen=0)
    flat = tuple(dataclasses.replace(c, ridge=c is cells[0]) for c in cells)
    elsewhere = dataclasses.replace(best_elsewhere, cells=(*flat, *others))
    assert cell_map_title(elsewhere) == "1 of 4 cells on the map cannot be told from the best"
    record = two()
    cells = list(record.cells)
    chosen = record.chosen_cell
    cells[record.chosen] = dataclasses.replace(chosen, train_loss=(chosen.loss + 0.5,) * len(chosen.epochs))
    assert _curves_title(dataclasses.replace(record, cells=tuple(cells))) == (
        "With the chosen setting the validation loss after epoch 2, where it is judged, is 0.50 below the training loss"
    )
