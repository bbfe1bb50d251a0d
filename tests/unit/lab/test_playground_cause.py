"""Why a network of the playground does not learn: each cause from a network that has it, none from one that learns."""

import math

import pytest

from justfit.lab import Playground, Settings
from justfit.lab._playground_cause import LEARNED, moves_of
from justfit.lab._playground_look import Signals
from justfit.lab._playground_options import DROPOUT
from justfit.report import number

BASE = {"data": "moons", "num_train": 100, "width": 8, "optimizer": "sgd", "learning_rate": 0.01}


def played(epochs=0, **settings):
    playground = Playground(Settings.read({**BASE, **settings}))
    if epochs:
        playground.advance(epochs)
    return playground


def share(state):
    return state["backward"][0] / state["backward"][-1]


def test_fifty_sigmoid_layers_lose_the_gradient_and_the_lab_says_what_keeps_it():
    state = played(5, activation="sigmoid", init="xavier", depth=50).state()
    assert state["cause"]["claim"] == "C12"
    assert share(state) == pytest.approx(3.3e-34, rel=0.5)
    assert f"The gradient vanishes: at layer 1 it is {number(share(state), 2)} of that at" in state["cause"]["sentence"]
    assert state["moves"] == {"forward": "stay even", "backward": "vanish"}
    kept = share(played(activation="sigmoid", init="auto", depth=50).state())
    assert state["cause"]["sentence"].endswith(f"Initialization `auto` begins with {kept:.2f} of it.")


def test_a_gradient_that_explodes_is_named_with_its_factor():
    state = played(init="normal:1", depth=50).state()
    assert share(state) > 1e9
    assert "The gradient explodes: at layer 1 it is 2.5·10⁹ times that at the output." in state["cause"]["sentence"]
    assert state["moves"]["backward"] == "explode"


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_units_that_begin_at_zero_are_the_same_and_stay_so(activation):
    playground = played(activation=activation, init="zero", depth=3)
    for _ in range(2):
        cause = playground.state()["cause"]
        assert cause["claim"] == "C14"
        assert cause["sentence"].startswith("All 8 units of a layer are the same")
        playground.advance(5)


def test_a_layer_that_died_in_training_is_named():
    playground = played(5, depth=3, learning_rate=3, optimizer="momentum")
    state = playground.state()
    dead = state["dead"].index(1.0) + 1
    assert state["cause"]["claim"] == "C15"
    assert f"All 8 units of layer {dead} are dead" in state["cause"]["sentence"]
    assert "The first weights were not like that: try a lower learning rate." in state["cause"]["sentence"]


def test_what_lambda_took_away_is_laid_to_lambda():
    playground = played(5, init="torch", depth=4, optimizer="adam")
    assert playground.state(0)["cause"] is None
    assert "try a smaller λ than 100" in playground.state(5)["cause"]["sentence"]


def test_a_network_that_learns_or_diverged_has_no_cause():
    playground = played(50, depth=2, init="he", optimizer="adam", learning_rate=0.03)
    state = playground.state()
    assert state["verdict"]["state"] in LEARNED
    assert state["cause"] is None
    diverged = played(5, depth=3, learning_rate=3, optimizer="momentum").state(5)
    assert diverged["diverged"]
    assert diverged["cause"] is None


@pytest.mark.parametrize(
    ("last", "word"),
    [(1.0, "stay even"), (0.4, "stay even"), (0.3, "shrink"), (3.0, "grow"), (0.002, "shrink"), (0.0009, "vanish"),
     (1100.0, "explode"), (0.0, "vanish")],
)  # fmt: skip
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_the_word_depends_on_the_factor_over_the_depth_alone(last, word, scale):
    forward = [scale, scale * math.sqrt(last), scale * last]
    signals = Signals(forward=[*forward, 7.0], backward=[*forward[::-1], scale], dead=[0.0] * 3)
    assert moves_of(signals)["forward"] == word
    back = Signals(forward=[1.0, 1.0], backward=forward[::-1], dead=[0.0])
    assert moves_of(back)["backward"] == word


def test_the_advice_costs_one_measurement():
    playground = played(activation="sigmoid", init="xavier", depth=50)
    for dropout in range(len(DROPOUT)):
        playground.state(0, dropout)
    assert playground._signals_of_auto() is playground._auto
