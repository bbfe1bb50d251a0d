"""Every kind of cure on a network that needs it, and none on one that does not."""

import functools
import json
import threading
import time
import warnings

import pytest
import torch
from rich.console import Console
from torch import nn
from torch.nn import functional

import justfit
from justfit.records import CureRecord, from_json, to_dict, to_json

GENERATOR = torch.Generator().manual_seed(0)
INPUTS = torch.randn(900, 6, generator=GENERATOR)
TARGETS = (INPUTS[:, 0] + INPUTS[:, 1] * INPUTS[:, 2] > 0).long() + 2 * (INPUTS[:, 3] > 0).long()
TRAIN, VALIDATION = (INPUTS[:600], TARGETS[:600]), (INPUTS[600:], TARGETS[600:])
NUMBERS = INPUTS[:, :1] + torch.sin(2 * INPUTS[:, 1:2])
HOW = {"learning_rate": 5e-3, "epochs": 16}


def mlp(activation=nn.ReLU, depth=2, last=(), p=0.0, num_outputs=4):
    def build():
        layers, width = [], 6
        for _ in range(depth):
            layers += [nn.Linear(width, 32), activation(), *([nn.Dropout(p)] if p else [])]
            width = 32
        return nn.Sequential(*layers, nn.Linear(width, num_outputs), *(make() for make in last))

    return build


def filled(build, fill):
    def wrong():
        network = build()
        for parameter in network.parameters():
            fill(parameter)
        return network

    return wrong


def scaled(data, factor):
    return data[0] * factor, data[1]


SICK = {
    "zeros": ("initialization", {"build": filled(mlp(), nn.init.zeros_)}),
    "too large": ("initialization", {"build": filled(mlp(), lambda w: nn.init.normal_(w, 0, 3.0))}),
    "rate too high": ("learning rate", {"learning_rate": 3.0}),
    "rate too low": ("learning rate", {"learning_rate": 1e-6}),
    "deep sigmoid": ("activation", {"build": mlp(nn.Sigmoid, depth=6)}),
    "nll of logits": ("loss pairing", {"loss_fn": nn.NLLLoss()}),
    "inputs × 1000": (
        "input scaling",
        {"train": scaled(TRAIN, 1e-4), "validation": scaled(VALIDATION, 1e-4), "learning_rate": 2e-3},
    ),
    "λ": ("l2", {"l2": 3e3}),
    "weight decay": ("l2", {"optimizer": lambda p: torch.optim.Adam(p, lr=5e-3, weight_decay=3.0)}),
    "p": ("dropout", {"build": mlp(p=0.97)}),
}  # fmt: skip


@functools.cache
def healthy_error():
    return justfit.cure(mlp(), TRAIN, VALIDATION, **HOW).record.error_before


@pytest.mark.parametrize("name", SICK)
def test_sick_is_cured(name):
    cause, fault = SICK[name]
    arguments = {"build": mlp(), "train": TRAIN, "validation": VALIDATION, **HOW, **fault}
    found = justfit.cure(**arguments)
    assert (found.state, found.cause) == ("cured", cause), found.record.reasons
    assert found.record.gain.gain_lower > 0
    assert found.record.share_after > found.record.share_before + 0.1
    assert found.cost.network_epochs <= 3 * HOW["epochs"]
    assert found.patch
    assert found.record.error_after <= healthy_error() + 0.06
    inputs, targets = arguments["validation"]
    with torch.no_grad():
        error = float((found.model()(inputs).argmax(1) != targets).double().mean())
    assert error == pytest.approx(found.record.error_after)


HEALTHY = {
    "plain": {},
    "tanh": {"build": mlp(nn.Tanh)},
    "dropout": {"build": mlp(p=0.1)},
    "sgd": {"optimizer": "momentum", "learning_rate": 0.03},
    "decay": {"optimizer": lambda p: torch.optim.AdamW(p, lr=5e-3, weight_decay=0.01)},
    "batch norm": {
        "build": lambda: nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4))
    },
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_proposed_for_what_is_healthy(name):
    found = justfit.cure(**{"build": mlp(), "train": TRAIN, "validation": VALIDATION, **HOW, **HEALTHY[name]})
    assert found.state != "cured"
    assert found.changes == ()
    assert found.cause == ""
    if found.state == "nothing to repair":
        assert found.tried == ()
        assert found.cost.network_epochs == HOW["epochs"]


