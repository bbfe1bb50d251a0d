"""What the healthy twins of the faults start from, and what is done to a network, its data or its loss to break it."""

import math

import torch
from torch import nn
from torch.nn import functional

from zoo._case import Batch
from zoo.attention import Attention
from zoo.perceptrons import ResidualMLP, initialised

LN10 = math.log(10)


# --- what the healthy twins start from ---------------------------------------------------------------------------


def mirrored(module):
    """Orthogonal weights in pairs of opposite sign, through which ReLU keeps signal and rank at any depth."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    for number, layer in enumerate(layers):
        rows, columns = layer.weight.shape
        if number == len(layers) - 1:
            nn.init.normal_(layer.weight, std=0.3 / math.sqrt(columns))
        else:
            half = torch.empty(rows // 2, columns if number == 0 else columns // 2)
            nn.init.orthogonal_(half)
            pair = torch.cat([half, -half])
            layer.weight.data = pair if number == 0 else torch.cat([pair, -pair], 1)
        nn.init.zeros_(layer.bias)
    return module


def orthogonal(module):
    return initialised(module, nn.init.orthogonal_)


def centred_sigmoid(module):
    """Gain 4 for the slope of 1/4, biases that take the sigmoid's mean of 1/2 away."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    for number, layer in enumerate(layers):
        nn.init.orthogonal_(layer.weight, gain=1 if number in (0, len(layers) - 1) else 4)
        layer.bias.data = torch.zeros_like(layer.bias) if number == 0 else -0.5 * layer.weight.data.sum(1)
    return module


# --- plants: change a built network ------------------------------------------------------------------------------


def set_all(value):
    def plant(module):
        for parameter in module.parameters():
            nn.init.constant_(parameter, value)
        return module

    return plant


def weights(init):
    return lambda module: initialised(module, init)


def normal(std):
    return weights(lambda weight: nn.init.normal_(weight, std=std))


def xavier(gain=1.0):
    return weights(lambda weight: nn.init.xavier_normal_(weight, gain))


def nothing(module):
    return module


def scaled(factor, *, hidden=True, head=False):
    def plant(module):
        layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
        for layer in layers[:-1] * hidden + layers[-1:] * head:
            layer.weight.data.mul_(factor)
        return module

    return plant


def biases(value, which=slice(0, -1)):
    def plant(module):
        for layer in [layer for layer in module.modules() if isinstance(layer, nn.Linear | nn.Conv2d)][which]:
            nn.init.constant_(layer.bias, value)
        return module

    return plant


def one_layer(factor, number):
    def plant(module):
        layer = [layer for layer in module.modules() if isinstance(layer, nn.Linear | nn.Conv2d)][number]
        layer.weight.data.mul_(factor)
        return module

    return plant


def hot_attention(factor):
    """Queries `factor` times too large."""

    def plant(module):
        for layer in module.modules():
            if isinstance(layer, Attention):
                layer.packed.weight.data[: layer.packed.in_features].mul_(factor)
            if isinstance(layer, nn.MultiheadAttention):
                layer.in_proj_weight.data[: layer.embed_dim].mul_(factor)
        return module

    return plant


class Around(nn.Module):
    """A network with something done to its input or output."""

    def __init__(self, net, before=None, after=None):
        super().__init__()
        self.net, self.before, self.after = net, before, after

    def forward(self, *inputs):
        output = self.net(*([self.before(x) for x in inputs] if self.before else inputs))
        return self.after(output) if self.after else output


def around(before=None, after=None):
    return lambda module: Around(module, before, after)


class Between(nn.Module):
    """A sequential network with something done in its middle."""

    def __init__(self, net, change):
        super().__init__()
        middle = len(net) // 2
        self.first, self.second, self.change = net[:middle], net[middle:], change

    def forward(self, x):
        return self.second(self.change(self.first(x)))


def between(change):
    return lambda module: Between(module, change)


def zero_over_zero(x):
    centred = torch.relu(x) - torch.relu(x)
    return centred / centred.norm(dim=-1, keepdim=True)


class WithUnused(nn.Module):
    """A layer that is built and never called."""

    def __init__(self, net):
        super().__init__()
        self.net, self.forgotten = net, nn.Linear(64, 64)

    def forward(self, x):
        return self.net(x)


class SkipsBlock(ResidualMLP):
    """The loop stops one block early."""

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks[:-1]:
            x = x + block(x)
        return self.last(x)


class CutResidual(ResidualMLP):
    def forward(self, x):
        x = self.first(x)
        for number, block in enumerate(self.blocks):
            x = x + block(x)
            if number == len(self.blocks) - 2:
                x = x.detach()
        return self.last(x)


class LoudBranches(ResidualMLP):
    def __init__(self, scale, **shape):
        super().__init__(norm=False, **shape)
        self.scale = scale

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = x + self.scale * block(x)
        return self.last(x)


class Pooled(nn.Module):
    """A stack of attention on the patches of a digit, with or without its residual paths."""

    def __init__(self, residual, depth=12, width=48):
        super().__init__()
        self.residual = residual
        self.patches = nn.Conv2d(1, width, 2, 2)
        self.positions = nn.Parameter(torch.randn(1, 16, width) * 0.02)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.blocks = nn.ModuleList(Attention(width) for _ in range(depth))
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        for norm, block in zip(self.norms, self.blocks, strict=True):
            x = x + block(norm(x)) if self.residual else norm(block(x))
        return self.head(x.mean(1))


# --- data and losses gone wrong ----------------------------------------------------------------------------------


def inputs_changed(batch_of, change):
    def batch(seed):
        plain_batch = batch_of(seed)
        return Batch(tuple(change(x) for x in plain_batch.inputs), plain_batch.targets)

    return batch


def bytes_of(x):
    """Pixels from 0 to 255."""
    return (x * 0.376 + 0.305).clamp(0, 1) * 255


def loud_column(x):
    return torch.cat([x[:, :1] * 1e5, x[:, 1:]], 1)


def offset(x):
    return x + 100


def flat_targets(batch_of):
    def batch(seed):
        plain_batch = batch_of(seed)
        return Batch(plain_batch.inputs, plain_batch.targets[:, 0])

    return batch


def class_error(output, targets):
    return float(functional.cross_entropy(output, targets)) / LN10


def probability_error(output, targets):
    return float(functional.nll_loss(output.clamp_min(1e-12).log(), targets)) / LN10


def token_error(output, targets):
    return float(functional.cross_entropy(output.flatten(0, 1), targets.flatten())) / math.log(32)


def topic_error(output, targets):
    return float(functional.cross_entropy(output, targets)) / math.log(4)


def squared_error(output, targets):
    return float(functional.mse_loss(output.flatten(), targets.flatten()))


def logit_error(output, targets):
    return float(functional.binary_cross_entropy_with_logits(output, targets)) / math.log(2)


def chance_error(output, targets):
    return float(functional.binary_cross_entropy(output.clamp(0, 1), targets)) / math.log(2)
