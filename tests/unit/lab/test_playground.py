"""The playground's engine against one ordinary PyTorch network at a time."""

import itertools
import json
import math
import time

import pytest
import torch
from torch import nn
from torch.nn import functional

from justfit.cures import initialize_
from justfit.errors import ArgumentError
from justfit.lab import Options, Playground, Settings, _playground_training
from justfit.lab._playground_options import ACTIVATIONS, DROPOUT, INITS, L2
from justfit.lab._playground_points import draw_points
from justfit.lab._playground_reference import Reference
from justfit.lab._playground_stack import FlatOptimizer, build_network
from justfit.lab._playground_training import StackTraining
from justfit.sweep import named_generator

SMALL = {"data": "spiral", "num_train": 50, "depth": 2, "width": 6, "batch_size": 16, "seed": 3}
NUM_EPOCHS = 4


class GivenDropout(nn.Module):
    """Dropout whose mask is handed in: the definition, mask / (1 - p)."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        return x * self.kept / (1 - self.p) if self.training and self.p else x


def optimizer_of(settings, network, weight_decay):
    """Take torch's own optimizer; weights decay, biases do not."""
    linears = [layer for layer in network if isinstance(layer, nn.Linear)]
    groups = [
        {"params": [layer.weight for layer in linears], "weight_decay": weight_decay},
        {"params": [layer.bias for layer in linears], "weight_decay": 0.0},
    ]
    kinds = {
        "sgd": lambda: torch.optim.SGD(groups, lr=settings.learning_rate),
        "momentum": lambda: torch.optim.SGD(groups, lr=settings.learning_rate, momentum=0.9),
        "adam": lambda: torch.optim.Adam(groups, lr=settings.learning_rate),
        "adamw": lambda: torch.optim.AdamW(groups, lr=settings.learning_rate),
    }
    return kinds[settings.optimizer]()


def train_plainly(settings, l2, p, num_epochs=NUM_EPOCHS, dtype=torch.float64):
    """Train one cell as a user would; its network, and its mean train and validation loss after every epoch."""
    points = draw_points(settings)
    rows = points.inputs[: settings.num_train]
    inputs = (points.inputs - rows.mean(0)) / rows.std(0, correction=0)
    inputs, labels = inputs.to(dtype), points.labels.to(dtype)

    widths = [2, *[settings.width] * settings.depth]
    parts = [
        part for a, b in itertools.pairwise(widths) for part in (nn.Linear(a, b), ACTIVATIONS[settings.activation]())
    ]
    bare = nn.Sequential(*parts, nn.Linear(settings.width, 1))
    initialize_(bare, scheme=settings.init, seed=settings.seed)
    with_dropout = []
    for layer in bare:
        with_dropout.append(layer)
        if not isinstance(layer, nn.Linear):
            with_dropout.append(GivenDropout(p))
    network = nn.Sequential(*with_dropout).to(dtype)
    dropouts = [layer for layer in network if isinstance(layer, GivenDropout)]
    for number, layer in enumerate(dropouts, start=1):
        layer.p = p if settings.dropout_layers == "all" or number in settings.dropout_layers else 0.0

    optimizer = optimizer_of(settings, network, l2 / settings.num_train)
    losses = []
    for epoch in range(num_epochs):
        order = torch.randperm(settings.num_train, generator=named_generator(settings.seed, "order", epoch))
        uniforms = torch.rand(
            (settings.num_train, settings.depth, settings.width),
            generator=named_generator(settings.seed, "mask", epoch),
        )
        network.train()
        for first in range(0, settings.num_train, settings.batch_size):
            batch = order[first : first + settings.batch_size]
            for number, layer in enumerate(dropouts):
                layer.kept = (uniforms[first : first + settings.batch_size, number] >= p).to(dtype)
            optimizer.zero_grad()
            outputs = network(inputs[batch]).squeeze(1)
            functional.binary_cross_entropy_with_logits(outputs, labels[batch]).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            each = functional.binary_cross_entropy_with_logits(network(inputs).squeeze(1), labels, reduction="none")
        losses.append([float(each[: settings.num_train].mean()), float(each[settings.num_train :].mean())])
    return network, losses