def test_a_loss_that_raises_is_itself_the_hypothesis():
    found = justfit.cure(
        mlp(), TRAIN, VALIDATION, **HOW, loss_fn=lambda o, t: functional.binary_cross_entropy_with_logits(o, t.float())
    )
    assert (found.state, found.cause) == ("cured", "loss pairing")
    assert "ValueError" in found.record.reasons[0]
    assert found.verdict is None


def broadcast(outputs, targets):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return functional.mse_loss(outputs, targets.squeeze(1))


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_numbers_are_repaired_as_well():
    train, validation = (INPUTS[:600], NUMBERS[:600]), (INPUTS[600:], NUMBERS[600:])
    found = justfit.cure(mlp(num_outputs=1), train, validation, **HOW, loss_fn=broadcast)
    assert (found.state, found.cause) == ("cured", "loss pairing")
    assert found.record.share_after > 0.8


@pytest.fixture
def busy():
    """A thread that wants the interpreter again and again; without its pauses each call of torch would wait for it."""
    stop = threading.Event()

    def spin():
        while not stop.wait(0.001):
            sum(range(2_000))

    thread = threading.Thread(target=spin)
    yield thread
    stop.set()
    thread.join()


@pytest.mark.parametrize("name", ["zeros", "rate too low"])
def test_the_same_seed_finds_the_same_however_busy_the_machine_and_leaves_everything_alone(name, busy, monkeypatch):
    arguments = {"build": mlp(), **HOW, **SICK[name][1], "seed": 5}
    data = (TRAIN[0].clone(), TRAIN[1].clone())
    state = torch.random.get_rng_state()
    runs = [justfit.cure(train=data, validation=VALIDATION, **arguments)]
    clock = time.process_time
    monkeypatch.setattr(time, "process_time", lambda: 1_000 * clock())  # a machine on which everything takes long
    busy.start()
    runs.append(justfit.cure(train=data, validation=VALIDATION, **arguments))
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(data[0], TRAIN[0])
    first, second = (to_dict(run.record) for run in runs)
    for record in (first, second):
        assert record["cost"].pop("seconds") > 0
        assert record["cost"].pop("training_seconds") > 0
    assert json.dumps(first) == json.dumps(second)
    for one, other in zip(runs[0].model().parameters(), runs[1].model().parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_budget_is_kept_and_a_cure_is_told_with_other_draws_where_it_allows():
    found = justfit.cure(mlp(), TRAIN, VALIDATION, **{**HOW, **SICK["rate too low"][1]}, budget=6.0)
    assert found.state == "cured"
    assert found.cost.trainings <= 6.0
    assert found.record.repeated.num_seeds == 2
    assert found.record.repeated.gain_lower > 0
    assert found.cost.trainings == pytest.approx(found.cost.network_epochs / HOW["epochs"])
    short = justfit.cure(mlp(), TRAIN, VALIDATION, **{**HOW, **SICK["rate too low"][1]}, budget=2.5)
    assert (short.state, short.cause) == ("cured", "learning rate")


def test_a_training_that_ends_too_early_gets_more_epochs():
    found = justfit.cure(mlp(), TRAIN, VALIDATION, learning_rate=3e-3, epochs=4)
    assert (found.state, found.cause) == ("cured", "epochs")
    assert found.training["epochs"] in (8, 12)
    assert found.record.epochs_after == found.training["epochs"]
    assert f"epochs = {found.training['epochs']}" in found.patch


FEW = torch.randn(400, 12, generator=torch.Generator().manual_seed(0))


def wide():
    return nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 2))


def test_too_few_rows_ask_for_more_data():
    noise = torch.randn(400, generator=torch.Generator().manual_seed(1))
    targets = (FEW[:, 0] + noise > 0).long()
    data = (FEW[:80], targets[:80]), (FEW[80:200], targets[80:200])
    found = justfit.cure(wide, *data, learning_rate=3e-3, epochs=40, batch_size=16)
    assert found.state == "more data, not more regularization"
    assert {tried.cause for tried in found.record.tried} == {"epochs", "l2", "dropout"}
    assert found.changes == ()


