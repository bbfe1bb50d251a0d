"""Fans are counted by letting real layers run: the second moment must come out as it went in."""

import math

import pytest
import torch
from torch import nn

from justfit.errors import ArgumentError, UnsupportedModuleError
from justfit.maths import fans

NUM_DRAWS = 150

# (layer, input shape, border to crop from the output); circular padding leaves no border
LAYERS = {
    "linear 100→400": (lambda: nn.Linear(100, 400, bias=False), (8, 100), 0),
    "linear 400→100": (lambda: nn.Linear(400, 100, bias=False), (8, 400), 0),
    "conv1d stride 3": (
        lambda: nn.Conv1d(6, 20, 5, stride=3, padding=2, padding_mode="circular", bias=False),
        (4, 6, 30),
        0,
    ),
    "conv2d groups": (
        lambda: nn.Conv2d(12, 24, 3, groups=4, padding=1, padding_mode="circular", bias=False),
        (2, 12, 8, 8),
        0,
    ),
    "conv2d depthwise, stride (2, 1)": (
        lambda: nn.Conv2d(16, 32, 3, groups=16, stride=(2, 1), padding=1, padding_mode="circular", bias=False),
        (2, 16, 8, 8),
        0,
    ),
    "conv3d dilated": (
        lambda: nn.Conv3d(4, 6, 3, dilation=2, padding=2, padding_mode="circular", bias=False),
        (1, 4, 6, 6, 6),
        0,
    ),
    "transposed1d stride 3 over kernel 5": (lambda: nn.ConvTranspose1d(8, 6, 5, stride=3, bias=False), (4, 8, 24), 6),
    "transposed2d 16→64, kernel 4, stride 2": (
        lambda: nn.ConvTranspose2d(16, 64, 4, stride=2, bias=False),
        (1, 16, 9, 9),
        4,
    ),
    "transposed2d groups": (
        lambda: nn.ConvTranspose2d(16, 8, 2, stride=2, groups=4, bias=False),
        (2, 16, 6, 6),
        2,
    ),
    "transposed3d": (lambda: nn.ConvTranspose3d(6, 4, 2, stride=2, bias=False), (1, 6, 5, 5, 5), 2),
}


def second_moment_gains(layer, shape, border):
    """Return per draw of unit-variance weights: E[z²]/E[x²] and E[(∂L/∂x)²]/E[(∂L/∂z)²]."""
    generator = torch.Generator().manual_seed(0)
    forward, backward = [], []
    for _ in range(NUM_DRAWS):
        with torch.no_grad():
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
        x = torch.randn(shape, generator=generator, requires_grad=True)
        z = layer(x)
        inner = (slice(None), slice(None), *[slice(border, -border)] * (z.dim() - 2)) if border else ...
        forward.append(z[inner].square().mean() / x.square().mean())
        output_gradient = torch.randn(z.shape, generator=generator)
        (input_gradient,) = torch.autograd.grad(z, x, output_gradient)
        backward.append(input_gradient.square().mean() / output_gradient.square().mean())
    return torch.stack(forward).detach(), torch.stack(backward)


def assert_mean_is_one(samples):
    standard_error = samples.std() / math.sqrt(len(samples))
    assert standard_error < 0.03, "too noisy to judge"
    assert abs(samples.mean() - 1) < 4 * standard_error


@pytest.mark.parametrize("name", LAYERS)
def test_fans_give_gain_one_through_the_real_layer(name):
    make, shape, border = LAYERS[name]
    layer = make()
    fan_in, fan_out = fans(layer)
    forward, backward = second_moment_gains(layer, shape, border)
    assert_mean_is_one(forward / fan_in)
    assert_mean_is_one(backward / fan_out)
    for wrong in (0.5, 2.0):
        with pytest.raises(AssertionError):
            assert_mean_is_one(forward / (wrong * fan_in))
        with pytest.raises(AssertionError):
            assert_mean_is_one(backward / (wrong * fan_out))


def test_torch_kaiming_misses_on_a_transposed_convolution():
    make, shape, border = LAYERS["transposed2d 16→64, kernel 4, stride 2"]
    layer = make()
    torch_fan_in = nn.init._calculate_correct_fan(layer.weight, "fan_in")
    forward, _ = second_moment_gains(layer, shape, border)
    assert fans(layer)[0] == torch_fan_in / 16
    with pytest.raises(AssertionError):
        assert_mean_is_one(forward / torch_fan_in)
    assert (forward / torch_fan_in).mean() == pytest.approx(1 / 16, rel=0.05)


def test_a_bare_weight_counts_like_its_layer():
    for make, _, _ in LAYERS.values():
        layer = make()
        keywords = {}
        if not isinstance(layer, nn.Linear):
            keywords = {"groups": layer.groups, "stride": layer.stride, "transposed": layer.transposed}
        assert fans(layer.weight, **keywords) == fans(layer)
    assert fans(torch.zeros(8, 4, 3, 3), stride=2) == fans(nn.Conv2d(4, 8, 3, stride=2))


@pytest.mark.parametrize(
    ("argument", "keywords", "error", "message"),
    [
        (nn.ReLU(), {}, UnsupportedModuleError, r"Found a ReLU\."),
        (nn.LazyLinear(3), {}, UnsupportedModuleError, "a LazyLinear that has not seen an input"),
        (torch.zeros(3), {}, ArgumentError, r"at least two dimensions\. Found shape \(3,\)"),
        ([1.0], {}, ArgumentError, "Found list"),
        (torch.zeros(4, 2, 3), {"stride": (1, 2)}, ArgumentError, "one per kernel dimension"),
        (torch.zeros(4, 2, 3), {"stride": 0}, ArgumentError, "`stride=0`"),
        (torch.zeros(4, 2, 3), {"groups": 3}, ArgumentError, r"`groups=3`.*channels out"),
        (torch.zeros(4, 2, 3), {"groups": 0, "transposed": True}, ArgumentError, "`groups=0`.*channels in"),
    ],
)
def test_errors(argument, keywords, error, message):
    with pytest.raises(error, match=message):
        fans(argument, **keywords)
