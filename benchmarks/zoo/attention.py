"""Transformers and their relatives, written by hand or from torch.nn."""

import math

import torch
from torch import nn
from torch.nn import functional

from zoo import _data
from zoo._case import Case
from zoo.recurrent import sequence_loss

FAMILY = "attention"
LN10 = math.log(10)


def small_normal(module, std=0.02):
    """GPT's initialization: N(0, .02), zero biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Embedding):
            nn.init.normal_(layer.weight, std=std)
        if isinstance(layer, nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return module


class Attention(nn.Module):
    """Packed queries, keys and values."""

    def __init__(self, width, heads=4, causal=False):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.packed, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.packed(x).chunk(3, -1)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return self.out(mixed.transpose(1, 2).flatten(2))


def feed_forward(width, activation=nn.GELU):
    return nn.Sequential(nn.Linear(width, 4 * width), activation(), nn.Linear(4 * width, width))


class Block(nn.Module):
    """Pre-norm, or post-norm as in the first transformers."""

    def __init__(self, width, causal=False, post=False):
        super().__init__()
        self.attention, self.mlp, self.post = Attention(width, causal=causal), feed_forward(width), post
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])

    def forward(self, x):
        if self.post:
            x = self.norms[0](x + self.attention(x))
            return self.norms[1](x + self.mlp(x))
        x = x + self.attention(self.norms[0](x))
        return x + self.mlp(self.norms[1](x))


class ViT(nn.Module):
    def __init__(self, width=48, depth=4, class_token=True):
        super().__init__()
        self.patches = nn.Conv2d(1, width, 2, 2)
        self.token = nn.Parameter(torch.randn(1, 1, width) * 0.02) if class_token else None
        self.positions = nn.Parameter(torch.randn(1, 16 + class_token, width) * 0.02)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        if self.token is not None:
            x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        x = self.norm(self.blocks(x + self.positions))
        return self.head(x.mean(1) if self.token is None else x[:, 0])


class GPT(nn.Module):
    def __init__(self, width=48, depth=4, tied=True):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(_data.VOCABULARY, width), nn.Embedding(32, width)
        self.blocks = nn.Sequential(*(Block(width, causal=True) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, _data.VOCABULARY, bias=False)
        small_normal(self)
        for block in self.blocks:
            for layer in (block.attention.out, block.mlp[2]):
                nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * depth))
        if tied:
            self.head.weight = self.embedding.weight

    def forward(self, x):
        positions = torch.arange(x.shape[1])
        return self.head(self.norm(self.blocks(self.embedding(x) + self.positions(positions))))


class BERT(nn.Module):
    def __init__(self, width=48, depth=4):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(_data.VOCABULARY, width), nn.Embedding(32, width)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.Sequential(*(Block(width, post=True) for _ in range(depth)))
        self.pool, self.head = nn.Linear(width, width), nn.Linear(width, 4)
        small_normal(self)

    def forward(self, x):
        x = self.blocks(self.norm(self.embedding(x) + self.positions(torch.arange(x.shape[1]))))
        return self.head(torch.tanh(self.pool(x.mean(1))))


class Encoder(nn.Module):
    """torch's own encoder."""

    def __init__(self, norm_first, width=48, dropout=0.1):
        super().__init__()
        self.embedding = nn.Embedding(_data.VOCABULARY, width)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout, batch_first=True, norm_first=norm_first)
        self.encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(width, 4)

    def forward(self, x):
        return self.head(self.encoder(self.embedding(x)).mean(1))


class Translator(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.source, self.target = (nn.Embedding(_data.VOCABULARY, width) for _ in range(2))
        self.transformer = nn.Transformer(width, 4, 2, 2, 2 * width, batch_first=True, dropout=0.0)
        self.head = nn.Linear(width, _data.VOCABULARY)

    def forward(self, source, target):
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        return self.head(self.transformer(self.source(source), self.target(target), tgt_mask=mask, tgt_is_causal=True))


class MixerBlock(nn.Module):
    def __init__(self, tokens, width):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.over_tokens, self.over_channels = feed_forward(tokens), feed_forward(width)

    def forward(self, x):
        x = x + self.over_tokens(self.norms[0](x).transpose(1, 2)).transpose(1, 2)
        return x + self.over_channels(self.norms[1](x))


class GatedMLPBlock(nn.Module):
    """gMLP: the spatial weight starts near zero, its bias at one."""

    def __init__(self, tokens, width):
        super().__init__()
        self.norm, self.inner_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.expand, self.project = nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.spatial = nn.Conv1d(tokens, tokens, 1)
        nn.init.normal_(self.spatial.weight, std=1e-3)
        nn.init.ones_(self.spatial.bias)

    def forward(self, x):
        value, gate = functional.gelu(self.expand(self.norm(x))).chunk(2, -1)
        return x + self.project(value * self.spatial(self.inner_norm(gate)))


class Patched(nn.Module):
    """Blocks on the 16 patches of a digit."""

    def __init__(self, block, width=32, depth=3):
        super().__init__()
        self.patches = nn.Conv2d(1, width, 2, 2)
        self.blocks = nn.Sequential(*(block(16, width) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.patches(x).flatten(2).transpose(1, 2))).mean(1))


