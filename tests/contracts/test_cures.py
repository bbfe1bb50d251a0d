"""Every cure: the finding gone or smaller, the healthy left alone, undo exact, the rest of the network untouched."""

import copy
import math

import pytest
import torch
from torch import nn

import justfit
from justfit.cures import (
    insert_activations_,
    insert_dropout_,
    insert_normalization_,
    remove_output_activation_,
    replace_activations_,
    set_dropout_,
    standardize_inputs_,
)
from justfit.errors import ArgumentError
from justfit.maths import linearity_r2
from justfit.records import Change, from_json, to_json
from tests.unit.cures.networks import NETWORKS, network_and_batch
from tests.unit.probe.fingerprint import bits, fingerprint

CURES = {
    "replace_activations_": lambda network, x: replace_activations_(network, "leaky_relu", inputs=x),
    "insert_activations_": lambda network, x: insert_activations_(network, inputs=x),
    "remove_output_activation_": lambda network, x: remove_output_activation_(network, inputs=x),
    "insert_normalization_": insert_normalization_,
    "insert_normalization_ batch": lambda network, x: insert_normalization_(network, x, kind="batch"),
    "insert_dropout_": lambda network, x: insert_dropout_(network, 0.4, inputs=x),
    "set_dropout_": lambda network, x: set_dropout_(network, 0.35, inputs=x),
    "standardize_inputs_": standardize_inputs_,
}


def tensors(network):
    return {name: bits(tensor) for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("cure", CURES)
def test_undo_is_exact(cure, name):
    """Bits, identities, gradients, modes, hooks, attributes, order of children, and the process's random state."""
    network, x = network_and_batch(name)
    before = fingerprint(network)
    applied = CURES[cure](network, x)
    applied.undo()
    assert fingerprint(network) == before
    applied.undo()
    assert fingerprint(network) == before


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("cure", CURES)
def test_the_rest_is_untouched_and_the_network_trains(cure, name):
    network, x = network_and_batch(name)
    before, state = tensors(network), torch.get_rng_state()
    modes = {id(part): part.training for part in network.modules()}
    applied = CURES[cure](network, x)
    assert torch.equal(torch.get_rng_state(), state)
    after = tensors(network)
    assert {key: after[key] for key in before} == before
    assert all(part.training == modes.get(id(part), part.training) for part in network.modules())
    twin = copy.deepcopy(network)
    for run in (network, twin):
        run.zero_grad()
        torch.manual_seed(0)
        run(x).square().sum().backward()
    grads = [(p.grad, q.grad) for p, q in zip(network.parameters(), twin.parameters(), strict=True)]
    assert all(p is q is None or torch.equal(p, q) for p, q in grads)
    assert not {id(part) for part in network.modules()} & {id(part) for part in twin.modules()}
    assert isinstance(applied.changes, tuple)


@pytest.mark.parametrize("cure", CURES)
def test_every_change_says_what_where_and_why(cure):
    num_changes = 0
    for name in NETWORKS:
        network, x = network_and_batch(name)
        applied = CURES[cure](network, x)
        for change in (*applied.changes, *applied.by_hand):
            assert all((change.kind, change.where, change.before, change.after, change.code, change.why))
            assert change.why.endswith(".")
            assert from_json(Change, to_json(change)) == change
            num_changes += 1
        assert all(place and reason for place, reason in applied.untouched)
    assert num_changes


@pytest.mark.parametrize("cure", CURES)
def test_a_cure_changes_nothing_twice(cure):
    """What is cured is not cured again: the second time nothing is left to do, and undo works back to the start."""
    for name in NETWORKS:
        network, x = network_and_batch(name)
        before = fingerprint(network)
        first = CURES[cure](network, x)
        second = CURES[cure](network, x)
        assert second.changes == ()
        second.undo()
        first.undo()
        assert fingerprint(network) == before


@pytest.mark.parametrize("name", ["nested Sequential", "shared in a ModuleList", "residual blocks"])
def test_undo_in_the_wrong_order_is_refused(name):
    network, x = network_and_batch(name)
    before = fingerprint(network)
    first = replace_activations_(network, "gelu", inputs=x)
    second = replace_activations_(network, "silu", only=[change.where for change in first.changes], inputs=x)
    assert second.changes
    with pytest.raises(ArgumentError, match=r"Changes must be undone in reverse order\. Found `.*` changed again"):
        first.undo()
    second.undo()
    first.undo()
    assert fingerprint(network) == before


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("cure", CURES)
def test_what_was_put_in_follows_the_module(cure, name):
    """Converted after the cure, the whole network is of the new dtype and runs on it."""
    network, x = network_and_batch(name)
    CURES[cure](network, x)
    network.eval()
    other = torch.float32 if x.dtype == torch.float64 else torch.float64
    before = network(x)
    network.to(other)
    assert {tensor.dtype for tensor in network.state_dict().values() if tensor.is_floating_point()} == {other}
    assert torch.allclose(network(x.to(other)), before.to(other), atol=1e-3)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("order", range(4))
def test_cures_go_together_in_any_order(name, order):
    """All of them on one network: it runs and trains, a copy gives the same, and the way back is exact."""
    network, x = network_and_batch(name)
    before = fingerprint(network)
    shuffled = torch.randperm(len(CURES), generator=torch.Generator().manual_seed(order))
    cures = [list(CURES)[number] for number in shuffled]
    done = [CURES[cure](network, x) for cure in cures]
    assert sum(len(applied.changes) for applied in done) >= 2
    for applied in reversed(done):
        applied.undo()
    assert fingerprint(network) == before
    for cure in cures:
        CURES[cure](network, x)
    twin, outputs = copy.deepcopy(network), []
    for run in (network, twin):
        torch.manual_seed(0)
        outputs.append(run(x))
        outputs[-1].square().sum().backward()
    assert torch.equal(*outputs)


def findings(network, x, **keywords):
    return {finding.code: finding for finding in justfit.check(network, x, **keywords).findings}


def deep(activation, depth=12, width=32, scale=1.0):
    torch.manual_seed(0)
    parts = [part for _ in range(depth) for part in (nn.Linear(width, width), activation())]
    network = nn.Sequential(*parts, nn.Linear(width, 4))
    with torch.no_grad():
        for layer in network[::2]:
            layer.weight.mul_(scale)
    return network


def with_bias(network, value):
    with torch.no_grad():
        for layer in network[:-1:2]:
            layer.bias.fill_(value)
    return network


ROWS = torch.randn(64, 32, generator=torch.Generator().manual_seed(7))
CLASSES = torch.arange(64) % 4

# cure → code of the finding, network, batch, further arguments of `check`
SICK = [
    ("replace_activations_", "JF201", lambda: deep(nn.Sigmoid), ROWS, {}),
    ("replace_activations_", "JF305", lambda: deep(nn.Tanh, scale=12.0), ROWS, {}),
    ("replace_activations_", "JF304", lambda: with_bias(deep(nn.ReLU, depth=2), -3.0), ROWS, {}),
    ("insert_normalization_", "JF201", lambda: deep(nn.ReLU, depth=20), ROWS, {}),
    ("insert_normalization_", "JF203", lambda: deep(nn.ReLU, depth=12, scale=0.5), ROWS, {}),
    ("insert_normalization_", "JF204", lambda: deep(nn.ReLU, depth=12, scale=8.0), ROWS, {}),
    ("insert_normalization_ batch", "JF204", lambda: deep(nn.ReLU, depth=12, scale=8.0), ROWS, {}),
    ("standardize_inputs_", "JF501", lambda: deep(nn.ReLU, depth=2), ROWS * 40 + 130, {}),
    (
        "remove_output_activation_",
        "JF502",
        lambda: deep(nn.ReLU, depth=1).append(nn.Softmax(dim=1)),
        ROWS,
        {"targets": CLASSES, "loss_fn": nn.CrossEntropyLoss()},
    ),
]


@pytest.mark.parametrize(("cure", "code", "build", "x", "keywords"), SICK)
def test_the_finding_is_gone_or_smaller(cure, code, build, x, keywords):
    network = build()
    before = findings(network, x, **keywords)
    assert code in before
    applied = CURES[cure](network, x)
    assert applied.changes
    after = findings(network, x, **keywords)
    if code in after:
        excess = [abs(math.log(found[code].value / found[code].threshold)) for found in (before, after)]
        assert excess[1] < excess[0]
    applied.undo()
    assert findings(network, x, **keywords).keys() == before.keys()


def test_two_linear_layers_are_linear_until_an_activation_stands_between():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 32), nn.Linear(32, 2))
    x = torch.randn(256, 4)
    assert linearity_r2(x, network(x)) > 0.999
    insert_activations_(network)
    assert linearity_r2(x, network(x)) < 0.99


