"""What is shown of one cell, against one network that is asked point by point."""

import itertools
import json
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from justfit.lab import Playground, Settings
from justfit.lab._playground_look import spread
from justfit.lab._playground_options import ACTIVATIONS
from justfit.lab._playground_plain import rounded

CELL = (1, 2)  # λ = 0.01, dropout 0.2


@pytest.fixture(scope="module", params=[("relu", 3, 5), ("tanh", 13, 10)], ids=["3 layers of 5", "13 layers of 10"])
def playground(request):
    activation, depth, width = request.param
    settings = {"data": "moons", "num_train": 60, "depth": depth, "width": width, "activation": activation}
    playground = Playground(Settings.read(settings))
    playground.advance(3)
    return playground


@pytest.fixture(scope="module")
def state(playground):
    return playground.state(*CELL, plane=True)


@pytest.fixture(scope="module")
def network(playground):
    """The cell as an ordinary network in float64."""
    settings = playground.settings
    widths = [2, *[settings.width] * settings.depth]
    parts = [
        part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), ACTIVATIONS[settings.activation]())
    ]
    network = nn.Sequential(*parts, nn.Linear(settings.width, 1)).double()
    layers = playground._training.stack.cell(CELL[0] * 5 + CELL[1])
    for layer, (weight, bias) in zip([part for part in network if isinstance(part, nn.Linear)], layers, strict=True):
        layer.weight.data, layer.bias.data = weight.T.clone(), bias[0].clone()
    return network


def seen(playground, x, y):
    rows = playground.points.inputs[: playground.points.num_train]
    return (torch.tensor([x, y], dtype=torch.float64) - rows.mean(0)) / rows.std(0, correction=0)


def rms(values):
    return float(values.square().mean().sqrt())


def pixel(plane, size, column, row):
    """Centre of a pixel; rows count from the lowest y."""
    x = plane["xLow"] + (plane["xHigh"] - plane["xLow"]) * (column + 0.5) / size
    return x, plane["yLow"] + (plane["yHigh"] - plane["yLow"]) * (row + 0.5) / size


@torch.no_grad()
def test_the_surface_is_the_probability_at_every_pixel(playground, state, network):
    for row, column in itertools.product((0, 7, 39), (0, 20, 39)):
        chance = float(network(seen(playground, *pixel(state["plane"], 40, column, row))).sigmoid())
        assert abs(state["surface"][row][column] - 255 * chance) < 0.6
    assert [len(row) for row in state["surface"]] == [40] * 40


@torch.no_grad()
def test_a_map_is_what_its_unit_says_at_every_pixel(playground, state, network):
    for shown in state["units"]:
        to_layer = network[: 2 * shown["layer"]]
        for unit, scale, rows in zip(shown["indices"], shown["scale"], shown["maps"], strict=True):
            assert (len(rows), len(rows[0])) == (16, 16)
            for row, column in ((0, 0), (3, 11), (15, 15)):
                value = float(to_layer(seen(playground, *pixel(state["plane"], 16, column, row)))[unit - 1])
                assert abs((rows[row][column] - 127.5) / 127.5 * scale - value) < 0.005 * scale + 1e-12


def test_at_most_ten_layers_of_eight_units_are_shown(playground, state):
    layers = [shown["layer"] for shown in state["units"]]
    assert len(layers) == min(10, playground.settings.depth)
    assert (layers[0], layers[-1]) == (1, playground.settings.depth)
    for shown in state["units"]:
        assert len(shown["maps"]) == len(shown["indices"]) == min(8, playground.settings.width)
        assert shown["indices"] == sorted(set(shown["indices"]))


