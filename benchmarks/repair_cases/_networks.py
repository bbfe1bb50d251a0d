"""The networks, healthy and faulty; all that is faulty in them stands in the recipe."""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional

from . import _data


class Exponential(nn.Module):
    def forward(self, x):
        return x.exp()


class Steep(nn.Module):
    """tanh of twenty times its input: flat almost everywhere."""

    def forward(self, x):
        return torch.tanh(20 * x)


class Lowered(nn.Module):
    """ReLU with its corner at 8 instead of 0: zero for every ordinary input."""

    def forward(self, x):
        return functional.relu(x - 8)


ACTIVATIONS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
    "selu": nn.SELU,
    "leaky relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "threshold": lambda: nn.Threshold(1.0, 0.0),
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softmax": lambda: nn.Softmax(dim=1),
    "hard sigmoid": nn.Hardsigmoid,
    "exponential": Exponential,
    "steep tanh": Steep,
    "lowered relu": Lowered,
}
OUTPUTS = {
    "softmax": lambda: nn.Softmax(dim=1),
    "log_softmax": lambda: nn.LogSoftmax(dim=1),
    "sigmoid": nn.Sigmoid,
    "relu": nn.ReLU,
}


def build(recipe):
    """Make the network with torch's random state as it stands."""
    kinds = {"mlp": _sequential, "written mlp": Written, "conv": Conv, "rnn": Recurrent}
    module = kinds[recipe.net](recipe)
    _initialize(module, recipe)
    return module


def inputs_of(recipe):
    return _data.whole(recipe.data)[0].shape[1]


def _norm(recipe, width):
    if recipe.normalization in ("batch", "stale batch"):
        return [nn.BatchNorm1d(width, momentum=1e-5 if recipe.normalization == "stale batch" else 0.1)]
    return [nn.LayerNorm(width)] if recipe.normalization == "layer" else []


def _sequential(recipe):
    width, parts = inputs_of(recipe), []
    if recipe.normalization == "layer on input":
        parts.append(nn.LayerNorm(width))
    for wide in recipe.hidden:
        parts += [nn.Linear(width, wide), *_norm(recipe, wide), ACTIVATIONS[recipe.activation]()]
        parts += [nn.Dropout(recipe.dropout)] if recipe.dropout else []
        width = wide
    parts.append(nn.Linear(width, _data.num_outputs(recipe.data)))
    if recipe.normalization == "layer on output":
        parts.append(nn.LayerNorm(_data.num_outputs(recipe.data)))
    parts += [OUTPUTS[recipe.output]()] if recipe.output else []
    return nn.Sequential(*parts)


class Written(nn.Module):
    """A multilayer perceptron as many write it: activations and dropout are functions called in `forward`."""

    def __init__(self, recipe):
        super().__init__()
        widths = (inputs_of(recipe), *recipe.hidden)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.norms = nn.ModuleList(norm for width in recipe.hidden for norm in _norm(recipe, width))
        self.head = nn.Linear(widths[-1], _data.num_outputs(recipe.data))
        self.activation, self.output, self.p = recipe.activation, recipe.output, recipe.dropout

    def forward(self, x):
        for place, layer in enumerate(self.layers):
            x = layer(x)
            x = self.norms[place](x) if len(self.norms) else x
            x = functional.dropout(self._act(x), self.p, self.training) if self.p else self._act(x)
        x = self.head(x)
        return OUTPUTS[self.output]()(x) if self.output else x

    def _act(self, x):
        if self.activation == "relu":
            return functional.relu(x)
        if self.activation in ("tanh", "sigmoid"):
            return getattr(torch, self.activation)(x)
        return ACTIVATIONS[self.activation]()(x)


class Conv(nn.Module):
    """Two strided convolutions and a linear layer."""

    def __init__(self, recipe):
        super().__init__()
        first, second = recipe.hidden
        self.conv1, self.conv2 = nn.Conv2d(1, first, 3, stride=2), nn.Conv2d(first, second, 3, stride=2)
        is_batch = recipe.normalization in ("batch", "stale batch")
        momentum = 1e-5 if recipe.normalization == "stale batch" else 0.1
        self.norm1 = nn.BatchNorm2d(first, momentum=momentum) if is_batch else nn.Identity()
        self.norm2 = nn.BatchNorm2d(second, momentum=momentum) if is_batch else nn.Identity()
        self.act1, self.act2 = ACTIVATIONS[recipe.activation](), ACTIVATIONS[recipe.activation]()
        self.dropout = nn.Dropout(recipe.dropout)
        self.head = nn.Linear(36 * second, 10)
        self.output = OUTPUTS[recipe.output]() if recipe.output else nn.Identity()

    def forward(self, x):
        x = self.act1(self.norm1(self.conv1(x)))
        x = self.act2(self.norm2(self.conv2(x)))
        return self.output(self.head(self.dropout(x.flatten(1))))


class Recurrent(nn.Module):
    """A plain recurrent net that reads an image two rows at a time and speaks after the last."""

    def __init__(self, recipe):
        super().__init__()
        kind = recipe.activation if recipe.activation in ("relu", "tanh") else "tanh"
        self.rnn = nn.RNN(56, recipe.hidden[0], nonlinearity=kind, batch_first=True)
        self.dropout = nn.Dropout(recipe.dropout)
        self.norm = nn.LayerNorm(recipe.hidden[0]) if recipe.normalization else nn.Identity()
        self.head = nn.Linear(recipe.hidden[0], 10)

    def forward(self, x):
        return self.head(self.dropout(self.norm(self.rnn(x)[0][:, -1])))


# --- initial weights -----------------------------------------------------------------------------------------------


@torch.no_grad()
def _initialize(module, recipe):
    weights = [p for name, p in module.named_parameters() if p.ndim >= 2]
    biases = [p for name, p in module.named_parameters() if "bias" in name and "norm" not in name]
    norms = {id(p) for m in module.modules() if isinstance(m, nn.LayerNorm | nn.BatchNorm1d) for p in m.parameters()}
    biases = [p for p in biases if id(p) not in norms]
    chosen = {
        "all": weights,
        "first": weights[:1],
        "last": weights[-1:],
        "hidden": weights[:-1],
        "recurrent": [p for name, p in module.named_parameters() if "weight_hh" in name],
    }[recipe.init_layers]
    for weight in chosen:
        if recipe.init != "torch":
            fill(weight, recipe.init)
        weight.mul_(recipe.scale)
    if recipe.bias is not None:
        for bias in biases[:-1]:
            bias.fill_(recipe.bias)
    if recipe.last_bias is not None:
        biases[-1].fill_(recipe.last_bias)


def fill(weight, scheme):
    """Fill a weight by a scheme: "zeros", "constant 0.1", "normal 1", "he", "xavier", "lecun", "orthogonal" …"""
    kind, _, number = scheme.partition(" ")
    if kind == "he":
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    elif kind == "xavier":
        nn.init.xavier_uniform_(weight)
    elif kind == "orthogonal":
        nn.init.orthogonal_(weight)
    elif kind == "lecun":
        nn.init.normal_(weight, std=1 / math.sqrt(weight[0].numel()))
    elif kind == "normal":
        nn.init.normal_(weight, std=float(number))
    else:
        nn.init.constant_(weight, {"zeros": 0.0}.get(kind, float(number or 0)))
