"""Shapes in a plane, and two columns of a table."""

import math

import numpy as np
import polars as pl
import pytest
import torch

from justfit.errors import ColumnError
from justfit.lab import Playground, PlaygroundTable, Settings
from justfit.lab._playground_options import SHAPES
from justfit.lab._playground_points import NUM_VALIDATION, draw_points


def distances(points):
    """How far each point lies from where its shape says; 0 without noise."""
    x, y = points.inputs.T
    one = points.labels == 1
    radius = torch.hypot(x, y)
    turned = torch.where(one, 1.0, -1.0)
    return {
        "moons": torch.where(one, torch.hypot(x - 1, y - 0.5), radius) - 1,
        "circles": radius - torch.where(one, 0.5, 1.0),
        "xor": torch.where((x * y > 0) == one, 0.0, 1.0)
        + (radius.square() > 2)
        + (torch.minimum(x.abs(), y.abs()) < 0.05),
        "spiral": torch.hypot(
            x + turned * radius * (3.5 * math.pi * radius).sin(), y + turned * radius * (3.5 * math.pi * radius).cos()
        ),
    }


@pytest.mark.parametrize("data", [shape for shape in SHAPES if shape != "gauss"])
def test_without_noise_every_point_lies_on_its_shape(data):
    points = draw_points(Settings.read({"data": data, "noise": 0, "num_train": 300}))
    assert float(distances(points)[data].abs().max()) < 1e-6
    assert points.labels.double().mean() == 0.5


def test_two_clouds_are_normal_around_their_centres():
    points = draw_points(Settings.read({"data": "gauss", "noise": 0, "num_train": 500}))
    standard = (points.inputs - torch.where(points.labels == 1, 1.0, -1.0)[:, None]) / 0.3
    assert float(standard.mean().abs()) < 4 / math.sqrt(standard.numel())
    assert float((standard.square().mean() - 1).abs()) < 4 * math.sqrt(2 / standard.numel())
    assert float((standard.pow(4).mean() - 3).abs()) < 4 * math.sqrt(96 / standard.numel())


@pytest.mark.parametrize(
    ("data", "per_noise"), [("moons", 1.0), ("circles", 0.5), ("xor", 0.6), ("spiral", 0.3), ("gauss", 2.0)]
)
def test_noise_shifts_the_same_points(data, per_noise):
    none, some, more = (
        draw_points(Settings.read({"data": data, "noise": noise, "num_train": 300})).inputs for noise in (0, 0.1, 0.2)
    )
    torch.testing.assert_close(more - none, 2 * (some - none))
    assert float((some - none).square().mean().sqrt()) == pytest.approx(0.1 * per_noise, rel=4 / math.sqrt(2 * 1000))


def test_validation_rows_stay_where_more_are_learned_from():
    few, many = (draw_points(Settings.read({"num_train": num_train})) for num_train in (20, 200))
    assert torch.equal(few.inputs[20:], many.inputs[200:])
    assert len(few.inputs) == 20 + NUM_VALIDATION


