"""Networks of many kinds that every cure is tried on, each with a batch."""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations


class Functional(nn.Module):
    """Activations and dropout called as functions."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(8, 16)
        self.fc2 = nn.Linear(16, 16)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        x = functional.sigmoid(self.fc1(x))
        x = functional.dropout(x, 0.3, training=self.training)
        x = torch.tanh(self.fc2(x))
        return torch.softmax(self.head(x), dim=1)


class Shared(nn.Module):
    """One ReLU for all hidden layers, in a ModuleList and by itself; its class says nothing about the order."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(16, 3)
        self.relu = nn.ReLU()
        self.bends = nn.ModuleList([self.relu, nn.Tanh()])
        self.layers = nn.ModuleList([nn.Linear(8, 16), nn.Linear(16, 16)])
        self.first = nn.Linear(8, 8)

    def forward(self, x):
        x = self.relu(self.first(x))
        for layer, bend in zip(self.layers, self.bends, strict=True):
            x = bend(layer(x))
        return self.head(x)


class Gated(nn.Module):
    """A sigmoid gate beside a sigmoid hidden layer, and a softmax that weighs."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 16)
        self.hidden = nn.Sigmoid()
        self.squeeze = nn.Sequential(nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 16), nn.Sigmoid())
        self.weigh = nn.Softmax(dim=-1)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        x = self.hidden(self.fc(x))
        x = x * self.squeeze(x)
        x = self.weigh(x @ x.T) @ x
        return self.head(x)


class Recurrent(nn.Module):
    """A recurrence by hand, and one of torch's."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 16, num_layers=2, dropout=0.2, batch_first=True)
        self.step = nn.Linear(32, 16)
        self.tanh = nn.Tanh()
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        x, _ = self.lstm(x)
        state = torch.zeros_like(x[:, 0])
        for t in range(x.shape[1]):
            state = self.tanh(self.step(torch.cat([x[:, t], state], 1)))
        return self.head(state)


class Residual(nn.Module):
    """Residual blocks with normalisation."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.block = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1)
        )
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))

    def forward(self, x):
        x = self.relu(self.stem(x))
        return self.head(self.relu(x + self.block(x)))


class Root(nn.Sequential):
    """A Sequential that does more than its parts."""

    def forward(self, x):
        return super().forward(x.flatten(1)) * 2


class TakenApart(nn.Module):
    """Takes single modules out of a Sequential by their numbers, and uses a weight without calling its layer."""

    def __init__(self):
        super().__init__()
        self.parts = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 16), nn.Linear(16, 3), nn.Sigmoid())
        self.tied = nn.Linear(16, 16)

    def forward(self, x):
        x = self.parts[1](self.parts[0](x))
        x = self.parts[4](functional.linear(x, self.tied.weight) + self.parts[2](x))
        return self.parts[3](x)


def _nested():
    body = nn.Sequential(
        nn.Linear(8, 16), nn.Sigmoid(), nn.Sequential(nn.Linear(16, 16), nn.BatchNorm1d(16), nn.Tanh())
    )
    return nn.Sequential(body, nn.Dropout(0.2), nn.Linear(16, 16), nn.Linear(16, 3), nn.Softmax(dim=1))


def _shared_slots():
    relu = nn.ReLU()
    return nn.Sequential(nn.Linear(8, 16), relu, nn.Linear(16, 16), relu, nn.Linear(16, 3), relu)


def _parametrized():
    return nn.Sequential(
        parametrizations.weight_norm(nn.Linear(8, 16)),
        nn.Hardtanh(),
        parametrizations.spectral_norm(nn.Linear(16, 16)),
        nn.Softsign(),
        nn.Linear(16, 3),
    )


def _convolutions():
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.Sigmoid()),
        *(nn.Flatten(), nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3)),
    )


def _transformer():
    layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, dropout=0.1, batch_first=True, activation=nn.ReLU())
    return nn.Sequential(layer, nn.Flatten(), nn.Linear(40, 16), nn.Tanh(), nn.Linear(16, 3))


def _frozen_eval():
    network = _nested().eval()
    network[2].train()
    network[0].requires_grad_(False)
    network[0].register_forward_hook(lambda module, args, output: None)
    return network


NETWORKS = {
    "nested Sequential": (_nested, (6, 8)),
    "one ReLU in three slots": (_shared_slots, (6, 8)),
    "function calls": (Functional, (6, 8)),
    "shared in a ModuleList": (Shared, (6, 8)),
    "gates": (Gated, (6, 8)),
    "recurrences": (Recurrent, (6, 5, 8)),
    "residual blocks": (Residual, (6, 3, 8, 8)),
    "parametrized": (_parametrized, (6, 8)),
    "convolutions": (_convolutions, (6, 3, 8, 8)),
    "transformer layer": (_transformer, (6, 5, 8)),
    "Sequential with a forward of its own": (
        lambda: Root(nn.Linear(8, 16), nn.Sigmoid(), nn.Linear(16, 3)),
        (6, 8),
    ),
    "partly frozen, in eval mode, with hooks": (_frozen_eval, (6, 8)),
    "Sequential taken apart": (TakenApart, (6, 8)),
    "float64": (lambda: _nested().double(), (6, 8)),
}


def network_and_batch(name, seed=0):
    """Build one of them, with gradients from a backward pass, and a batch far from zero."""
    build, shape = NETWORKS[name]
    torch.manual_seed(seed)
    network = build()
    dtype = next(network.parameters()).dtype
    batch = torch.randn(shape, dtype=dtype) * 5 + 20
    network(batch).square().sum().backward()
    return network, batch