@pytest.mark.parametrize(
    "changed",
    [
        {"optimizer": "sgd", "learning_rate": 0.3},
        {"optimizer": "momentum", "activation": "tanh", "init": "xavier"},
        {"optimizer": "adam", "activation": "gelu", "dropout_layers": [2]},
        {"optimizer": "adamw", "activation": "elu", "init": "orthogonal", "learning_rate": 0.05},
        {"optimizer": "adam", "dropout_layers": [], "batch_size": 500, "depth": 4},
    ],
    ids=str,
)
def test_a_cell_is_an_ordinary_training(changed):
    settings = Settings.read({**SMALL, **changed})
    training = StackTraining(settings, draw_points(settings), torch.float64)
    training.advance(NUM_EPOCHS)
    for i, j in ((0, 0), (2, 0), (5, 1), (3, 4)):
        network, losses = train_plainly(settings, L2[i], DROPOUT[j])
        cell = i * len(DROPOUT) + j
        linears = [layer for layer in network if isinstance(layer, nn.Linear)]
        for (weight, bias), layer in zip(training.stack.cell(cell), linears, strict=True):
            torch.testing.assert_close(weight, layer.weight.detach().T, rtol=0, atol=1e-9)
            torch.testing.assert_close(bias[0], layer.bias.detach(), rtol=0, atol=1e-9)
        found = [[float(now.train[cell]), float(now.validation[cell])] for now in training.history[1:]]
        assert found == [pytest.approx(row, abs=1e-9) for row in losses]


def test_in_32_bits_too():
    settings = Settings.read({**SMALL, "activation": "silu", "optimizer": "momentum"})
    playground = Playground(settings)
    playground.advance(NUM_EPOCHS)
    for i, j in ((0, 0), (4, 2)):
        _, losses = train_plainly(settings, L2[i], DROPOUT[j], dtype=torch.float32)
        cell = i * len(DROPOUT) + j
        last = playground._training.history[-1]
        assert [float(last.train[cell]), float(last.validation[cell])] == pytest.approx(losses[-1], abs=1e-5)


def test_another_dropout_or_l2_is_another_training():  # the twin would notice a wrong factor
    settings = Settings.read(SMALL)
    training = StackTraining(settings, draw_points(settings), torch.float64)
    training.advance(NUM_EPOCHS)
    for l2, p in ((0.02, 0.1), (0.01, 0.11)):
        _, losses = train_plainly(settings, l2, p)
        cell = 1 * len(DROPOUT) + 1
        assert abs(float(training.history[-1].train[cell]) - losses[-1][0]) > 1e-7


def test_a_long_training_keeps_ever_fewer_epochs_and_the_latest(monkeypatch):
    settings = Settings.read({**SMALL, "num_train": 20})
    whole = StackTraining(settings, draw_points(settings))
    whole.advance(37)
    assert [losses.epoch for losses in whole.history] == list(range(38))
    monkeypatch.setattr(_playground_training, "MOST_KEPT", 8)
    long, cut = Playground(settings), Playground(settings)
    long.advance(37)
    for epochs in (3, 20, 1, 13):
        cut.advance(epochs)
    state = long.state(1, 1)
    assert state == cut.state(1, 1)
    assert (long.epoch, state["curves"]["epochs"]) == (37, [0, 8, 16, 24, 32, 37])
    kept = [whole.history[epoch].validation[6] for epoch in state["curves"]["epochs"]]
    assert state["curves"]["validation"] == pytest.approx([float(loss) for loss in kept], rel=1e-3)
    assert state["verdict"]["bestEpoch"] in (8, 16, 24, 32, 37)


