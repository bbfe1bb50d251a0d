"""A loss that diverges without NaN: the layer that left its own range first."""

import math

import pytest
import torch
from torch import nn

from justfit.records import History, LayerTrace, LossBins, OptimizerTrace, WatchEvidence
from justfit.watch import watch
from justfit.watch._growth import find_divergence

STEPS = tuple(range(1, 101))


def series(level, grows_at=None, rate=1.1, seed=0):
    """Log-normal noise around a level, growing from a step on."""
    draw = torch.Generator().manual_seed(seed)
    noise = (0.2 * torch.randn(len(STEPS), generator=draw)).exp().tolist()
    growth = [1.0 if grows_at is None or step < grows_at else rate ** (step - grows_at) for step in STEPS]
    return tuple(level * n * g for n, g in zip(noise, growth, strict=True))


def evidence(**layers):
    traces = tuple(
        LayerTrace(name=name, kind="Linear", num_parameters=4, num_trainable=4, source=f"net.py:{place}", **values)
        for place, (name, values) in enumerate(layers.items())
    )
    return WatchEvidence(
        module="Net",
        num_parameters=4,
        unit_roundoff=1e-7,
        optimizers=(OptimizerTrace(name="optimizer", kind="SGD", steps=STEPS),),
        layers=traces,
        losses=LossBins(),
        history=History(epochs=(), train_loss=(), validation_loss=()),
    )


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_the_one_that_grew_first(scale):
    found = find_divergence(
        evidence(
            a={"gradient_norm": series(scale, 75)},
            b={"gradient_norm": series(1e3 * scale, 60, seed=1)},
            c={"gradient_norm": series(1e5 * scale, seed=2)},
        ),
        80,
        epoch=3,
    )
    assert (found.layer, found.stage, found.cause, found.epoch, found.source) == (
        "b",
        "backward",
        "divergence",
        3,
        "net.py:1",
    )
    assert 65 <= found.step <= 78
    assert not found.weights_intact
    assert "The gradient of `b` left its range first" in found.how


def test_an_activation_counts_as_well():
    found = find_divergence(
        evidence(a={"gradient_norm": series(1.0, 80), "activation_rms": series(2.0, 62, seed=3)}), 80
    )
    assert (found.layer, found.stage) == ("a", "forward")
    assert "The activation of `a`" in found.how


def test_of_two_that_grow_together_the_one_that_grows_most():
    found = find_divergence(
        evidence(
            a={"gradient_norm": tuple(1.0 if s < 60 else 10.0 * 1.05 ** (s - 60) for s in STEPS)},
            b={"gradient_norm": tuple(1.0 if s < 60 else 10.0 * 1.20 ** (s - 60) for s in STEPS)},
        ),
        80,
    )
    assert (found.layer, found.step) == ("b", 60)


def test_nothing_that_grew_is_nothing_found():
    assert (
        find_divergence(evidence(a={"gradient_norm": series(1.0)}, b={"activation_rms": series(5.0, seed=4)}), 80)
        is None
    )


def test_a_single_peak_is_no_growth():
    peak = tuple(100.0 if step == 70 else value for step, value in zip(STEPS, series(1.0), strict=True))
    assert find_divergence(evidence(a={"gradient_norm": peak}), 80) is None


def test_too_few_samples_before_tell_nothing():
    assert find_divergence(evidence(a={"gradient_norm": series(1.0, 60)}), 6) is None


def test_numbers_that_are_missing_are_left_out():
    values = tuple(math.nan if step % 2 else value for step, value in zip(STEPS, series(1.0, 60), strict=True))
    assert find_divergence(evidence(a={"gradient_norm": values}), 80).layer == "a"


@pytest.mark.parametrize("factor", [1.0, 60.0])
def test_in_a_loop(factor):
    """The learning rate of one layer is raised so far that the loss rises; beside it the same run left alone."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
    groups = [{"params": part.parameters(), "lr": 0.02} for part in net if isinstance(part, nn.Linear)]
    optimizer = torch.optim.SGD(groups, lr=0.02)
    with watch(net, optimizer, every=1, live=False) as run:
        for step in range(138):
            if step == 120:
                optimizer.param_groups[2]["lr"] *= factor
            x = torch.randn(64, 8)
            optimizer.zero_grad()
            (net(x) - x.sum(1, keepdim=True)).square().mean().backward()
            optimizer.step()
    found = run.record.evidence.first_failure
    if factor == 1.0:
        assert found is None
    else:
        assert (found.cause, found.stage) == ("divergence", "backward")
        assert 120 < found.step < 130
        assert found.layer in ("0", "2", "4")
        assert "JF412" in {finding.code for finding in run.record.findings}
        assert "JF402" not in {finding.code for finding in run.record.findings}  # nothing was NaN
