import math

import pytest
import torch
from torch import nn

from justfit.probe._twins import twin_share
from justfit.probe._weights import WeightUse, family, moments_of, right_rms, weight_facts
from tests.unit.probe import naive


def facts(weight, *, bias=None, gradient=None, dimension=0, **kinds):
    kinds = {"is_layer": True, **kinds}
    use = WeightUse(weight=weight, bias=bias, gradient=gradient, dimension=dimension, **kinds)
    return weight_facts([use])[0]


@pytest.mark.parametrize("shape", [(64, 64), (32, 16, 3, 3), (512, 512)])
@pytest.mark.parametrize(
    ("fill", "name"),
    [
        (nn.init.zeros_, "zero"),
        (nn.init.ones_, "constant"),
        (lambda w: nn.init.constant_(w, -0.3), "constant"),
        (lambda w: nn.init.normal_(w, std=0.02), "normal"),
        (lambda w: nn.init.normal_(w, std=1e-12), "normal"),
        (nn.init.xavier_uniform_, "uniform"),
        (lambda w: nn.init.sparse_(w.flatten(1), 0.9).view_as(w), "other"),
    ],
)
def test_families(shape, fill, name):
    torch.manual_seed(0)
    assert facts(fill(torch.empty(shape))).distribution == name


def test_a_weight_that_is_mostly_zero_is_not_zero():
    assert facts(nn.init.dirac_(torch.empty(64, 64, 3, 3))).distribution != "zero"
    assert facts(torch.eye(1000)).distribution != "zero"


def test_too_few_entries_tell_nothing():
    assert facts(torch.randn(3, 4)).distribution == "other"


def test_moments_are_the_naive_ones():
    torch.manual_seed(0)
    weights = [torch.randn(16, 20) * 3 + 1, torch.rand(16, 20) * 1e-20]
    for weight, found in zip(weights, moments_of(weights), strict=True):
        assert found.largest == pytest.approx(float(weight.abs().max()))
        assert found.spread == pytest.approx(float(weight.double().std(correction=0)), rel=1e-5)
        assert found.kurtosis == pytest.approx(naive.kurtosis(weight), rel=1e-5)
    assert family(moments_of([torch.zeros(0, 3)])[0], 0.0) == "zero"


@pytest.mark.parametrize(
    "layer",
    [
        nn.Linear(64, 32),
        nn.Conv2d(8, 16, 3),
        nn.ConvTranspose2d(8, 16, 3),
        nn.Linear(300, 2),
        nn.Conv1d(16, 16, 5, groups=4),
    ],
)
def test_defaults_of_torch_are_known(layer):
    dimension = int(isinstance(layer, nn.ConvTranspose2d))
    assert facts(layer.weight, bias=layer.bias, dimension=dimension).has_default_values
    with torch.no_grad():
        layer.weight.mul_(1.5)
    assert not facts(layer.weight, bias=layer.bias, dimension=dimension).has_default_values


def test_a_zero_bias_is_no_default():
    layer = nn.Linear(64, 32)
    nn.init.zeros_(layer.bias)
    assert not facts(layer.weight, bias=layer.bias).has_default_values
    assert facts(layer.weight).has_default_values  # no bias at all says nothing
    assert not facts(layer.weight, is_layer=False).has_default_values


def test_sizes():
    torch.manual_seed(0)
    weight, gradient = torch.randn(8, 5), torch.randn(8, 5)
    found = facts(weight, gradient=gradient)
    assert found.weight_rms == pytest.approx(naive.rms(weight), rel=1e-6)
    assert found.weight_gradient_rms == pytest.approx(naive.rms(gradient), rel=1e-6)
    assert math.isnan(facts(weight).weight_gradient_rms)


def naive_twins(weight, gradient, bias=None):
    rows = torch.cat([weight.flatten(1), gradient.flatten(1)], 1)
    rows = rows if bias is None else torch.cat([rows, bias[:, None]], 1)
    close = [torch.isclose(row, rows, rtol=1e-5, atol=1e-7).all(1) for row in rows]
    return sum(alike.sum().item() > 1 for alike in close) / len(rows)


@pytest.mark.parametrize("shape", [(16, 10), (300, 40), (12, 6, 3, 3)])
@pytest.mark.parametrize("num_twins", [0, 2, 5])
def test_twins_by_comparing_all_pairs(shape, num_twins):
    torch.manual_seed(0)
    weight, gradient = torch.randn(shape), torch.randn(shape)
    weight[:num_twins], gradient[:num_twins] = weight[0], gradient[0]
    found = facts(weight, gradient=gradient).identical_fraction
    assert found == pytest.approx(naive_twins(weight, gradient)) == pytest.approx(num_twins / shape[0])


def test_twins_need_the_same_future_and_the_same_bias():
    torch.manual_seed(0)
    weight, gradient, same = torch.zeros(8, 5), torch.randn(8, 5), torch.ones(8, 5)
    assert facts(weight, gradient=gradient).identical_fraction == 0.0  # a zero head learns different rows at once
    assert facts(weight, gradient=same).identical_fraction == 1.0
    assert facts(weight, gradient=same, bias=torch.zeros(8)).identical_fraction == 1.0
    assert facts(weight, gradient=same, bias=torch.randn(8)).identical_fraction == 0.0
    assert facts(weight).identical_fraction == 0.0
    assert facts(weight, gradient=same, has_units=False).identical_fraction == 0.0
    assert facts(torch.zeros(1, 5), gradient=torch.ones(1, 5)).identical_fraction == 0.0


def test_mirrored_pairs_are_not_twins():
    half, gradient = torch.randn(8, 5), torch.randn(8, 5)
    weight, gradient = torch.cat([half, -half]), torch.cat([gradient, -gradient])
    assert facts(weight, gradient=gradient).identical_fraction == 0.0


def test_units_of_a_transposed_convolution_lie_in_its_second_dimension():
    weight, gradient = torch.randn(6, 4, 3), torch.randn(6, 4, 3)
    weight[:, 1], gradient[:, 1] = weight[:, 0], gradient[:, 0]
    assert facts(weight, gradient=gradient, dimension=1).identical_fraction == 0.5
    assert twin_share(weight, None, gradient, 0) == 0.0


def test_weights_together_are_as_alone():
    torch.manual_seed(0)
    weights = [torch.randn(16, 20) * 10.0**-k for k in range(5)] + [torch.zeros(16, 20), torch.rand(4, 4)]
    uses = [WeightUse(weight=w, bias=None, gradient=torch.ones_like(w), dimension=0, is_layer=True) for w in weights]
    for together, use in zip(weight_facts(uses), uses, strict=True):
        alone = weight_facts([use])[0]
        assert together.weight_rms == pytest.approx(alone.weight_rms, rel=1e-6)
        assert (together.distribution, together.identical_fraction) == (alone.distribution, alone.identical_fraction)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("relu", math.sqrt(2 / 50)),
        (None, math.sqrt(1 / 50)),
        ("tanh", math.sqrt(1 / 50)),
        ("sigmoid", 4 / math.sqrt(50)),
    ],
)
def test_right_size_of_weights(activation, expected):
    assert right_rms(activation, 50, 1.0) == pytest.approx(expected, rel=1e-3)


def test_right_size_is_unknown_without_a_gain():
    assert math.isnan(right_rms("softmax", 50, 1.0))
    assert math.isnan(right_rms("relu", 0, 1.0))
    assert math.isnan(right_rms("relu", 50, math.nan))