def test_how_it_is_cut_and_what_is_looked_at_changes_nothing():
    settings = Settings.read(SMALL)
    whole, cut = Playground(settings), Playground(settings)
    whole.advance(7)
    torch.manual_seed(12)
    for epochs in (1, 2, 4):
        cut.advance(epochs)
        cut.state(1, 1)
    assert whole.state(2, 3, plane=True) == cut.state(2, 3, plane=True)
    assert torch.equal(whole._training.stack.flat, cut._training.stack.flat)


def test_the_seed_decides():
    first, same, other = (Playground(Settings.read({**SMALL, "seed": seed})) for seed in (1, 1, 2))
    for playground in (first, same, other):
        playground.advance(1)
    assert first.state(1, 1) == same.state(1, 1)
    assert first.state(1, 1)["curves"] != other.state(1, 1)["curves"]


def test_the_random_state_and_the_threads_are_left_alone():
    torch.manual_seed(0)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    playground = Playground(Settings.read({**SMALL, "init": "torch"}))
    playground.advance(1)
    playground.state()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("init", INITS)
def test_every_initialization_starts_all_cells_alike(init):
    settings = Settings.read({**SMALL, "init": init, "depth": 6, "activation": "gelu"})
    points = draw_points(settings)
    training = StackTraining(settings, points)
    network = build_network(settings, training.inputs[: points.num_train])
    for leaf, parameter in zip(training.stack.leaves, network.parameters(), strict=True):
        value = parameter.T if parameter.dim() == 2 else parameter[None]
        assert torch.equal(leaf, value.expand_as(leaf))
    stds = {"zero": 0.0, "normal:0.01": 0.01, "normal:1": 1.0, "lecun": 6**-0.5}
    if init in stds:
        weights = torch.cat([weight[0].detach().flatten() for weight in training.stack.weights[1:-1]])
        assert float(weights.std()) == pytest.approx(stds[init], rel=0.25)  # 180 draws: 4.7 standard errors


def test_a_cell_that_diverges_leaves_the_others_alone():
    # the decay alone multiplies weights by 1 − ηλ/n = −19 a step where λ = 100, and by 1 where λ = 0
    changed = {**SMALL, "num_train": 50, "optimizer": "sgd", "learning_rate": 10.0, "activation": "tanh"}
    playground = Playground(Settings.read(changed))
    playground.advance(50)
    hurt, fine = playground.state(5, 0), playground.state(0, 0)
    assert hurt["diverged"]
    assert not fine["diverged"]
    assert hurt["grid"]["train"][5][0] is None
    assert fine["grid"]["train"][0][0] is not None
    assert set(itertools.chain.from_iterable(hurt["surface"])) == {128}
    assert hurt["verdict"]["state"] == "undecided"
    json.dumps(hurt, allow_nan=False)


def test_a_network_that_is_too_small_underfits_and_one_that_memorises_overfits():
    small = Playground(Settings.read({"data": "spiral", "depth": 1, "width": 2, "num_train": 100, "noise": 0.0}))
    large = Playground(
        Settings.read({"data": "moons", "noise": 0.4, "depth": 3, "width": 32, "num_train": 40, "learning_rate": 0.02})
    )
    for playground in (small, large):
        playground.advance(50)
    assert small.state(0, 0)["verdict"]["state"] == "underfitting"
    verdict = large.state(0, 0)["verdict"]
    assert verdict["state"] == "overfitting"
    assert verdict["sentence"].startswith("The network overfits")
    assert verdict["bestEpoch"] < 25


def test_there_is_no_verdict_before_the_first_epoch():
    playground = Playground(Settings.read(SMALL))
    assert playground.state()["verdict"] is None
    playground.advance(1)
    assert playground.state()["verdict"]["state"] == "undecided"


