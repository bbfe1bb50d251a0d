"""Properties of the formulas that hold for any input."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from justfit.maths import (
    active_fraction,
    chain_log_singular_values,
    chain_output,
    e_folding_depth,
    gain,
    l2_penalty,
    linearity_r2,
    scaled_identity_output,
    sum_squares,
)

settings.register_profile("house", deadline=None, max_examples=40)
settings.load_profile("house")

seeds = st.integers(0, 2**32 - 1)
scales = st.floats(1e-3, 1e3)
widths = st.integers(1, 6)


def normal(seed, *shape):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@given(slope=st.floats(-3, 3))
def test_quadrature_equals_the_closed_form_of_any_leaky_slope(slope):
    quadrature = gain(lambda z: torch.where(z > 0, z, slope * z))
    assert quadrature == pytest.approx(gain(nn.LeakyReLU(slope)), rel=1e-10)


@given(scale=scales, shift=st.floats(-3, 3))
def test_gain_is_inverse_to_the_scale_of_the_activation(scale, shift):
    assert gain(lambda z: scale * torch.tanh(z + shift)) * scale == pytest.approx(
        gain(lambda z: torch.tanh(z + shift)), rel=1e-9
    )


@given(jump=st.floats(-4, 4))
def test_gain_of_a_step_anywhere(jump):
    exact = 1 / math.sqrt(math.erfc(jump / math.sqrt(2)) / 2)
    assert gain(lambda z: (z > jump).double()) == pytest.approx(exact, rel=1e-8)


@given(seed=seeds, l2=st.floats(0, 1e3), num_examples=st.integers(1, 10**6), shape=st.tuples(widths, widths))
def test_penalty_is_linear_in_l2_and_its_gradient_is_l2_over_n_w(seed, l2, num_examples, shape):
    weight = normal(seed, *shape).requires_grad_()
    penalty = l2_penalty([weight], l2, num_examples)
    (gradient,) = torch.autograd.grad(penalty, weight)
    assert torch.allclose(gradient, l2 / num_examples * weight, rtol=1e-12, atol=1e-300)
    assert penalty.item() == pytest.approx((gradient * weight).sum().item() / 2, rel=1e-12, abs=1e-300)
    assert penalty.item() == pytest.approx(l2 * l2_penalty([weight], 1.0, num_examples).item(), rel=1e-12)


@given(seed=seeds, rows=widths, columns=widths)
def test_sum_squares_does_not_change_under_rotation(seed, rows, columns):
    weight = normal(seed, rows, columns)
    rotation = torch.linalg.qr(normal(seed + 1, rows, rows))[0]
    assert sum_squares(rotation @ weight).item() == pytest.approx(sum_squares(weight).item(), rel=1e-12)


@given(seed=seeds, shape=st.lists(widths, min_size=2, max_size=6))
def test_log_singular_values_of_short_chains(seed, shape):
    weights = [normal(seed + i, after, before) for i, (before, after) in enumerate(pairwise(shape))]
    log_sigma = chain_log_singular_values(weights)
    product = chain_output(weights, torch.eye(shape[0], dtype=torch.float64)).T
    expected = torch.linalg.svdvals(product)[: min(shape)]
    assert torch.allclose(log_sigma.exp(), expected, rtol=1e-9, atol=1e-12 * float(expected[0]))


@given(seed=seeds, depth=st.integers(1, 300), scale=st.floats(0.2, 5))
def test_scaling_each_layer_shifts_log_singular_values(seed, depth, scale):
    weights = [normal(seed + layer, 4, 4) for layer in range(depth)]
    shifted = chain_log_singular_values([scale * weight for weight in weights])
    expected = chain_log_singular_values(weights) + depth * math.log(scale)
    assert torch.allclose(shifted, expected, rtol=1e-9, atol=1e-8)


@given(factor=st.floats(0.3, 3).filter(lambda f: abs(f - 1) > 1e-3), depth=st.integers(1, 40), seed=seeds)
def test_signal_after_a_depth_is_its_e_foldings(factor, depth, seed):
    x = normal(seed, 2, 3)
    ratio = scaled_identity_output(x, factor, depth).norm() / x.norm()
    e_foldings = (depth - 1) / e_folding_depth(factor)
    assert math.log(ratio) == pytest.approx(math.copysign(e_foldings, math.log(factor)), rel=1e-9, abs=1e-12)


@given(seed=seeds, num_inputs=widths, num_outputs=widths, scale=scales, offset=st.floats(-100, 100))
def test_affine_maps_are_linear_and_r2_ignores_scale_and_offset(seed, num_inputs, num_outputs, scale, offset):
    x = normal(seed, 30, num_inputs)
    affine = x @ normal(seed + 1, num_inputs, num_outputs) + offset
    assert linearity_r2(x, affine) == pytest.approx(1.0, abs=1e-12)
    bent = torch.relu(normal(seed + 2, 30, num_outputs) + x.sum(1, keepdim=True))
    r2 = linearity_r2(x, bent)
    assert 0.0 <= r2 < 1.0 or (bent == bent[0]).all()
    assert linearity_r2(scale * x + offset, scale * bent - offset) == pytest.approx(r2, abs=1e-8)


@given(seed=seeds, threshold=st.floats(-3, 3))
def test_active_fraction_counts(seed, threshold):
    z = normal(seed, 7, 5)
    assert active_fraction(torch.relu(z - threshold)) == pytest.approx(float((z > threshold).double().mean()))
