"""Decision surfaces of tables with two features, in the units of the table."""

import dataclasses

import numpy as np
import pytest
import torch

from justfit.sweep import Grid, Problem, Program, Recipe, TwoFeatures, assign_folds
from justfit.sweep._explore import explore
from justfit.sweep._two_features import MARGIN, MAX_EXAMPLES, SIDE, lay_plane, places_of
from tests.unit.sweep.samples import linears

SHIFTS, SCALES = (30.0, -0.002), (8.0, 0.004)
FEATURES = TwoFeatures(names=("east", "north"), shifts=SHIFTS, scales=SCALES)


def plane_problem(kind, num_rows=240):
    """Two standardized inputs; the classes lie one above the other, so that a surface laid sideways would show."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(num_rows, 2, generator=generator)
    height = inputs[:, 1] + 0.3 * inputs[:, 0]
    targets = {
        "two": (height > 0).long(),
        "three": (height > -0.5).long() + (height > 0.5).long(),
        "number": height + 0.05 * torch.randn(num_rows, generator=generator),
    }[kind]
    task = "regression" if kind == "number" else "classification"
    num_outputs = {"two": 2, "three": 3, "number": 1}[kind]
    return Problem(inputs, targets, assign_folds(targets, task, 2, 0), task, num_outputs)


def train(problem):
    recipe = Recipe(hidden=(12,), epochs=12, batch_size=16, learning_rate=2e-2)
    program = Program(problem, recipe, Grid((0.0, 30.0), (0.0, 0.3), 2, 1).variants(0))
    program.advance(12)
    return program


def features_of(kind):
    if kind == "number":
        return dataclasses.replace(FEATURES, target_shift=5000.0, target_scale=250.0)
    return dataclasses.replace(FEATURES, classes=("low", "mid", "high") if kind == "three" else ("low", "high"))


@pytest.fixture(scope="module", params=["two", "three", "number"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def program(kind):
    return train(plane_problem(kind))


@pytest.fixture(scope="module")
def explored(kind, program):
    return explore(program, 0.3, features_of(kind))


def naive_answer(module, plane, row, column):
    """What the network says in the middle of one cell of the plane, computed alone, in numpy."""
    x = plane.x_low + (column + 0.5) / 32 * (plane.x_high - plane.x_low)
    y = plane.y_low + (row + 0.5) / 32 * (plane.y_high - plane.y_low)
    values = np.array([(x - SHIFTS[0]) / SCALES[0], (y - SHIFTS[1]) / SCALES[1]])
    layers = [
        (layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()) for layer in linears(module)
    ]
    hidden = np.maximum(layers[0][0] @ values + layers[0][1], 0)
    return layers[1][0] @ hidden + layers[1][1]


def test_the_surface_is_what_the_network_says(kind, program, explored):
    firsts = [k for k, variant in enumerate(program.variants) if (variant.fold, variant.seed) == (0, 0)]
    for index, view in zip(firsts, explored.views, strict=True):
        assert [len(row) for row in view.surface] == [SIDE] * SIDE
        for row, column in [(0, 0), (3, 28), (17, 9), (31, 0), (31, 31)]:
            outputs = naive_answer(program.module(index), explored.plane, row, column)
            said = view.surface[row][column]
            if kind == "number":
                assert said == pytest.approx(outputs[0] * 250 + 5000, abs=1.0)
                continue
            chances = np.exp(outputs) / np.exp(outputs).sum()
            assert said == pytest.approx(chances[1] if kind == "two" else chances.max(), abs=6e-4)
            assert view.likeliest == () or view.likeliest[row][column] == chances.argmax()
        assert len(view.likeliest) == (SIDE if kind == "three" else 0)


def test_the_surface_lies_under_its_examples(kind, explored):
    """Each example stands on a cell that says its own class; held against the surface turned over, few do."""
    plane, view = explored.plane, explored.views[0]
    surface = np.array(view.likeliest if kind == "three" else view.surface)
    columns = ((np.array(plane.x) - plane.x_low) / (plane.x_high - plane.x_low) * SIDE).astype(int)
    rows = ((np.array(plane.y) - plane.y_low) / (plane.y_high - plane.y_low) * SIDE).astype(int)
    target = np.array(plane.target)
    assert len(target) == 240

    def agreement(answers):
        if kind == "number":
            return np.corrcoef(answers, target)[0, 1]
        return (answers == target).mean() if kind == "three" else ((answers > 0.5) == target).mean()

    assert agreement(surface[rows, columns]) > 0.9
    assert agreement(surface[::-1][rows, columns]) < 0.6
    assert agreement(surface.T[rows, columns]) < 0.8


def test_the_plane_speaks_the_units_of_the_table(kind, program, explored):
    plane = explored.plane
    inputs = program.problem.inputs.double().numpy()
    assert (plane.x_name, plane.y_name) == ("east", "north")
    for values, low, high, column in ((plane.x, plane.x_low, plane.x_high, 0), (plane.y, plane.y_low, plane.y_high, 1)):
        there = inputs[:, column] * SCALES[column] + SHIFTS[column]
        np.testing.assert_allclose(values, there, atol=np.ptp(there) / 1000)
        assert low == pytest.approx(there.min() - MARGIN * np.ptp(there))
        assert high == pytest.approx(there.max() + MARGIN * np.ptp(there))
    targets = program.problem.targets.double().numpy()
    np.testing.assert_allclose(plane.target, targets * 250 + 5000 if kind == "number" else targets, atol=1.0)
    assert plane.classes == features_of(kind).classes


def test_without_features_there_is_no_plane(program):
    explored = explore(program, 0.0)
    assert explored.plane is None
    assert {(view.surface, view.likeliest) for view in explored.views} == {((), ())}


def test_a_stray_number_does_not_squeeze_the_others():
    problem = plane_problem("two")
    problem.inputs[7, 0] = 1e6
    plane = lay_plane(problem, features_of("two"))
    assert plane.x_high < 30 + 8 * 12
    assert len(plane.x) == len(plane.target) == 239, "it lies outside and is left out"


def test_a_constant_feature_has_a_width():
    problem = plane_problem("two")
    problem.inputs[:, 1] = 0.0
    plane = lay_plane(problem, features_of("two"))
    assert plane.y_low < -0.002 < plane.y_high


def test_of_many_rows_some_are_drawn():
    plane = lay_plane(plane_problem("two", 1_500), features_of("two"))
    assert MAX_EXAMPLES - 2 <= len(plane.x) <= MAX_EXAMPLES
    assert all(len(repr(value)) < 12 for value in (*plane.x, *plane.y)), "rounded"


def test_places_go_row_by_row_from_below():
    plane = lay_plane(plane_problem("two"), features_of("two"))
    places = places_of(plane, features_of("two"), torch.float64)
    assert places.shape == (SIDE * SIDE, 2)
    assert (places[1] - places[0])[0] > 0 == (places[1] - places[0])[1]
    assert (places[SIDE] - places[0])[1] > 0
