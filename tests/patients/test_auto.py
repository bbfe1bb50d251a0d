"""A plain network of 60 ReLU layers: it trains from `auto`, and not from where PyTorch starts it."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from justfit.cures import initialize_


@pytest.fixture(scope="module")
def digits():
    table = load_digits()
    rows = torch.tensor(table.data).float()
    return (rows - rows.mean(0)) / rows.std(0).clamp(min=1e-6), torch.tensor(table.target)


def accuracy_after(network, x, y, num_steps=100):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    generator = torch.Generator().manual_seed(1)
    for _ in range(num_steps):
        rows = torch.randint(0, len(x), (32,), generator=generator)
        optimizer.zero_grad()
        functional.cross_entropy(network(x[rows]), y[rows]).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        return (network(x).argmax(1) == y).double().mean().item()


def test_sixty_relu_layers_train_from_auto_and_not_from_the_default(digits):
    x, y = digits
    torch.manual_seed(0)
    network = nn.Sequential(*[part for _ in range(60) for part in (nn.Linear(64, 64), nn.ReLU())], nn.Linear(64, 10))
    start = {name: value.clone() for name, value in network.state_dict().items()}
    assert accuracy_after(network, x, y) < 0.3
    network.load_state_dict(start)
    initialize_(network, x[:256], scheme="auto", seed=0)
    assert accuracy_after(network, x, y) > 0.9
