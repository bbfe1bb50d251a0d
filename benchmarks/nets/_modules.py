"""The four kinds of networks. Each has `stem` (or none), `blocks` and `head`, so that rivals can hook the blocks."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

ACTIVATIONS = {
    "relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "silu": nn.SiLU, "sigmoid": nn.Sigmoid,
    "leaky": lambda: nn.LeakyReLU(0.1),
}  # fmt: skip


class Chain(nn.Module):
    """Layers one after another, fully connected or 3 by 3 convolutions."""

    def __init__(self, spec, shape, num_classes):
        super().__init__()
        self.blocks = nn.ModuleList()
        channels = shape[0]
        for _ in range(spec.depth):
            if spec.kind == "conv":
                layers = [nn.Conv2d(channels, spec.width, 3, padding=1)]
                layers += [nn.BatchNorm2d(spec.width)] if spec.norm == "batch" else []
            else:
                layers = [nn.Linear(channels, spec.width)]
            self.blocks.append(nn.Sequential(*layers, ACTIVATIONS[spec.activation]()))
            channels = spec.width
        positions = shape[1] * shape[2] if spec.kind == "conv" else 1
        self.head = nn.Linear(spec.width * positions, num_classes)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x.flatten(1))


class Branch(nn.Module):
    """x + β·f(x), with a norm before the branch, after the sum, or nowhere."""

    def __init__(self, branch, norm, width, *, make_norm, branch_scale):
        super().__init__()
        self.before = make_norm(width) if norm == "pre" else nn.Identity()
        self.branch = branch
        self.after = make_norm(width) if norm == "post" else nn.Identity()
        self.branch_scale = branch_scale

    def forward(self, x):
        return self.after(x + self.branch_scale * self.branch(self.before(x)))


class Residual(nn.Module):
    """A stem, residual blocks of two weights, a last norm where the blocks normalise first, and a head."""

    def __init__(self, spec, shape, num_classes):
        super().__init__()
        width, convolves = spec.width, spec.kind == "conv"

        def weight(fan_in, fan_out):
            return nn.Conv2d(fan_in, fan_out, 3, padding=1) if convolves else nn.Linear(fan_in, fan_out)

        make_norm = nn.BatchNorm2d if convolves else nn.LayerNorm
        self.stem = weight(shape[0], width)
        self.blocks = nn.ModuleList(
            Branch(
                nn.Sequential(weight(width, width), ACTIVATIONS[spec.activation](), weight(width, width)),
                spec.norm, width, make_norm=make_norm, branch_scale=spec.branch_scale,
            )
            for _ in range(spec.depth)
        )  # fmt: skip
        self.last_norm = make_norm(width) if spec.norm == "pre" else nn.Identity()
        self.head = nn.Linear(width * (shape[1] * shape[2] if convolves else 1), num_classes)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.last_norm(x).flatten(1))


class Attention(nn.Module):
    """Self-attention of four heads with a packed projection."""

    def __init__(self, width):
        super().__init__()
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        packed = self.query_key_value(x).view(batch, tokens, 3, 4, width // 4).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(packed[0], packed[1], packed[2])
        return self.out(mixed.transpose(1, 2).reshape(batch, tokens, width))


class Transformer(nn.Module):
    """Blocks of attention and a two-layer network; the head reads every token.

    A mean over tokens would make a network whose blocks start near zero look untrainable: it would be a linear map of
    the mean token, which no label of 100 steps could tell from a broken one.
    """

    def __init__(self, spec, shape, num_classes):
        super().__init__()
        width = spec.width
        self.stem = nn.Linear(shape[1], width)
        self.position = nn.Parameter(torch.zeros(shape[0], width))
        self.blocks = nn.ModuleList()
        for _ in range(spec.depth):
            feed = nn.Sequential(
                nn.Linear(width, 4 * width), ACTIVATIONS[spec.activation](), nn.Linear(4 * width, width)
            )
            halves = (Branch(half, spec.norm, width, make_norm=nn.LayerNorm, branch_scale=spec.branch_scale)
                      for half in (Attention(width), feed))  # fmt: skip
            self.blocks.append(nn.Sequential(*halves))
        self.last_norm = nn.LayerNorm(width) if spec.norm == "pre" else nn.Identity()
        self.head = nn.Linear(width * shape[0], num_classes)

    def forward(self, x):
        x = self.stem(x) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.last_norm(x).flatten(1))
