"""`scheme="auto"` changes weights and biases and nothing else, by seed and name, within four passes; undo is exact."""

import sys

import pytest
import torch
from torch import nn

from justfit.cures import initialize_
from justfit.probe import _snapshot
from tests.unit.probe.fingerprint import fingerprint, process


def network(*, activation=nn.ReLU, num_layers=4, width=16):
    torch.manual_seed(3)
    hidden = [part for _ in range(num_layers) for part in (nn.Linear(width, width), activation())]
    return nn.Sequential(*hidden, nn.Dropout(0.5), nn.BatchNorm1d(width), nn.Linear(width, 3))


def values(module):
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


X = torch.randn(32, 16, generator=torch.Generator().manual_seed(0))


def test_nothing_but_weights_and_biases_changes_and_undo_brings_all_back():
    module = network()
    (module(X).sum()).backward()
    before, old = fingerprint(module), values(module)
    record = initialize_(module, X, scheme="auto", seed=0)
    assert process() == before["process"]
    changed = {name for name, value in values(module).items() if not torch.equal(value, old[name])}
    assert changed == {change.name for change in record.changes}
    record.undo()
    assert fingerprint(module) == before


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    drawn = []
    for seed in (5, 5, 6):
        module = network()
        torch.rand(7)  # the global state is not read
        initialize_(module, X, scheme="auto", seed=seed)
        drawn.append(values(module))
    assert same(drawn[0], drawn[1])
    assert not torch.equal(drawn[0]["0.weight"], drawn[2]["0.weight"])


@pytest.mark.parametrize("width", [16, 17])
def test_a_layer_does_not_depend_on_those_behind_it(width):
    x = torch.randn(32, width)
    short, long = network(num_layers=3, width=width), network(num_layers=9, width=width)
    for module in (short, long):
        initialize_(module, x, scheme="auto", seed=1)
    for index in (0, 2):
        assert torch.equal(short[index].weight, long[index].weight)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.SELU])
def test_at_most_four_forward_passes_and_the_record_counts_them(activation):
    module, count = network(activation=activation, num_layers=60), []
    module.register_forward_pre_hook(lambda *_: count.append(1))
    record = initialize_(module, X, scheme="auto", seed=0)
    assert len(count) == record.num_passes <= 4


class Failing(nn.Module):
    """Raises when the countdown ends."""

    def __init__(self, error):
        super().__init__()
        self.inner, self.error = network(activation=nn.Tanh, num_layers=30), error

    def forward(self, x):
        FAILURES[0] -= 1
        if FAILURES[0] == 0:
            raise self.error
        return self.inner(x)


FAILURES = [0]  # global, as what the module holds is restored after each pass


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("error", [RuntimeError("out of luck"), KeyboardInterrupt()])
@pytest.mark.parametrize("copy_bytes", [2**28, 0])
def test_an_error_in_any_pass_leaves_everything_as_it_was(number, error, copy_bytes, monkeypatch):
    monkeypatch.setattr(_snapshot.Snapshot, "copy_bytes", copy_bytes)  # 0: as for a network too large to copy
    module = Failing(error)
    before = values(module)
    FAILURES[0] = number
    with pytest.raises(type(error)):
        initialize_(module, X, scheme="auto", seed=0)
    assert same(values(module), before)


def test_undo_is_exact_where_the_network_is_too_large_to_be_copied_by_the_probe(monkeypatch):
    monkeypatch.setattr(_snapshot.Snapshot, "copy_bytes", 0)
    module = network()
    before = values(module)
    record = initialize_(module, X, scheme="auto", seed=0)
    assert not same(values(module), before)
    record.undo()
    assert same(values(module), before)


def test_work_grows_with_depth_and_not_with_its_square():
    calls = []
    for num_layers in (25, 200):
        module = network(num_layers=num_layers)
        initialize_(module, X, scheme="auto", seed=0)
        calls.append(0)

        def count(_frame, event, _argument):
            calls[-1] += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            initialize_(module, X, scheme="auto", seed=0)
        finally:
            sys.setprofile(None)
    assert 4 < calls[1] / calls[0] < 2 * 200 / 25  # 8; the square would be 64