def test_the_network_sees_mean_0_and_variance_1():
    points = draw_points(Settings.read({"data": "gauss", "num_train": 77}))
    seen = points.standardised(points.inputs)[:77]
    torch.testing.assert_close(seen.mean(0), torch.zeros(2, dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(seen.std(0, correction=0), torch.ones(2, dtype=torch.float64))
    low, high = points.plane
    assert bool((points.inputs > low).all() and (points.inputs < high).all())


# --- the user's table ----------------------------------------------------------------------------------------------


def frame_of(num_rows=200, **more):
    """Two columns that tell two classes apart, one that repeats the first, one of noise, one of words."""
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(2, num_rows))
    columns = {
        "noise": draw.normal(size=num_rows),
        "x": x,
        "twice x": 2 * x + 0.01 * draw.normal(size=num_rows),
        "y": y,
        "word": ["a", "b"] * (num_rows // 2),
        "one": np.ones(num_rows),
        "kind": np.where(2 * x + y > 0, "yes", "no"),
    }
    return pl.DataFrame({**columns, **more})


def test_the_columns_that_tell_the_classes_apart_are_chosen():
    table = PlaygroundTable.read(frame_of(), target="kind")
    assert set(table.names) in ({"x", "y"}, {"twice x", "y"})
    assert table.classes == ("no", "yes")
    assert table.notes == (
        f"Of 4 numeric columns, `{table.names[0]}` and `{table.names[1]}` tell the classes apart best; "
        "`justfit lab --serve --columns A,B` shows others.",
    )


def test_of_a_long_sorted_table_columns_are_chosen_too():
    frame = frame_of(12_000).sort("kind")
    assert "noise" not in PlaygroundTable.read(frame, target="kind").names


def test_asked_for_columns_are_taken_as_they_are():
    frame = frame_of()
    table = PlaygroundTable.read(frame, target="kind", columns=("noise", "y"))
    assert table.names == ("noise", "y")
    assert table.notes == ("Shown are `noise` and `y`, as asked; `justfit lab --serve --columns A,B` shows others.",)
    np.testing.assert_array_equal(table.inputs, frame.select("noise", "y").to_numpy())
    np.testing.assert_array_equal(table.labels, (frame["kind"] == "yes").to_numpy())


def test_many_classes_become_two():
    kinds = ["a"] * 50 + ["b"] * 90 + ["c"] * 60
    table = PlaygroundTable.read(frame_of(kind=kinds), target="kind")
    assert table.classes == ("all others", "b")
    assert table.labels.sum() == 90


def test_a_number_becomes_two_classes():
    values = np.linspace(0.5, 3.7, 200)
    table = PlaygroundTable.read(frame_of(kind=values), target="kind")
    assert table.classes == ("at most 2.10", "above 2.10")
    assert table.labels.tolist() == [0] * 100 + [1] * 100


def test_rows_without_a_number_are_left_out_and_told():
    holes = [None, float("nan"), 1e200] + [1.0 * row for row in range(197)]
    table = PlaygroundTable.read(frame_of(x=holes), target="kind", columns=("x", "y"))
    assert len(table.labels) == 197
    assert table.notes[1:] == ("3 rows lack one of the two numbers and were left out.",)


def test_where_there_are_only_two_nothing_is_offered():
    table = PlaygroundTable.read(frame_of().select("y", "x", "kind"), target="kind")
    assert table.names == ("y", "x")
    assert table.notes == ("Shown are `y` and `x`, the only numeric columns.",)


@pytest.mark.parametrize(
    ("frame", "settings", "message"),
    [
        (frame_of(), {}, "A table needs a target: the column to predict. Found no `--target` for `table`"),
        (
            frame_of().select("x", "kind"),
            {"target": "kind"},
            "shows two numeric columns besides the target. Found the only one `x`. Give a table with at least two",
        ),
        (frame_of().select("word", "kind"), {"target": "kind"}, "besides the target. Found none. Give a table"),
        (
            frame_of(),
            {"target": "kind", "columns": ("x", "word")},
            "Found `word`, which is not numeric or always the same. Name another. The numeric columns are `noise`, `x`",
        ),
        (frame_of(), {"target": "kind", "columns": ("one", "x")}, "Found `one`, which is not numeric or always the"),
        (frame_of(), {"target": "kind", "columns": ()}, "Found none. Name two, like `--columns A,B`."),
        (frame_of(), {"target": "kind", "columns": ("x",)}, "Found 1: `x`. Name two, like `--columns A,B`."),
        (frame_of(), {"target": "kind", "columns": ("x", "x")}, "Found `x` twice. Name two"),
        (frame_of(), {"target": "kind", "columns": ("x", "y", "noise")}, "Found 3: `x`, `y`, `noise`. Name two"),
        (frame_of(), {"target": "kind", "columns": ("x", "y", "noise", "x")}, "Found 4: `x`, `y`, `noise`, …. Name"),
        (frame_of(), {"target": "kind", "columns": ("x", "kind")}, "Found `kind`, which is the target. Name another"),
        (
            frame_of(),
            {"target": "kind", "columns": ("x", "Nois")},
            "Found `Nois`, which the table does not have. Did you mean `noise`. The numeric columns are `noise`, `x`",
        ),
        (
            pl.DataFrame({**{f"c{k}": range(60) for k in range(20)}, "kind": ["a", "b"] * 30}),
            {"target": "kind", "columns": ("zzz", "c1")},
            r"not have. The numeric columns are `c0`, .*`c11`, … \(20 in all\)",
        ),
        (frame_of(38), {"target": "kind"}, "at least 40 rows with both numbers. Found 38 in `table`"),
    ],
)
def test_tables_that_cannot_be_shown_are_refused(frame, settings, message):
    with pytest.raises(ColumnError, match=message):
        PlaygroundTable.read(frame, **settings)


def test_hostile_names_are_made_fit_to_show():
    hostile = {"<script>alert(1)</script>\x1b[31m" + "x" * 10_000: "x", "\u202eright": "y", "y\nz": "kind"}
    frame = frame_of().rename({old: new for new, old in hostile.items()})
    table = PlaygroundTable.read(frame, target="y\nz")
    for word in (*table.names, *table.classes, *table.notes):
        assert len(word) < 300
        assert not set(word) & {"\x1b", "\u202e", "\n"}


def test_a_table_is_trained_on_and_shown_in_its_own_units():
    frame = frame_of(x=1e6 + np.random.default_rng(1).normal(size=200))
    table = PlaygroundTable.read(frame, target="kind", columns=("x", "y"))
    playground = Playground(Settings.read({"data": "table", "num_train": 500}), table)
    playground.advance(2)
    state = playground.state(plane=True)
    plane = state["plane"]
    assert state["numTrain"] == 134
    assert (plane["xName"], plane["yName"], plane["classes"]) == ("x", "y", ["no", "yes"])
    assert sum(plane["validation"]) == 66
    assert plane["notes"][-1] == "The table has 134 rows to learn from."
    assert plane["xLow"] == pytest.approx(1e6, rel=1e-4)
    rows = {(x, y) for x, y in zip(plane["x"], plane["y"], strict=True)}
    assert len(rows) == 200  # neither dropped nor repeated, and not rounded into one another


def test_strays_do_not_squeeze_the_plane_and_are_told():
    x, y = np.random.default_rng(2).normal(size=(2, 200))
    x[:2] = 1e6, -1e9
    playground = Playground(
        Settings.read({"data": "table", "num_train": 500}),
        PlaygroundTable.read(frame_of(x=x, y=y), target="kind", columns=("x", "y")),
    )
    state = playground.state(plane=True)
    plane = state["plane"]
    assert -12 < plane["xLow"] < -2
    assert 2 < plane["xHigh"] < 12
    assert plane["numOutside"] == 2
    assert plane["notes"][-1] == "2 points lie far outside and are drawn at the border."
    assert {1e6, -1e9} < set(plane["x"])
    kept = [value for value in plane["x"] if abs(value) < 100]
    np.testing.assert_allclose(sorted(kept), sorted(x[2:]), atol=2e-3)  # strays do not cost digits either
    assert draw_points(Settings(data="gauss", noise=0.5)).is_outside.sum() == 0


def test_another_seed_deals_other_rows():
    table = PlaygroundTable.read(frame_of(), target="kind")
    first, same, other = (table.draw(Settings.read({"data": "table", "seed": seed})) for seed in (0, 0, 1))
    assert torch.equal(first.inputs, same.inputs)
    assert not torch.equal(first.inputs, other.inputs)
    few = table.draw(Settings.read({"data": "table", "num_train": 20}))
    assert torch.equal(few.inputs[20:], first.inputs[100:])


def test_shipped_sets_work():
    table = PlaygroundTable.read("breast_cancer")
    playground = Playground(Settings.read({"data": "table"}), table)
    playground.advance(20)
    assert playground.state()["curves"]["validation"][-1] < 0.3
