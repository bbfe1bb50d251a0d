"""R² of the best affine map, and the share of active units (lecture C7)."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from justfit.errors import ArgumentError
from justfit.maths import active_fraction, linearity_r2, linearity_r2_of_each


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_c7_an_affine_network_scores_exactly_one(dtype):
    x = normal(50, 6, dtype=dtype)
    network = nn.Sequential(nn.Linear(6, 9), nn.Linear(9, 2)).to(dtype)
    assert linearity_r2(x, network(x)) == 1.0
    assert linearity_r2(1e4 * x + 1e4, network(x)) == pytest.approx(1.0, abs=1e-6)


def test_c7_known_shares():
    # E over z ~ N(0, 1): the affine map explains 1/2 of the variance of relu(z), which is 1/2 − 1/(2π); none of z²
    z = normal(200_000, 1)
    share = 0.25 / (0.5 - 1 / (2 * math.pi))
    assert linearity_r2(z, torch.relu(z)) == pytest.approx(share, abs=0.005)
    assert linearity_r2(z, torch.relu(z)) != pytest.approx(share / 2, abs=0.1)
    assert linearity_r2(z, z.square()) < 0.001


def test_c7_against_numpy_least_squares():
    x, y = normal(40, 5), torch.tanh(normal(40, 5) @ normal(5, 3, seed=1)) + normal(40, 3, seed=2)
    design = np.column_stack([np.ones(40), x.numpy()])
    residual = y.numpy() - design @ np.linalg.lstsq(design, y.numpy(), rcond=None)[0]
    unadjusted = 1 - (residual**2).sum() / ((y.numpy() - y.numpy().mean(0)) ** 2).sum()
    adjusted = 1 - (1 - unadjusted) * 39 / (39 - 5)
    assert linearity_r2(x, y) == pytest.approx(max(0.0, adjusted), abs=1e-12)


def test_the_adjusted_value_does_not_flatter_few_examples():
    # outputs that have nothing to do with the inputs: 30 slopes explain 30/39 of 40 examples
    values = [linearity_r2(normal(40, 30, seed=s), normal(40, 1, seed=100 + s)) for s in range(200)]
    assert np.mean(values) < 0.3
    assert 1 - (1 - 30 / 39) > 0.7  # what the plain R² gives on average


def test_as_many_slopes_as_examples_is_no_evidence():
    assert math.isnan(linearity_r2(normal(5, 4), normal(5, 1, seed=1)))
    assert math.isnan(linearity_r2(normal(5, 9), normal(5, 1, seed=1)))
    assert math.isnan(linearity_r2(normal(1, 1), normal(1, 1)))
    assert not math.isnan(linearity_r2(normal(6, 4), normal(6, 1, seed=1)))


def test_constant_and_repeated_columns_are_not_counted_as_slopes():
    x = normal(20, 3)
    y = torch.tanh(3 * x).sum(1)
    wide = torch.cat([x, torch.ones(20, 30), x, 2 * x], dim=1)
    assert linearity_r2(wide, y) == pytest.approx(linearity_r2(x, y), abs=1e-9)


def test_a_constant_network_is_affine_even_with_rounding_noise():
    x = normal(50, 3, dtype=torch.float32)
    assert linearity_r2(x, torch.full((50, 2), 0.7)) == 1.0
    assert linearity_r2(x, 0.7 + 1e-8 * torch.sin(50 * x)) == 1.0
    assert linearity_r2(x, 0.7 + 1e-4 * torch.sin(50 * x)) < 0.5
    assert linearity_r2(x, torch.zeros(50)) == 1.0


def test_a_strong_l2_penalty_is_seen_as_a_linear_network():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1)).double()
    x = normal(300, 4)
    values = []
    for shrink in (10.0, 1.0, 0.1, 0.01):
        with torch.no_grad():
            hidden = torch.tanh(shrink * x @ network[0].weight.T)
            values.append(linearity_r2(x, network[2](hidden)))
    assert values == sorted(values)
    assert values[0] < 0.9 < 0.9999 < values[-1]


def test_images_are_flattened_and_what_is_not_finite_has_no_answer():
    x = normal(60, 2, 3, 3)
    assert linearity_r2(x, x.flatten(1) @ normal(18, 2)) == pytest.approx(1.0)
    assert math.isnan(linearity_r2(x, torch.full((60, 1), math.inf)))
    assert math.isnan(linearity_r2(x * math.nan, torch.ones(60, 1)))


@pytest.mark.parametrize(
    ("x", "y"), [(torch.ones(3, 1), torch.ones(4, 1)), (torch.ones(0, 1), torch.ones(0, 1)), (torch.tensor(1.0),) * 2]
)
def test_linearity_errors(x, y):
    with pytest.raises(ArgumentError, match="one row per example, the same number and at least one"):
        linearity_r2(x, y)


def test_c7_active_fraction():
    relu = torch.relu(torch.tensor([[1.0, -1.0, 2.0, -3.0]]))
    assert active_fraction(relu) == 0.5
    assert active_fraction([relu, torch.ones(1, 4)]) == 0.75
    assert active_fraction(torch.zeros(3)) == 0.0
    assert active_fraction(iter([torch.zeros(3, dtype=torch.int64)])) == 0.0
    assert math.isnan(active_fraction(torch.tensor([1.0, math.nan])))
    with pytest.raises(ArgumentError, match="at least one entry"):
        active_fraction([])


def test_many_networks_on_the_same_inputs_are_each_as_alone():
    generator = torch.Generator().manual_seed(5)
    inputs = torch.randn(60, 4, generator=generator)
    outputs = [torch.randn(60, 3, generator=generator), torch.relu(inputs[:, :2]), torch.zeros(60), inputs.sum(1)]
    alone = [linearity_r2(inputs, output) for output in outputs]
    assert linearity_r2_of_each(inputs, outputs) == pytest.approx(alone, abs=1e-12)
    assert alone[2:] == [1.0, 1.0]
    assert 0.5 < alone[1] < 0.95
    assert linearity_r2_of_each(inputs, []) == []


def test_one_network_that_diverged_leaves_the_others_alone():
    inputs = torch.randn(30, 2, generator=torch.Generator().manual_seed(6))
    broken = torch.full((30, 2), torch.nan)
    first, second, third = linearity_r2_of_each(inputs, [inputs, broken, inputs[:, 0]])
    assert (first, third) == (1.0, 1.0)
    assert math.isnan(second)
    assert all(math.isnan(r2) for r2 in linearity_r2_of_each(inputs / 0.0, [inputs, inputs]))


def test_each_must_have_the_rows_of_the_inputs():
    with pytest.raises(ArgumentError, match="must have one row per example"):
        linearity_r2_of_each(torch.zeros(3, 2), [torch.zeros(3, 1), torch.zeros(4, 1)])
