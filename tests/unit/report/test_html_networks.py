"""The opened networks on the page: their pictures, and the numbers that the explorer reads."""

import math
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from justfit.records import FitResult, Wiring, from_json, to_json
from justfit.report import build_document, render_fragment, render_html
from justfit.report._explorer_data import CellGrid, build_explorer, sweep_explorer
from justfit.report._wiring import draw_wiring
from tests.unit.report import opened, patients
from tests.unit.report.fits import html_of, page_of, result_of
from tests.unit.report.page import Page, data_of


def panels(page, prefix):
    return [
        e.attributes["aria-label"] for e in page.all("svg") if e.attributes.get("aria-label", "").startswith(prefix)
    ]


def test_under_chosen_and_over_stand_beside_each_other():
    assert panels(page_of("two_features"), "Decision surface") == [
        "Decision surface, Largest λ, λ = 30, dropout = 0.35",
        "Decision surface, Chosen, λ = 3, dropout = 0.35",
        "Decision surface, No regularization, λ = 0, dropout = 0",
    ]
    assert len(panels(page_of("two_features"), "Weights")) == 3
    assert panels(page_of("opened"), "Decision surface") == []
    assert len(panels(page_of("opened"), "Weights")) == 3
    assert len(panels(page_of("opened_diverged"), "Weights")) == 2, "a network that diverged was not opened"


def test_the_static_pictures_stand_where_the_explorer_will_be():
    (place,) = [e for e in page_of("two_features").elements if "data-justfit-explorer" in e.attributes]
    assert place.attributes["class"].startswith("panels")
    body = page_of("two_features").all("body")[0]
    assert "data-justfit" in body.attributes


def test_bars_are_the_counts_of_the_view():
    """Each bar says its count, and its height is the logarithm of it."""
    record = result_of("opened").sweep
    view = next(v for v in record.explored.views if (v.l2, v.dropout) == (0.0, 0.0))
    page = page_of("opened")
    bars = [
        e for e in page.of_class("bar") if e.name == "rect" and e.words.endswith("weights")
    ]  # fmt: skip
    last = bars[-sum(count > 0 for count in view.weight_counts) :]
    said = [int(e.words.rpartition(": ")[2].split()[0].replace(",", "")) for e in last]
    assert said == [count for count in view.weight_counts if count > 0]
    heights = [float(e.attributes["height"]) for e in last]
    first, high = heights[0] / math.log(said[0] / 0.7), max(zip(heights, said, strict=True))
    assert high[0] == pytest.approx(first * math.log(high[1] / 0.7), abs=0.3)


def test_the_border_is_where_the_probability_is_one_half():
    """Every point of the drawn border of the network without regularization gives one half, to a cell's slope."""
    result = result_of("two_features")
    plane = result.sweep.explored.plane
    border = page_of("two_features").of_class("border")[-1].attributes["d"]
    points = [tuple(map(float, pair.split())) for pair in re.findall(r"[\d.]+ [\d.]+", border)]
    assert len(points) > 40
    for px, py in points:
        x = plane.x_low + (px - 46) / 276 * (plane.x_high - plane.x_low)
        y = plane.y_low + (326 - py) / 240 * (plane.y_high - plane.y_low)
        assert abs(0.35 - 0.3 * x - y + 0.9 * math.sin(2.2 * x)) < 0.05


def test_several_classes_are_parted_where_the_likeliest_changes():
    record = result_of("many_classes").sweep
    view = next(v for v in record.explored.views if (v.l2, v.dropout) == (0.0, 0.0))
    rows = view.likeliest
    across = sum(a != b for row in rows for a, b in pairwise(row))
    up = sum(a != b for low, high in pairwise(rows) for a, b in zip(low, high, strict=True))
    assert page_of("many_classes").of_class("border")[-1].attributes["d"].count("M") == across + up > 20


def test_the_thinned_network_has_no_connection_of_a_dropped_unit():
    thinned = result_of("opened").sweep.explored.thinned[1]
    alive = [sum(units) for units in thinned.kept]
    wires = [e.attributes["d"].count("M") for e in page_of("opened").of_class("wire")]
    assert wires == [10 * 10 + 10 * 10 + 10 * 3, sum(a * b for a, b in pairwise(alive))]
    assert len(page_of("opened").of_class("off")) == sum(units.count(False) for units in thinned.kept)
    assert "left this example 12 of the 20 hidden units that are drawn" in page_of("opened").all("body")[0].words
    assert not panels(page_of("opened_diverged"), "Thinned")


def test_a_network_of_any_size_is_drawn_small():
    """A hundred layers of a thousand units would be a hundred million wires."""
    kept = tuple((True,) * 1000 for _ in range(100))
    wiring = Wiring(title="Wide", layers=tuple(f"layer {k}" for k in range(100)), kept=kept)
    drawn = Page(draw_wiring(wiring))
    assert len(drawn.of_class("unit")) == 8 * 24
    assert drawn.of_class("wire")[0].attributes["d"].count("M") == 7 * 24 * 24
    assert {"layer 0", "layer 99"} <= {e.words for e in drawn.of_class("tick")}


def test_a_record_from_before_networks_were_opened_still_renders():
    stored = re.sub(r',\s*"explored": null', "", to_json(patients.overfitting()))
    assert '"explored"' not in stored
    page = Page(render_html(from_json(FitResult, stored)))
    assert data_of(page) == {"kind": "report"}
    assert not panels(page, "Weights")
    assert "jf-networks" not in {e.attributes.get("id") for e in page.elements}