def test_dropout_thins_what_was_not_thinned():
    network = nn.Sequential(nn.Linear(4, 4000), nn.ReLU(), nn.Linear(4000, 1))
    x = torch.randn(3, 4)
    assert torch.equal(network(x), network(x))
    insert_dropout_(network, 0.4)
    seen = []
    network[-1].register_forward_pre_hook(lambda layer, args: seen.append(args[0]))
    torch.manual_seed(0)
    assert not torch.equal(network(x), network(x))
    hidden = network[1](network[0](x))
    share = float((seen[0][hidden > 0] == 0).float().mean())
    assert abs(share - 0.4) < 4 * math.sqrt(0.4 * 0.6 / int((hidden > 0).sum()))
    network.eval()
    assert torch.equal(network(x), network(x))


HEALTHY = nn.Sequential(
    *(nn.Linear(32, 32), nn.LayerNorm(32), nn.GELU(), nn.Dropout(0.35)),
    *(nn.Linear(32, 32), nn.LayerNorm(32), nn.GELU(), nn.Dropout(0.35), nn.Linear(32, 4)),
)


@pytest.mark.parametrize("cure", CURES)
def test_the_healthy_is_left_alone(cure):
    before = fingerprint(HEALTHY)
    applied = CURES[cure](HEALTHY, ROWS)
    assert applied.changes == applied.by_hand == ()
    assert fingerprint(HEALTHY) == before
