"""`read_signals` leaves a module bit for bit as it was, also when something raises."""

from contextlib import suppress

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from justfit.probe import read_signals
from tests.unit.probe.fingerprint import fingerprint

X = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))


class Counting(nn.Module):
    """Keeps what it saw."""

    def __init__(self):
        super().__init__()
        self.body, self.seen = nn.Linear(8, 3), []

    def forward(self, x):
        self.seen.append(x)
        self.last = self.body(x)
        return self.last


NETWORKS = {
    "norm and dropout": lambda: nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)),
    "in place": lambda: nn.Sequential(nn.Linear(8, 8), nn.ReLU(inplace=True), nn.Linear(8, 3)),
    "spectral": lambda: nn.Sequential(parametrizations.spectral_norm(nn.Linear(8, 8)), nn.Linear(8, 3)),
    "attributes": Counting,
    "compiled": lambda: torch.compile(nn.Linear(8, 3), backend="eager"),
}


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("fails", [False, True])
def test_bit_identical(name, train, fails):
    torch.manual_seed(0)
    net = NETWORKS[name]().train(train)
    net(X).sum().backward()  # there are gradients and statistics to lose
    before = fingerprint(net)

    def loss_fn(output, targets):
        if fails:
            raise ZeroDivisionError
        return nn.functional.cross_entropy(output, targets)

    inputs, targets = X.clone(), torch.arange(16) % 3
    with suppress(ZeroDivisionError):
        read_signals(net, inputs, targets=targets, loss_fn=loss_fn)
    assert fingerprint(net) == before
    assert torch.equal(inputs, X)


def test_an_error_inside_the_network():
    class Failing(nn.Linear):
        def forward(self, x):
            self.broken = super().forward(x)
            raise KeyError("no")

    net = Failing(8, 3)
    before = fingerprint(net)
    with pytest.raises(KeyError):
        read_signals(net, X)
    assert fingerprint(net) == before


def test_two_looks_see_the_same():
    torch.manual_seed(0)
    net = NETWORKS["norm and dropout"]()
    first, second = (repr(read_signals(net, X).layers) for _ in range(2))
    assert first == second