def test_labels_that_do_not_go_with_the_inputs_are_named_and_nothing_is_tried():
    targets = (FEW[:, 0] + FEW[:, 1] > 0).long()[torch.randperm(400, generator=torch.Generator().manual_seed(3))]
    found = justfit.cure(wide, (FEW[:250], targets[:250]), (FEW[250:], targets[250:]), learning_rate=5e-3, epochs=20)
    assert (found.state, found.record.tried) == ("no cure found", ())
    assert "the labels do not go with the inputs" in found.record.notes[-1]


def test_ctrl_c_while_the_training_is_watched_says_what_is_known():
    def stop(progress):
        if progress.fraction > 0.1:
            raise KeyboardInterrupt

    found = justfit.cure(SICK["zeros"][1]["build"], TRAIN, VALIDATION, **HOW, on_progress=stop)
    assert found.record.interrupted
    assert found.state == "no cure found"
    assert "JF301 symmetric units" in found.record.reasons
    assert 0 < found.cost.trainings < 0.5
    console = Console(width=120, record=True)
    with console.capture() as text:
        found.summary(console)
    assert "Interrupted: nothing was tried on Sequential yet." in text.get()


def test_a_record_is_read_back_and_files_are_written(tmp_path):
    found = justfit.cure(SICK["zeros"][1]["build"], TRAIN, VALIDATION, **HOW, out=tmp_path / "cure")
    text = (tmp_path / "cure" / "record.json").read_text("utf-8")
    assert to_json(from_json(CureRecord, text)) == to_json(found.record)
    assert "initialize_" in (tmp_path / "cure" / "patch.md").read_text("utf-8")
    from safetensors.torch import load_file

    stored = load_file(tmp_path / "cure" / "model.safetensors")
    assert all(torch.equal(stored[name], tensor) for name, tensor in found.model().state_dict().items())


@pytest.mark.parametrize("name", ["zeros", "deep sigmoid", "inputs × 1000", "p"])
def test_a_cure_is_made_on_a_network_and_taken_back(name):
    _, fault = SICK[name]
    arguments = {"build": mlp(), "train": TRAIN, "validation": VALIDATION, **HOW, **fault}
    found = justfit.cure(**arguments)
    network = arguments["build"]().eval()
    inputs = arguments["train"][0][:20]
    text, before = str(network), network(inputs)
    state = {key: value.clone() for key, value in network.state_dict().items()}
    applied = found.apply_(network)
    now = network.state_dict()
    same = now.keys() == state.keys() and all(torch.equal(now[key], value) for key, value in state.items())
    assert str(network) != text or not same
    applied.undo()
    assert str(network) == text
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())
    assert torch.equal(network(inputs), before)


@pytest.mark.parametrize("name", ["zeros", "deep sigmoid", "inputs × 1000", "p"])
def test_what_is_built_is_what_was_trained_and_what_training_says(name):
    arguments = {"build": mlp(), "train": TRAIN, "validation": VALIDATION, **HOW, **SICK[name][1]}
    found = justfit.cure(**arguments)
    built, trained, own = found.build().train(), found.model(), arguments["build"]()
    applied = found.apply_(own)
    assert str(built.eval()) == str(trained) == str(own.eval())
    assert built.state_dict().keys() == trained.state_dict().keys()
    rates = {part.p for part in (*built.modules(), *trained.modules()) if isinstance(part, nn.Dropout)}
    assert rates == ({found.training["dropout"]} if name == "p" else set())
    assert {change.where for change in applied.changes} <= {change.where for change in found.changes}
    optimizer = torch.optim.Adam(built.parameters(), lr=found.training["learning_rate"])
    built.train()
    for _ in range(found.training["epochs"]):
        for rows in torch.randperm(600, generator=GENERATOR).split(found.training["batch_size"]):
            optimizer.zero_grad()
            outputs = built(arguments["train"][0][rows])
            found.training["loss_fn"](outputs, TRAIN[1][rows]).backward()
            optimizer.step()
    inputs, targets = arguments["validation"]
    error = float((built.eval()(inputs).argmax(1) != targets).double().mean())
    assert error == pytest.approx(found.record.error_after, abs=0.08)