def test_a_stored_record_renders_as_it_did():
    stored = to_json(result_of("two_features"))
    assert render_html(from_json(FitResult, stored)) == html_of("two_features")


def test_the_fragment_has_the_pictures_and_no_script():
    page = Page(render_fragment(result_of("two_features")))
    assert len(panels(page, "Decision surface")) == 3
    assert not page.all("script")


def test_the_explorer_reads_the_numbers_of_the_record():
    record = result_of("two_features").sweep
    data = data_of(page_of("two_features"))["explorer"]
    assert data["l2"] == list(record.l2)
    assert data["dropout"] == list(record.dropout)
    assert data["chosen"] == list(record.chosen)
    assert data["best"] == list(record.best)
    assert len(data["cells"]) == 36
    for cell in data["cells"]:
        i, j = cell["l2"], cell["dropout"]
        assert data["loss"][i][j] == pytest.approx(record.validation_loss[i][j], rel=5e-4)
        curve = next(c for c in record.curves if (c.l2, c.dropout) == (record.l2[i], record.dropout[j]))
        assert cell["validation"] == pytest.approx(curve.validation_loss, rel=5e-4)
        assert cell["bestEpoch"] == curve.epochs[curve.validation_loss.index(min(curve.validation_loss))]
        view = next(v for v in record.explored.views if (v.l2, v.dropout) == (record.l2[i], record.dropout[j]))
        assert cell["counts"] == list(view.weight_counts)
        assert cell["r2"] == pytest.approx(view.linearity_r2, rel=5e-4)
        assert [len(row) for row in cell["surface"]] == [32] * 32
        assert max(abs(a - b) for r, s in zip(cell["surface"], view.surface, strict=True)
                   for a, b in zip(r, s, strict=True)) <= 0.005 + 1e-9  # fmt: skip
    assert data["plane"]["classes"] == ["benign", "malignant"]


def test_diverged_numbers_are_null_and_their_networks_absent():
    record = patients.diverged().sweep
    record = opened.open_networks(record)
    views = tuple(v for v in record.explored.views if v.l2 != record.l2[-1])
    curves = tuple(c for c in record.curves if c.l2 != record.l2[-1])
    data = sweep_explorer(replace(record, curves=curves, explored=replace(record.explored, views=views)))
    assert data["loss"][-1] == [None] * len(record.dropout)
    assert {cell["l2"] for cell in data["cells"]} == set(range(len(record.l2) - 1))


def test_a_large_grid_is_thinned_evenly_and_keeps_choice_and_best():
    record = opened.many_cells(100, 100).sweep
    data = sweep_explorer(record)
    assert len(data["cells"]) <= 480
    assert data["l2"][0] == 0
    assert data["l2"][-1] == pytest.approx(record.l2[-1])
    assert data["l2"][data["chosen"][0]] == pytest.approx(record.chosen_l2, rel=1e-3)
    assert data["dropout"][data["best"][1]] == pytest.approx(record.dropout[record.best[1]], rel=1e-3)
    assert max(len(cell["epochs"]) for cell in data["cells"]) <= 60


def test_cells_without_an_opened_network_have_curves_only():
    record = patients.sweep(l2=(0.0, 1.0), dropout=(0.0, 0.5))
    grid = CellGrid(
        l2=record.l2,
        dropout=record.dropout,
        chosen=(1, 0),
        best=(1, 1),
        unit="nats",
        loss=record.validation_loss,
        loss_se=record.validation_loss_se,
        train_loss=record.train_loss,
        difference=record.difference,
        difference_se=record.difference_se,
        ridge=record.ridge,
        curves={(0, 0): patients.curve(0.0, 0.0, num_epochs=3000)},
        setting="learning rate 0.01",
    )
    data = build_explorer(grid)
    assert data["setting"] == "learning rate 0.01"
    (cell,) = data["cells"]
    assert set(cell) == {"l2", "dropout", "epochs", "train", "trainSe", "validation", "validationSe", "bestEpoch"}
    assert len(cell["epochs"]) <= 201
    assert cell["bestEpoch"] in cell["epochs"]
    assert build_explorer(replace(grid, l2=(0.0,), dropout=(0.0,))) is None


def test_where_the_choice_is_none_the_smallest_loss_stands_between():
    record = replace(opened.open_networks(patients.sweep()), chosen=(0, 0), helps=False)
    page = Page(render_html(replace(patients.not_helping(), sweep=record)))
    best = f"λ = {record.l2[record.best[0]]:g}, dropout = {record.dropout[record.best[1]]:g}"
    assert panels(page, "Weights") == [
        "Weights, Largest λ: λ = 30, dropout = 0",
        f"Weights, Smallest loss: {best}",
        "Weights, No regularization, chosen: λ = 0, dropout = 0",
    ]


def test_titles_of_the_networks_say_the_finding():
    figures = {f.key: f for s in build_document(result_of("opened")).sections for f in s.figures}
    assert figures["networks"].title == (
        "The more regularization, the more linear the network: R² 0.96 at λ = 30, dropout 0.35; "
        "0.82 at λ = 3, dropout 0.35; 0.71 at λ = 0, dropout 0"
    )
    record = result_of("opened").sweep
    same = tuple(replace(v, linearity_r2=0.8) for v in record.explored.views)
    flat = replace(result_of("opened"), sweep=replace(record, explored=replace(record.explored, views=same)))
    figures = {f.key: f for s in build_document(flat).sections for f in s.figures}
    assert figures["networks"].title == (
        "Linearity R² is 0.80 at λ = 30, dropout 0.35; 0.80 at λ = 3, dropout 0.35; 0.80 at λ = 0, dropout 0"
    )
