"""A cure is one thing: what `build`, `apply_`, `model` and `training` hold, and what the patch says to do by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import justfit
from justfit.cures import PairedLoss, Standardize
from justfit.repair._alteration import Alteration, Hypothesis
from justfit.repair._apply import Applier
from justfit.repair._case import Case, with_optimizer_read
from justfit.repair._ledger import Ledger
from justfit.repair._pairing import Pairing, default_loss, paired_change, usual_change
from justfit.repair._patch import changes_of
from justfit.repair._proposals import pairings
from justfit.repair._run import Run
from justfit.repair._yardstick import yardstick_for
from justfit.sweep import Setting, Training, as_examples

INPUTS = torch.randn(500, 5, generator=torch.Generator().manual_seed(0))
CLASSES = (INPUTS[:, 0] + INPUTS[:, 1] * INPUTS[:, 2] > 0).long()
NUMBERS = INPUTS[:, :1] + torch.sin(2 * INPUTS[:, 1:2])


def mlp(num_outputs=2, p=0.0, fill=None):
    def build():
        network = nn.Sequential(
            nn.Linear(5, 32), nn.ReLU(), *([nn.Dropout(p)] if p else []), nn.Linear(32, num_outputs)
        )
        for parameter in network.parameters() if fill is not None else ():
            nn.init.constant_(parameter, fill)
        return network

    return build


def usual(targets, num_outputs):
    return Pairing(
        kind="unusual loss", loss_fn=default_loss, change=usual_change(torch.zeros(len(targets), num_outputs), targets)
    )


UNITS = torch.tensor([1e-3, 1e3, 1.0, 1e2, 1e-2])
CURES = {
    "learning rate": (Alteration(learning_rate=1e4), {"learning_rate": 1e-6}),
    "momentum": (Alteration(learning_rate=1e4), {"optimizer": "momentum", "learning_rate": 3e-6}),
    "λ": (Alteration(l2=0.1), {"l2": 2e3}),
    "clip": (Alteration(clip_norm=1.0, learning_rate=1e-2), {"learning_rate": 1.0}),
    "dropout": (Alteration(dropout=0.0), {"build": mlp(p=0.97)}),
    "init": (Alteration(init="he"), {"build": mlp(fill=0.0)}),
    "auto": (Alteration(init="auto"), {"build": mlp(fill=0.0)}),
    "inputs": (Alteration(standardize=True), {"inputs": INPUTS * UNITS + 5 * UNITS}),
    "targets": (Alteration(standardize_targets=True), {"targets": 80 * NUMBERS + 150, "build": mlp(1)}),
    "inputs and targets": (
        Alteration(standardize=True, standardize_targets=True),
        {"inputs": INPUTS * UNITS, "targets": 80 * NUMBERS + 150, "build": mlp(1)},
    ),
    "loss": (
        Alteration(pairing=usual(NUMBERS, 1)),
        {"targets": NUMBERS, "build": mlp(1), "loss_fn": nn.BCEWithLogitsLoss()},
    ),
}  # fmt: skip


def run_of(alteration, *, inputs=INPUTS, targets=CLASSES, l2=0.0, **how):
    given = {"build": mlp(), "loss_fn": default_loss, "learning_rate": 1e-2, "epochs": 15, "batch_size": 32} | how
    training = Training(examples=as_examples((inputs[:350], targets[:350]), (inputs[350:], targets[350:])), **given)
    case = with_optimizer_read(Case(training=training, setting=Setting(l2=l2), seed=0))
    stick = yardstick_for(given["build"]()(inputs[:9]), case.validation[1], case.training_targets)
    run = Run(case, alteration, stick, Ledger(budget=3.0, num_steps=1, epochs=15))
    run.advance(run.num_steps)
    return run


def by_hand(run, changes):
    """Do to a plain training loop what the patch says, by running its code; the share of the learnable."""
    case, (x_val, _) = run.case, run.case.validation
    rows = case.examples.training_rows(0)
    torch.manual_seed(7)
    space = {
        "torch": torch, "nn": nn, "F": functional, "justfit": justfit, "loss_fn": case.training.loss_fn,
        "model": case.training.build(), "x_train": case.examples.inputs[rows], "y_train": case.examples.targets[rows],
    }  # fmt: skip
    model = space["model"]
    codes = {change.kind + change.where: change.code for change in changes}
    for change in changes:
        if change.kind == "dropout":
            model.set_submodule(change.where, eval(change.code, space))  # noqa: S307  # what is tested
    x_held, x, y = x_val, space["x_train"], space["y_train"]
    if "input_scalinginput 0" in codes:
        x_held, x = (scope(codes["input_scalinginput 0"], space, x=part)["x"] for part in (x_val, x))
    if "input_scalingtargets" in codes:
        space |= scope(codes["input_scalingtargets"], space, y=y)
        y = space["y"]
    for kind in ("lossloss", "initializationnetwork", "learning_rateoptimizer"):
        space |= scope(codes.get(kind, ""), space, x=x[:32])
    optimizer = space.get("optimizer") or case.optimizer_of_baseline().__class__(
        model.parameters(), lr=case.learning_rate
    )
    step = codes.get("clippingoptimizer", "loss.backward()\noptimizer.step()")
    own_l2 = f"justfit.l2_penalty(model, l2={case.setting.l2}, num_examples={len(x)})"
    loss = codes.get("l2loss", f"loss = loss_fn(model(x), y) + {own_l2}")
    for _ in range(run.network.training.epochs):
        for part in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            scope(f"{loss}\n{step}", {**space, "optimizer": optimizer}, x=x[part], y=y[part])
    model.eval()
    with torch.no_grad():
        answer = codes.get("input_scalingoutput", "prediction = model(x)")
        prediction = scope(answer, space, x=x_held)["prediction"]
    return run.yardstick.share(run.yardstick.scores(prediction))


def scope(code, space, **names):
    inside = {**space, **names}
    exec(code, inside)  # noqa: S102  # what is tested
    return inside


@pytest.mark.parametrize("name", CURES)
def test_the_patch_by_hand_gives_what_the_cure_gives(name):
    alteration, how = CURES[name]
    run, plain = run_of(alteration, **how), run_of(Alteration(), **how)
    changes = changes_of(run.case, Hypothesis(name=name, alteration=alteration), ())
    assert run.last_share > max(plain.last_share, 0) + 0.1
    assert by_hand(run, changes) == pytest.approx(run.last_share, abs=0.1)
    assert by_hand(run, ()) < run.last_share - 0.1


@pytest.mark.parametrize("name", CURES)
def test_build_apply_and_model_hold_the_same_changes(name):
    alteration, how = CURES[name]
    run = run_of(alteration, **how)
    applier = Applier(run.case, alteration)
    own = run.case.training.build()
    applied, built = applier(own), applier.build()
    trained = applier.finish(run.network.module)
    for network in (built, trained):
        assert str(network) == str(own)
        assert network.state_dict().keys() == own.state_dict().keys()
        assert len(network._forward_hooks) == len(own._forward_hooks)
    told = changes_of(run.case, Hypothesis(name=name, alteration=alteration), ())
    assert {(c.kind, c.where) for c in applied.changes} <= {(c.kind, c.where) for c in told}
    applied.undo()
    assert str(own) == str(run.case.training.build())
    assert own.state_dict().keys() == run.case.training.build().state_dict().keys()


def test_the_cured_p_is_in_every_network():
    run = run_of(Alteration(dropout=0.0), build=mlp(p=0.97))
    applier = Applier(run.case, run.alteration)
    for network in (applier.build(), applier.finish(run.network.module)):
        network.train()
        assert [part.p for part in network.modules() if isinstance(part, nn.Dropout)] == [0.0]
        assert torch.equal(network(INPUTS[:9]), network(INPUTS[:9]))


def test_a_built_network_begins_where_the_run_began():
    for init in ("he", "auto"):
        alteration = Alteration(init=init, standardize=True)
        case = run_of(Alteration(), epochs=1, inputs=INPUTS * UNITS).case
        began = case.network(alteration).module
        torch.manual_seed(99)
        built = Applier(case, alteration).build()
        assert isinstance(built[0], Standardize)
        for one, other in zip(built.state_dict().values(), began.state_dict().values(), strict=True):
            torch.testing.assert_close(one, other)


def test_the_unit_of_the_targets_is_in_the_weights_file():
    run = run_of(Alteration(standardize_targets=True), targets=80 * NUMBERS + 150, build=mlp(1))
    state = run.network.module.state_dict()
    assert float(state["output_mean"]) == pytest.approx(150, abs=20)
    fresh = Applier(run.case, run.alteration).build()
    fresh.load_state_dict(state)
    assert torch.equal(fresh.eval()(INPUTS), run.network.module.eval()(INPUTS))


@pytest.mark.parametrize(
    ("outputs", "targets", "code"),
    [
        (torch.zeros(6, 1), torch.randn(6, 1), "loss_fn = nn.MSELoss()"),
        (torch.zeros(6, 1), torch.randn(6), "loss_fn = lambda outputs, y: F.mse_loss(outputs.reshape(y.shape), y)"),
        (torch.zeros(6, 3), torch.arange(6) % 3, "loss_fn = nn.CrossEntropyLoss()"),
        (torch.zeros(6, 1), (torch.arange(6) % 2).float()[:, None], "loss_fn = nn.BCEWithLogitsLoss()"),
        (
            torch.zeros(6, 1),
            torch.arange(6) % 2,
            "loss_fn = lambda outputs, y: "
            "F.binary_cross_entropy_with_logits(outputs.reshape(y.shape), y.to(outputs.dtype))",
        ),
        (
            torch.zeros(6, 4, 3),
            torch.zeros(6, 4).long(),
            "loss_fn = lambda outputs, y: F.cross_entropy(outputs.movedim(-1, 1), y)",
        ),
    ],
)  # fmt: skip
def test_one_loss_is_printed_and_it_is_the_one_that_is_used(outputs, targets, code):
    outputs = outputs + torch.randn(outputs.shape, generator=torch.Generator().manual_seed(3))
    change = usual_change(outputs, targets)
    assert change.code == code
    loss_fn = scope(code, {"nn": nn, "F": functional})["loss_fn"]
    assert torch.equal(loss_fn(outputs, targets), default_loss(outputs, targets))


@pytest.mark.parametrize(
    ("steps", "outputs", "targets"),
    [
        ({"outputs": "log"}, torch.rand(6, 3).softmax(1), torch.arange(6) % 3),
        ({"outputs": "logit", "targets": "argmax"}, torch.rand(6, 3), torch.eye(3).repeat(2, 1)),
        (
            {"outputs": "log_softmax", "targets": "class numbers", "zero": 1.0},
            torch.rand(6, 3),
            1 + torch.arange(6) % 3,
        ),
    ],
)
def test_what_comes_before_a_loss_is_printed_as_well(steps, outputs, targets):
    loss = nn.NLLLoss() if steps["outputs"] == "log_softmax" else nn.CrossEntropyLoss()
    paired = PairedLoss(loss, **steps)
    change = paired_change(usual_change(outputs, targets.argmax(1) if targets.ndim > 1 else targets - 1), paired, None)
    loss_fn = scope(change.code, {"nn": nn, "torch": torch})["loss_fn"]
    torch.testing.assert_close(loss_fn(outputs, targets), paired(outputs, targets))


@pytest.mark.parametrize(
    ("optimizer", "code"),
    [
        ("adam", "torch.optim.Adam(model.parameters(), lr=0.01)"),
        ("momentum", "torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)"),
        (lambda p: torch.optim.Adam(p, lr=1e-6, eps=1e-4), "torch.optim.Adam(model.parameters(), lr=0.01, eps=0.0001)"),
    ],
)
def test_the_optimizer_keeps_its_settings_in_the_patch(optimizer, code):
    case = run_of(Alteration(), optimizer=optimizer, learning_rate=1e-6, epochs=1).case
    (change,) = changes_of(case, Hypothesis(name="rate", alteration=Alteration(learning_rate=1e4)), ())
    assert change.code == f"optimizer = {code}"
    assert ("it is `learning_rate=0.01`" in change.why) == isinstance(optimizer, str), "the key of a recipe"


@pytest.mark.parametrize(
    ("loss_fn", "targets", "kinds"),
    [
        (nn.MSELoss(), functional.one_hot(CLASSES).float(), ["loss", "output_activation"]),
        (nn.CrossEntropyLoss(), CLASSES, ["output_activation"]),
    ],
)
def test_a_loss_that_changes_with_the_output_is_in_the_patch(loss_fn, targets, kinds):
    def build():
        return nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 2), nn.Softmax(1))

    case = run_of(Alteration(), build=build, loss_fn=loss_fn, targets=targets, epochs=1).case
    hypothesis = pairings(case, build())[0]
    changes = changes_of(case, hypothesis, ())
    assert [change.kind for change in changes] == kinds
    logits, own = torch.randn(9, 2), {"nn": nn, "loss_fn": loss_fn}
    by_hand = scope(changes[0].code if kinds[0] == "loss" else "", own)["loss_fn"]
    used = case.altered(hypothesis.alteration)[0].loss_fn
    assert torch.equal(by_hand(logits, targets[:9]), used(logits, targets[:9]))