class DiTBlock(nn.Module):
    """adaLN-zero: shift, scale and gate from the time, all zero at the start."""

    def __init__(self, width):
        super().__init__()
        self.attention, self.mlp = Attention(width), feed_forward(width)
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.adapt = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))
        nn.init.zeros_(self.adapt[1].weight)
        nn.init.zeros_(self.adapt[1].bias)

    def forward(self, x, condition):
        a, b, c, d, e, f = self.adapt(condition)[:, None].chunk(6, -1)
        x = x + c * self.attention(self.norms[0](x) * (1 + b) + a)
        return x + f * self.mlp(self.norms[1](x) * (1 + e) + d)


class DiT(nn.Module):
    def __init__(self, width=48, depth=3):
        super().__init__()
        self.patches = nn.Conv2d(1, width, 2, 2)
        self.positions = nn.Parameter(torch.randn(1, 16, width) * 0.02)
        self.time = nn.Sequential(nn.Linear(16, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(DiTBlock(width) for _ in range(depth))
        self.norm, self.last = nn.LayerNorm(width), nn.Linear(width, 4)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x, time):
        angle = time[:, None] * torch.arange(1, 9) * math.pi
        condition = self.time(torch.cat([torch.sin(angle), torch.cos(angle)], 1))
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        for block in self.blocks:
            x = block(x, condition)
        return functional.pixel_shuffle(self.last(self.norm(x)).transpose(1, 2).unflatten(2, (4, 4)), 2)


class Perceiver(nn.Module):
    """A few latent queries look at the input with cross attention."""

    def __init__(self, width=32, latents=6):
        super().__init__()
        self.embed = nn.Linear(8, width)
        self.positions = nn.Parameter(torch.randn(8, width) * 0.1)
        self.latents = nn.Parameter(torch.randn(latents, width))
        self.cross = nn.MultiheadAttention(width, 4, batch_first=True)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.block, self.head = Block(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.norms[0](self.embed(x) + self.positions)
        queries = self.latents.expand(len(x), -1, -1)
        hidden = queries + self.cross(self.norms[1](queries), x, x, need_weights=False)[0]
        return self.head(self.block(hidden).mean(1))


def digits(name, build, batch=_data.images, **more):
    return Case(name, FAMILY, build, batch, functional.cross_entropy, LN10, **more)


def text(name, build, **more):
    return Case(name, FAMILY, build, _data.topics, functional.cross_entropy, math.log(4), **more)


CASES = (
    digits("vit_class_token", ViT, steps=120),
    digits("vit_mean_pool", lambda: ViT(class_token=False), steps=120),
    Case("gpt_tied", FAMILY, GPT, _data.tokens, sequence_loss, math.log(32)),
    Case("gpt_untied", FAMILY, lambda: GPT(tied=False), _data.tokens, sequence_loss, math.log(32)),
    text("bert_post_norm", BERT, recipes=(("adam", 1e-3), ("adam", 3e-3), ("adam", 3e-4)), steps=120),
    text("encoder_post_norm", lambda: Encoder(norm_first=False)),
    text("encoder_pre_norm", lambda: Encoder(norm_first=True)),
    Case("encoder_decoder", FAMILY, Translator, _data.translation, sequence_loss, math.log(32)),
    digits("mlp_mixer", lambda: Patched(MixerBlock)),
    digits("gmlp", lambda: Patched(GatedMLPBlock)),
    digits("perceiver", Perceiver, _data.digit_sequences),
    Case("dit", FAMILY, DiT, _data.noised, functional.mse_loss, 1.0, steps=150),
)
