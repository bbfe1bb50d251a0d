"""Inputs standardized: per feature or channel, constant columns, several inputs, the code that says the same."""

import pytest
import torch
from torch import nn

from justfit.cures import Standardize, standardize_inputs_
from justfit.errors import ArgumentError


class Reads(nn.Module):
    """Hands on what it gets, and has a parameter of a dtype."""

    def __init__(self, dtype=torch.float32):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, dtype=dtype))

    def forward(self, x, other=None):
        return x * self.scale if other is None else (x * self.scale, other * self.scale)


def rows(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator) * 7 + 300


@pytest.mark.parametrize(
    ("shape", "features", "over"),
    [((50, 3), 3, (0,)), ((50, 6, 3), 3, (0, 1)), ((50, 3, 4, 4), 3, (0, 2, 3)), ((20, 3, 2, 4, 4), 3, (0, 2, 3, 4))],
)
def test_mean_0_and_std_1_per_feature_or_channel(shape, features, over):
    x = rows(*shape)
    network = Reads()
    (change,) = standardize_inputs_(network, x).changes
    out = network(x).double()
    assert network.input_0_mean.numel() == features
    assert torch.allclose(out.mean(over), torch.zeros(features, dtype=torch.float64), atol=1e-4)
    assert torch.allclose(out.std(over, correction=0), torch.ones(features, dtype=torch.float64), atol=1e-4)
    scope = {"x_train": x, "x": x}
    exec(change.code, scope)  # noqa: S102 - the code a user would write
    assert torch.allclose(scope["x"], network(x), atol=1e-3)


def test_of_three_dimensions_a_convolution_reads_channels():
    x = rows(50, 3, 8)
    network = nn.Sequential(nn.Conv1d(3, 4, 3))
    standardize_inputs_(network, x)
    assert network.standardize.mean.shape == (3, 1)
    assert list(network._modules) == ["standardize", "0"]
    network = Reads()
    standardize_inputs_(network, x, feature_dim=1)
    assert network.input_0_mean.shape == (3, 1)


def test_a_constant_feature_is_only_centred():
    x = rows(50, 3)
    x[:, 1] = 0.1
    x[:, 2] = 1e8
    x[0, 2] += 8  # the last bit of a float32
    network = Reads()
    (change,) = standardize_inputs_(network, x).changes
    assert network.input_0_std[1:].tolist() == [1.0, 1.0]
    assert bool(network(x).isfinite().all())
    assert network(x)[:, 1].abs().max() < 1e-6
    scope = {"x_train": x, "x": x}
    exec(change.code, scope)  # noqa: S102 - the code a user would write
    assert bool(scope["x"].isfinite().all())


def test_pixels_become_numbers_and_words_stay():
    pixels = torch.randint(0, 256, (40, 3, 4, 4), dtype=torch.uint8)
    network = nn.Sequential(nn.Conv2d(3, 2, 3))
    standardize_inputs_(network, pixels)
    assert network(pixels).dtype == torch.float32
    words = torch.randint(0, 9, (40, 6))
    applied = standardize_inputs_(nn.Sequential(nn.Embedding(9, 4)), words)
    reason = "it holds the numbers of words or classes, which an embedding reads"
    assert (applied.changes, applied.untouched) == ((), (("input 0", reason),))


def test_several_inputs_by_position_and_by_name():
    x, other = rows(30, 3), rows(30, 2) * 9
    for inputs, call in (
        ((x, other), lambda net: net(x, other)),
        ({"x": x, "other": other}, lambda net: net(x=x, other=other)),
    ):
        network = Reads()
        applied = standardize_inputs_(network, inputs)
        assert len(applied.changes) == 2
        for out in call(network):
            assert torch.allclose(out.mean(0), torch.zeros(1), atol=1e-3)
        applied.undo()
        assert torch.equal(call(network)[1], other)


def test_it_runs_before_the_users_hooks_and_follows_the_module():
    network, seen = Reads(torch.float64), []
    network.register_forward_pre_hook(lambda part, args: seen.append(args[0]))
    x = rows(50, 3)
    standardize_inputs_(network, x)
    network(x)
    assert seen[-1].abs().mean() < 1
    assert network.float()(x).dtype == torch.float32
    assert network.state_dict()["input_0_mean"].dtype == torch.float32


def test_what_is_standard_already_is_left_alone_as_far_as_the_sample_can_tell():
    generator = torch.Generator().manual_seed(3)
    for num_rows in (20, 200, 2000):
        x = torch.randn(num_rows, 40, generator=generator)
        assert standardize_inputs_(Reads(), x).untouched == (
            ("input 0", "it has mean 0 and standard deviation 1 already"),
        )
    assert standardize_inputs_(Reads(), torch.randn(2000, 4, generator=generator) * 1.5).changes
    assert standardize_inputs_(Reads(), torch.randn(2000, 4, generator=generator) + 0.5).changes


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            torch.ones(1, 3),
            r"There must be at least two examples .* Found an input of shape \(1, 3\)\. Pass all training",
        ),
        (
            torch.tensor([[1.0], [float("nan")]]),
            r"Inputs must be finite\. Found NaN or infinity in input 0\. Remove or",
        ),
        (None, "There must be a batch for the module: .* Found a NoneType without a tensor"),
    ],
)
def test_what_is_refused(inputs, message):
    network = Reads()
    with pytest.raises(ArgumentError, match=message):
        standardize_inputs_(network, inputs)
    assert list(network.state_dict()) == ["scale"]


def test_standardize_undoes_scale_and_offset():
    x = rows(9, 2)
    part = Standardize(x.mean(0), x.std(0))
    assert torch.allclose(part(x) * x.std(0) + x.mean(0), x, atol=1e-3)
    assert repr(part) == "Standardize(2 means and standard deviations)"