def test_a_smoother_comes_near_to_what_can_be_known():
    settings = Settings.read({"data": "gauss", "noise": 0.5, "num_train": 500})
    points = draw_points(settings)
    x = points.inputs[points.num_train :]
    variance = 0.3**2 + 1.0**2  # of each cloud: its own, and that of the noise
    odds = 2 * x.sum(1) / variance
    best = float(functional.binary_cross_entropy_with_logits(odds, points.labels[points.num_train :].double()))
    reference = Reference(points)
    assert best < reference.smoother_loss < best + 0.1
    assert reference.constant_loss == pytest.approx(math.log(2))
    assert reference.best(0.5 * best) == (0.5 * best, "the best λ, dropout and epoch here")
    assert reference.best(1.0) == (reference.smoother_loss, "a kernel smoother")


def test_time_ends_a_call_between_epochs_and_a_long_epoch_between_steps(monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr("justfit.lab._playground_training.time.monotonic", lambda: next(ticks))
    playground, whole = Playground(Settings.read(SMALL)), Playground(Settings.read(SMALL))  # 4 steps an epoch
    found = []
    for seconds in (2, 1, 100, 8, 8):  # each step looks at the clock once, but for the last of an epoch
        playground.advance(50 if seconds != 100 else 1, seconds)
        state = playground.state()
        found.append((state["epoch"], state["stepsLeft"]))
    assert found == [(0, 2), (0, 1), (1, 0), (3, 0), (5, 0)]
    whole.advance(5)
    assert torch.equal(playground._training.stack.flat, whole._training.stack.flat)


@pytest.mark.parametrize("epochs", [0, 51, 1.5, True, "2", None])
def test_epochs_outside_their_range_are_refused(epochs):
    playground = Playground(Settings.read(SMALL))
    with pytest.raises(ArgumentError, match="`epochs` must be a whole number from 1 to 50"):
        playground.advance(epochs)
    assert playground.epoch == 0


@pytest.mark.parametrize(
    ("l2", "dropout", "name"), [(6, 0, "l2"), (-1, 0, "l2"), (0, 5, "dropout"), (0, 0.1, "dropout")]
)
def test_indices_outside_the_grid_are_refused(l2, dropout, name):
    with pytest.raises(ArgumentError, match=f"`{name}` must be an index from 0 to"):
        Playground(Settings.read(SMALL)).state(l2, dropout)


def test_a_table_is_needed_where_it_is_asked_for():
    with pytest.raises(ArgumentError, match="`data=table` needs a table"):
        Playground(Settings.read({"data": "table"}))
    assert "table" in Options.of(has_table=True).data
    assert "table" not in Options.of(has_table=False).data


def test_options_are_plain():
    plain = json.loads(json.dumps(Options.of(has_table=False).plain()))
    assert plain["l2"] == list(L2)
    assert plain["ranges"]["depth"] == [1, 100]
    assert Settings.read({name: plain[name][-1] for name in ("data", "activation", "init", "optimizer")})


@pytest.mark.parametrize(
    ("changed", "most_seconds", "most_state_seconds"),
    [({"depth": 3, "width": 8}, 0.06, 0.05), ({"depth": 100, "width": 8}, 1.5, 0.5)],
    ids=["depth 3", "depth 100"],
)
def test_it_is_fast_enough_to_be_played_with(changed, most_seconds, most_state_seconds):
    playground = Playground(Settings.read({"num_train": 200, "batch_size": 20, **changed}))
    playground.advance(1)
    took = [_seconds(lambda: playground.advance(1)) for _ in range(3)]
    looked = [_seconds(lambda: playground.state(1, 1)) for _ in range(3)]
    assert min(took) < most_seconds
    assert min(looked) < most_state_seconds


def _seconds(work):
    started = time.process_time()  # of this process: others may be at work
    work()
    return time.process_time() - started


def test_an_optimizer_that_is_not_offered_is_named():
    with pytest.raises(ArgumentError, match=r"^The optimizer must be sgd, .*adamw\. Found `lion`\. Take adam\.$"):
        FlatOptimizer("lion", 0.1, torch.zeros(3))
