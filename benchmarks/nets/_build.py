"""From a spec to an initialized module."""

from __future__ import annotations

import math

import torch
from torch import nn

from nets._data import load
from nets._modules import Chain, Residual, Transformer


@torch.no_grad()
def build(spec):
    """The network of a spec; the same one each time, the global random state untouched."""
    data = load(spec.dataset, spec.kind)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        kind = {"residual": Residual, "transformer": Transformer}.get(spec.family, Chain)
        module = kind(spec, tuple(data.inputs.shape[1:]), data.num_classes)
        {Chain: _chain, Residual: _residual, Transformer: _transformer}[kind](module, spec, data)
    return module


def _weights(block):
    return [part for part in block.modules() if isinstance(part, nn.Linear | nn.Conv2d)]


def _fan_in(weight):
    return weight[0].numel()


def _normal(layer, std):
    nn.init.normal_(layer.weight, std=std)
    nn.init.zeros_(layer.bias)


# --- chains --------------------------------------------------------------------------------------------------------


def _chain(module, spec, data):
    if spec.scheme == "torch_default":
        return
    layers = [_weights(block)[0] for block in module.blocks]
    for number, layer in enumerate(layers):
        FILLS[spec.scheme](layer, spec, first=number == 0)
        nn.init.normal_(layer.bias, std=0.0 if spec.scheme == "mirrored" else spec.bias_std)
    _normal(module.head, _fan_in(module.head.weight) ** -0.5)
    if spec.scheme == "mirrored":
        half = module.head.weight[:, : module.head.in_features // 2]
        module.head.weight.copy_(torch.cat([half, -half], 1))
    if spec.scheme == "lsuv":
        signal = data.inputs[:256]
        for layer, block in zip(layers, module.blocks, strict=True):
            layer.weight.div_((layer(signal) - layer.bias.view(-1, *[1] * (signal.dim() - 2))).std())
            signal = block(signal)


def _gaussian(layer, spec, *, first):  # noqa: ARG001
    nn.init.normal_(layer.weight, std=math.sqrt(spec.scale / _fan_in(layer.weight)))


def _orthogonal(layer, spec, *, first):  # noqa: ARG001
    _place(layer, _haar(*layer.weight.shape[:2]) * math.sqrt(spec.scale))


def _lsuv(layer, spec, *, first):  # noqa: ARG001
    _place(layer, _haar(*layer.weight.shape[:2]))


def _mirrored(layer, spec, *, first):  # noqa: ARG001
    """Looks linear: [[U, -U], [-U, U]], and [[U], [-U]] where the inputs are not yet mirrored."""
    fan_out, fan_in = layer.weight.shape[:2]
    half = _haar(fan_out // 2, fan_in if first else fan_in // 2)
    rows = half if first else torch.cat([half, -half], 1)
    _place(layer, torch.cat([rows, -rows], 0))


def _haar(fan_out, fan_in):
    """Orthogonal, times √(out/in) where the layer widens, so that the variance is kept and not the norm."""
    return nn.init.orthogonal_(torch.empty(fan_out, fan_in)) * math.sqrt(max(1.0, fan_out / fan_in))


def _place(layer, matrix):
    """Into the weight, or into the middle tap of a convolution (delta-orthogonal)."""
    if layer.weight.dim() == 2:
        layer.weight.copy_(matrix)
    else:
        layer.weight.zero_()
        layer.weight[:, :, 1, 1] = matrix


FILLS = {
    "gaussian": _gaussian,
    "orthogonal": _orthogonal,
    "lsuv": _lsuv,
    "mirrored": _mirrored,
    "xavier": lambda layer, spec, first: nn.init.xavier_normal_(layer.weight),  # noqa: ARG005
    "he": lambda layer, spec, first: nn.init.kaiming_normal_(layer.weight),  # noqa: ARG005
}


# --- skips ---------------------------------------------------------------------------------------------------------


def _residual(module, spec, data):  # noqa: ARG001
    if spec.scheme == "torch_default":
        return
    _normal(module.stem, _fan_in(module.stem.weight) ** -0.5)
    _normal(module.head, _fan_in(module.head.weight) ** -0.5)
    for block in module.blocks:
        first, last = _weights(block)
        for layer in (first, last):
            _normal(layer, spec.scale * math.sqrt(2 / _fan_in(layer.weight)))
        if spec.scheme == "zero_last":
            nn.init.zeros_(last.weight)


def _transformer(module, spec, data):  # noqa: ARG001
    for layer in _weights(module):
        if spec.scheme == "xavier":
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
        elif spec.scheme == "gaussian" and layer not in (module.stem, module.head):
            _normal(layer, spec.scale)
    nn.init.normal_(module.position, std=0.5)
    for part in module.modules():
        if hasattr(part, "query_key_value"):
            part.query_key_value.weight[: 2 * spec.width] *= spec.attention_scale