def test_weights_lead_from_shown_units_to_shown_units(state, network):
    shown = [{"layer": 0, "indices": [1, 2]}, *state["units"], {"layer": len(network) // 2 + 1, "indices": [1]}]
    assert len(state["weights"]) == len(shown) - 1
    for (before, after), weights in zip(itertools.pairwise(shown), state["weights"], strict=True):
        if after["layer"] > before["layer"] + 1:
            assert weights is None
            continue
        full = network[2 * (after["layer"] - 1)].weight.detach()
        for (row, unit), (column, source) in itertools.product(
            enumerate(after["indices"]), enumerate(before["indices"])
        ):
            assert weights[row][column] == pytest.approx(float(full[unit - 1, source - 1]), rel=1e-3)


def test_signals_are_those_of_one_forward_and_one_backward_pass(playground, state, network):
    points, kept = playground.points, []
    for part in network:
        part.register_forward_hook(lambda _, __, output: kept.append(output) or output.retain_grad())
    rows = torch.stack([seen(playground, x, y) for x, y in points.inputs[: points.num_train].tolist()])
    outputs = network(rows)[:, 0]
    functional.binary_cross_entropy_with_logits(outputs, points.labels[: points.num_train].double()).backward()
    places = [*kept[1::2], kept[-1]]
    assert state["forward"] == pytest.approx([rms(place.detach()) for place in places], rel=1e-3)
    assert state["backward"] == pytest.approx([rms(place.grad) for place in places], rel=1e-3)
    if playground.settings.activation == "relu":
        dead = [float((place <= 0).all(0).double().mean()) for place in kept[:-1:2]]
        assert state["dead"] == pytest.approx(dead, abs=1e-3)
    for part in network:
        part._forward_hooks.clear()


@torch.no_grad()
def test_curves_end_with_the_losses_of_the_network_as_it_is(playground, state, network):
    points = playground.points
    rows = torch.stack([seen(playground, x, y) for x, y in points.inputs.tolist()])
    each = functional.binary_cross_entropy_with_logits(network(rows)[:, 0], points.labels.double(), reduction="none")
    curves = state["curves"]
    assert curves["epochs"] == [0, 1, 2, 3]
    for name, losses in (("train", each[: points.num_train]), ("validation", each[points.num_train :])):
        assert curves[name][-1] == pytest.approx(float(losses.mean()), rel=1e-3)
        assert curves[f"{name}Se"][-1] == pytest.approx(float(losses.std()) / math.sqrt(len(losses)), rel=1e-3)
        assert state["grid"][name][CELL[0]][CELL[1]] == curves[name][-1]


def test_the_gradient_of_a_very_deep_network_is_told_from_none():
    playground = Playground(
        Settings.read({"depth": 100, "activation": "sigmoid", "init": "normal:0.01", "num_train": 20})
    )
    state = playground.state()
    assert 0 < state["backward"][0] < 1e-150  # 1/400 a layer
    assert state["forward"][0] == pytest.approx(0.5, abs=0.02)
    assert state["dead"] == [0.0] * 100


def test_units_that_are_zero_everywhere_are_dead_and_shown_at_zero():
    playground = Playground(Settings.read({"depth": 2, "width": 3, "num_train": 20}))
    stack = playground._training.stack
    with torch.no_grad():
        stack.leaves[1][0, 0, 1] = -100.0  # bias of the second unit of the first layer, of cell (0, 0)
    state = playground.state()
    assert state["dead"][0] == pytest.approx(1 / 3, abs=1e-3)
    assert set(itertools.chain.from_iterable(state["units"][0]["maps"][1])) == {128}
    assert playground.state(1, 0)["dead"][0] == 0


@pytest.mark.parametrize("changed", [{}, {"depth": 100, "width": 9, "num_train": 500, "batch_size": 500}])
def test_a_state_is_small(changed):
    playground = Playground(Settings.read(changed))
    playground.advance(1)
    assert len(json.dumps(playground.state(plane=True), allow_nan=False)) < 200_000


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("init", ["zero", "normal:1", "auto"])
def test_every_activation_can_be_shown(activation, init):
    settings = {"activation": activation, "init": init, "depth": 12, "width": 1, "num_train": 20, "learning_rate": 10}
    playground = Playground(Settings.read({**settings, "optimizer": "momentum"}))
    playground.advance(2)
    state = json.loads(json.dumps(playground.state(5, 4), allow_nan=False))
    assert len(state["forward"]) == len(state["backward"]) == len(state["dead"]) + 1 == 13


def test_a_long_training_is_shown_by_some_of_its_epochs():
    playground = Playground(Settings.read({"num_train": 20, "depth": 1, "width": 1, "batch_size": 20}))
    for _ in range(7):
        playground.advance(50)
    curves = playground.state()["curves"]
    assert len(curves["epochs"]) == len(curves["train"]) == 300
    assert (curves["epochs"][0], curves["epochs"][-1]) == (0, 350)


@pytest.mark.parametrize(
    ("count", "most", "places"),
    [
        (3, 10, [0, 1, 2]),
        (10, 10, list(range(10))),
        (100, 4, [0, 33, 66, 99]),
        (9, 8, [0, 1, 2, 3, 5, 6, 7, 8]),
        (0, 3, []),
    ],
)
def test_spread(count, most, places):
    assert spread(count, most) == places


def test_rounded_leaves_what_is_no_float():
    assert rounded(
        {"a": [1.23456, math.nan, -math.inf], "b": [[1, 2]], "c": True, "d": None, "e": 123456, "f": []}
    ) == {
        "a": [1.235, None, None],
        "b": [[1, 2]],
        "c": True,
        "d": None,
        "e": 123456,
        "f": [],
    }
