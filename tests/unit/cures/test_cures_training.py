"""The learning rate set with its ratios kept; changes of the training loop as words and code that runs."""

import math

import pytest
import torch
from torch import nn

from justfit import l2_penalty
from justfit.cures import (
    clipping_change,
    initialization_change,
    l2_change,
    learning_rate_change,
    set_learning_rate_,
    weight_decay_change,
)
from justfit.errors import ArgumentError


def optimizer(kind=torch.optim.SGD, rates=(0.1, 0.2), **keywords):
    layers = [nn.Linear(2, 1) for _ in rates]
    groups = [{"params": list(layer.parameters()), "lr": rate} for layer, rate in zip(layers, rates, strict=True)]
    return kind(groups, lr=rates[0], **keywords)


def rates(of):
    return [float(group["lr"]) for group in of.param_groups]


def test_ratios_stay_and_so_does_the_state():
    of = optimizer(torch.optim.Adam, (0.1, 0.4))
    scheduler = torch.optim.lr_scheduler.LambdaLR(of, lambda epoch: 1.0)
    for group in of.param_groups:
        group["params"][0].grad = torch.ones_like(group["params"][0])
    of.step()
    scheduler.step()
    before = [dict(group.items()) for group in of.param_groups]
    moments = {id(p): state["exp_avg"].clone() for p, state in of.state.items()}
    applied = set_learning_rate_(of, 0.04)
    assert rates(of) == pytest.approx([0.01, 0.04])
    assert [group["initial_lr"] for group in of.param_groups] == pytest.approx([0.01, 0.04])
    assert all(torch.equal(state["exp_avg"], moments[id(p)]) for p, state in of.state.items())
    applied.undo()
    assert [dict(group.items()) for group in of.param_groups] == before
    set_learning_rate_(of, factor=3)
    assert rates(of) == pytest.approx([0.3, 1.2])


def test_a_rate_in_a_tensor_stays_in_it():
    of = optimizer(torch.optim.Adam, (0.1,), capturable=False)
    of.param_groups[0]["lr"] = held = torch.tensor(0.1)
    applied = set_learning_rate_(of, factor=0.1)
    assert of.param_groups[0]["lr"] is held
    assert float(held) == pytest.approx(0.01)
    applied.undo()
    assert torch.equal(held, torch.tensor(0.1))


def test_words_and_code_run():
    model = nn.Linear(2, 1)
    of = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    (change,) = set_learning_rate_(of, factor=0.1).changes
    assert (change.before, change.after) == ("learning rate 0.1", "learning rate 0.01, 1/10 of it")
    scope = {"torch": torch, "model": model}
    exec(change.code, scope)  # noqa: S102 - the code a user would write
    twin = scope["optimizer"]
    assert type(twin) is torch.optim.SGD
    assert {key: twin.defaults[key] for key in ("lr", "momentum", "nesterov")} == {
        "lr": 0.01, "momentum": 0.9, "nesterov": True,
    }  # fmt: skip
    assert learning_rate_change("Adam", 0.3, before=0.1).after == "learning rate 0.3, 3 times as much"


def test_no_change_is_said():
    applied = set_learning_rate_(optimizer(), 0.2)
    assert (applied.changes, applied.untouched) == ((), (("optimizer", "its learning rate is 0.2 already"),))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Either `value` or `factor` must be given. Found neither. Write `set_learning_rate_"),
        ({"value": 0.1, "factor": 2.0}, "Either `value` or `factor` must be given. Found both."),
        ({"value": 0.0}, r"`value` must be a positive, finite number\. Found `value=0.0`\. To stop training a part"),
        ({"factor": math.inf}, r"`factor` must be a positive, finite number\. Found `factor=inf`\."),
        ({"value": True}, r"`value` must be a positive, finite number\. Found `value=True`\."),
    ],
)
def test_what_is_refused(arguments, message):
    of = optimizer()
    with pytest.raises(ArgumentError, match=message):
        set_learning_rate_(of, **arguments)
    assert rates(of) == [0.1, 0.2]


def test_rates_of_zero_have_no_ratio():
    with pytest.raises(ArgumentError, match=r"a learning rate above 0 .* Found learning rates that are all 0"):
        set_learning_rate_(optimizer(rates=(0.0, 0.0)), 0.1)


def test_clipping_code_clips():
    model = nn.Linear(3, 1)
    loss = model(torch.full((2, 3), 100.0)).sum()
    scope = {"torch": torch, "model": model, "loss": loss, "optimizer": torch.optim.SGD(model.parameters(), lr=1.0)}
    before = [p.detach().clone() for p in model.parameters()]
    exec(clipping_change(0.5).code, scope)  # noqa: S102 - the code a user would write
    step = torch.cat([(p.detach() - q).flatten() for p, q in zip(model.parameters(), before, strict=True)])
    assert float(step.norm()) == pytest.approx(0.5, rel=1e-4)


@pytest.mark.parametrize("kind", ["SGD", "Adam", "RMSprop"])
def test_coupled_weight_decay_takes_the_steps_of_the_l2_term(kind):
    """λ/n as `weight_decay` against the term in the loss, on a network without biases."""
    torch.manual_seed(0)
    x, y = torch.randn(20, 3), torch.randn(20, 1)
    l2, models = 0.7, [nn.Linear(3, 1, bias=False) for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    decay = float(weight_decay_change(kind, l2, 20).code.partition("=")[2])
    plain = getattr(torch.optim, kind)(models[0].parameters(), lr=0.05)
    coupled = getattr(torch.optim, kind)(models[1].parameters(), lr=0.05, weight_decay=decay)
    for _ in range(10):
        for model, of in zip(models, (plain, coupled), strict=True):
            of.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            (loss + l2_penalty(model, l2, 20) if of is plain else loss).backward()
            of.step()
    assert torch.allclose(models[0].weight, models[1].weight, atol=1e-6)


def test_words_of_l2_and_initialization():
    assert l2_change(0.0, 10, before=0.5).code == "loss = loss_fn(model(x), y)"
    assert l2_change(0.0, 10, before=0.5).why.startswith("Larger weights")
    assert initialization_change("he").code == "justfit.initialize_(model, scheme='he')"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: clipping_change(0.0), r"`max_norm` must be a finite number above 0\. Found `max_norm=0.0`\."),
        (lambda: l2_change(-1.0, 10), r"`l2` must be a finite number that is at least 0\. Found `l2=-1.0`\."),
        (
            lambda: l2_change(1.0, 0),
            "`num_examples` must be a whole number that is at least 1. Found `num_examples=0`.",
        ),
        (
            lambda: weight_decay_change("AdamW", 1.0, 10),
            "whose weight decay enters the gradient: SGD, .* Found `optimizer='AdamW'`. Add `justfit.l2_penalty`",
        ),
        (lambda: initialization_change("kaiming"), "`scheme` must be one of zero, .* Found `scheme='kaiming'`."),
    ],
)
def test_what_the_words_refuse(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
