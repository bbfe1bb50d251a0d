"""Small networks of many kinds, and the distance of two states of training."""

import torch
from torch import nn

from justfit.sweep import Examples, Setting, SweepVariant, Training, Unit

N = 90
GENERATOR = torch.Generator().manual_seed(0)
ROWS = torch.randn(N, 10, generator=GENERATOR)
TOKENS = torch.randn(N, 5, 4, generator=GENERATOR)
IMAGES = torch.randn(N, 1, 8, 8, generator=GENERATOR)
CODES = torch.randint(3, (N,), generator=GENERATOR)


class Attention(nn.Module):
    """Dropout in attention weights, reached inside `multi_head_attention_forward` and directly."""

    def __init__(self):
        super().__init__()
        self.heads = nn.MultiheadAttention(4, 2, dropout=0.3, batch_first=True)
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        mixed, _ = self.heads(x, x, x, need_weights=False)
        p = 0.3 if self.training else 0.0
        return self.out(nn.functional.scaled_dot_product_attention(mixed, x, x, dropout_p=p, is_causal=True).mean(1))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.2, batch_first=True)
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        return self.out(self.layer(x).mean(1))


class Recurrent(nn.Module):
    def __init__(self, kind=nn.LSTM, **options):
        super().__init__()
        self.inner = kind(4, 6, 2, dropout=0.3, batch_first=True, **options)
        self.out = nn.Linear(12 if options else 6, 3)

    def forward(self, x):
        return self.out(self.inner(x)[0][:, -1])


class Noisy(nn.Module):
    """Noise on the inputs, which stand in a stack once for each network."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(10, 3)

    def forward(self, x):
        return self.out(x + 0.3 * torch.randn_like(x))


class Counting(nn.Module):
    """A buffer that is replaced, not changed in place."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(10, 3)
        self.register_buffer("middle", torch.zeros(3))

    def forward(self, x):
        z = self.out(x)
        if self.training:
            self.middle = 0.9 * self.middle + 0.1 * z.mean(0)
        return z - self.middle.detach()


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(6, 3), nn.Linear(4, 3)

    def forward(self, left, right):
        return self.left(left) + self.right(right).tanh()


def mlp(*middle, width=12):
    return lambda: nn.Sequential(nn.Linear(10, width), *[part() for part in middle], nn.Linear(width, 3))


def frozen():
    module = nn.Sequential(nn.Linear(10, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
    module[0].weight.requires_grad_(False)
    return module


def shared():
    """One layer used twice, its weight tied to another one's."""
    first, second = nn.Linear(10, 10), nn.Linear(10, 10)
    second.weight = first.weight
    return nn.Sequential(first, nn.Tanh(), second, nn.Tanh(), first, nn.Linear(10, 3))


def weight_norm():
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(10, 8)), nn.Tanh(), nn.Linear(8, 3))


def convolutional():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout2d(0.2), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(36, 3),
    )  # fmt: skip


NETWORKS = {
    "LayerNorm": (mlp(lambda: nn.LayerNorm(12), nn.GELU, nn.Dropout), ROWS),
    "dropout on the inputs": (lambda: nn.Sequential(nn.Dropout(0.2), nn.Linear(10, 3)), ROWS),
    "BatchNorm": (mlp(lambda: nn.BatchNorm1d(12), lambda: nn.ReLU(inplace=True), nn.Dropout), ROWS),
    "alpha dropout": (mlp(nn.SELU, nn.AlphaDropout, nn.FeatureAlphaDropout), ROWS),
    "in-place dropout": (mlp(lambda: nn.Dropout(inplace=True), nn.Tanh), ROWS),
    "weight norm": (weight_norm, ROWS),
    "frozen": (frozen, ROWS),
    "shared": (shared, ROWS),
    "convolution": (convolutional, IMAGES),
    "1d convolution": (
        lambda: nn.Sequential(nn.Conv1d(5, 4, 3), nn.Dropout1d(0.2), nn.Flatten(), nn.Linear(8, 3)),
        TOKENS,
    ),
    "attention": (Attention, TOKENS),
    "transformer": (Transformer, TOKENS),
    "LSTM": (Recurrent, TOKENS),
    "GRU, both directions": (lambda: Recurrent(nn.GRU, bidirectional=True), TOKENS),
    "noise": (Noisy, ROWS),
    "replaced buffer": (Counting, ROWS),
    "two inputs": (TwoInputs, (ROWS[:, :6], ROWS[:, 6:])),
    "named inputs": (TwoInputs, {"right": ROWS[:, 6:], "left": ROWS[:, :6]}),
}


def training(name="LayerNorm", *, folds=3, targets=CODES, loss_fn=None, **options):
    build, inputs = NETWORKS[name] if isinstance(name, str) else (name, ROWS)
    examples = Examples(inputs, targets, torch.arange(N) % folds)
    how = {"optimizer": "sgd", "learning_rate": 0.05, "epochs": 3, "batch_size": 16} | options
    return Training(build=build, examples=examples, loss_fn=loss_fn or nn.CrossEntropyLoss(), **how)


def variants(seed=3):
    """All that may differ between networks of one unit, in no order."""
    rows = [
        (0.0, None, None, 0, None),
        (1.0, 0.5, 0.1, 1, "he"),
        (2.0, 0.0, 0.03, 0, None),
        (0.0, 0.7, None, -1, None),
        (3.0, 0.3, 0.1, 0, "xavier"),
        (1.0, 0.1, 0.1, 2, "he"),
    ]
    return tuple(
        SweepVariant(setting=Setting(l2=l2, dropout=p, learning_rate=lr, init=init), fold=fold, seed=seed)
        for l2, p, lr, fold, init in rows
    )


def unit(some=None, until=2, measure=(1, 2), state=None, tier="vectorised"):
    return Unit(variants=some or variants(), tier=tier, until=until, measure=measure, state=state)


def distances(one, other):
    """Relative distance of each tensor of two states."""
    assert set(one.tensors) == set(other.tensors)
    return {
        name: float((one.tensors[name].double() - its.double()).norm() / its.double().norm().clamp(min=1e-6))
        for name, its in other.tensors.items()
    }


def same(one, other):
    return one.epoch == other.epoch and all(torch.equal(one.tensors[name], t) for name, t in other.tensors.items())
