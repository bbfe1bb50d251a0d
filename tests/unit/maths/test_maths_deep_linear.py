"""The lecture's deep linear network: closed form beside autograd, and ln σ far beyond float64."""

import math

import pytest
import torch

from justfit.errors import ArgumentError
from justfit.maths import (
    chain_log_singular_values,
    chain_output,
    e_folding_depth,
    scaled_identity_gradient,
    scaled_identity_output,
)

DOUBLE = torch.float64


def random_case(factor, depth, num_outputs, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(5, 3, dtype=DOUBLE, generator=generator)
    last = torch.randn(num_outputs, 3, dtype=DOUBLE, generator=generator)
    hidden = [(factor * torch.eye(3, dtype=DOUBLE)).requires_grad_() for _ in range(depth - 1)]
    return x, last, [*hidden, last.clone().requires_grad_()]


def assert_closed_form_is_autograd(factor, depth, num_outputs, wrong=1.0):
    x, last, weights = random_case(factor, depth, num_outputs)
    output = chain_output(weights, x)
    assert torch.allclose(wrong * scaled_identity_output(x, factor, depth, last), output, rtol=1e-10, atol=0)
    loss = output.square().mean()
    (output_gradient,) = torch.autograd.grad(loss, output, retain_graph=True)
    for layer, gradient in enumerate(torch.autograd.grad(loss, weights), start=1):
        closed = scaled_identity_gradient(x, output_gradient, factor, (layer, depth), last)
        assert torch.allclose(wrong * closed, gradient, rtol=1e-10, atol=0), layer


@pytest.mark.parametrize(("factor", "depth"), [(0.9, 1), (0.9, 2), (0.9, 60), (1.1, 60), (-0.9, 7), (1.0, 30)])
@pytest.mark.parametrize("num_outputs", [1, 3])
def test_c12_closed_form_is_autograd(factor, depth, num_outputs):
    assert_closed_form_is_autograd(factor, depth, num_outputs)
    with pytest.raises(AssertionError):
        assert_closed_form_is_autograd(factor, depth, num_outputs, wrong=2.0)


def test_c12_vanishes_below_one_and_explodes_above():
    x = torch.ones(1, 2, dtype=DOUBLE)
    for depth in (10, 100, 1000):
        assert scaled_identity_output(x, 0.9, depth)[0, 0].item() == pytest.approx(0.9 ** (depth - 1))
        assert scaled_identity_output(x, 1.1, depth)[0, 0].item() == pytest.approx(1.1 ** (depth - 1))
        assert scaled_identity_gradient(x, x, 0.9, (1, depth))[0, 0].item() == pytest.approx(0.9 ** (depth - 2))
    assert scaled_identity_output(x, 1.0, 10_000)[0, 0].item() == 1.0


def test_c12_beyond_the_range_of_float64():
    x = torch.tensor([[1.0, 0.0, -2.0]], dtype=DOUBLE)
    assert scaled_identity_output(x, 1.1, 100_000).tolist() == [[math.inf, 0.0, -math.inf]]
    assert not scaled_identity_output(x, 0.9, 100_000).any()


def test_c12_e_folding_depth():
    for factor in (0.9, 1.1, -1.1):
        depth = e_folding_depth(factor)
        assert abs(factor) ** depth == pytest.approx(math.exp(math.copysign(1.0, abs(factor) - 1)))
    assert e_folding_depth(1.0) == math.inf
    assert e_folding_depth(0.0) == 0.0


def test_c12_ten_thousand_layers_keep_their_singular_values():
    log_sigma = chain_log_singular_values([torch.diag(torch.tensor([0.9, 1.1], dtype=DOUBLE))] * 10_000)
    assert log_sigma.tolist() == pytest.approx([10_000 * math.log(1.1), 10_000 * math.log(0.9)], rel=1e-11)


def orthogonal(size, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(size, size, dtype=DOUBLE, generator=generator))[0]


def gaussian(*shapes):
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(shape, dtype=DOUBLE, generator=generator) for shape in shapes]


def inverse_pairs():
    (weight,) = gaussian((4, 4))
    return [weight, torch.linalg.inv(weight)] * 20


CHAINS = {
    "one square layer": gaussian((5, 5)),
    "widths 4→7→6→5→8": gaussian((7, 4), (6, 7), (5, 6), (8, 5)),
    "a bottleneck of 3": gaussian((8, 6), (3, 8), (7, 3), (5, 7)),
    "one unit wide": gaussian((1, 1), (1, 1), (1, 1)),
    "60 gaussian layers": gaussian(*[(5, 5)] * 60),
    "90 rotations of 0.9": [0.9 * orthogonal(6, seed) for seed in range(90)],
    "shear, 200 times": [torch.tensor([[1.0, 1.0], [0.0, 1.0]], dtype=DOUBLE)] * 200,
    "a matrix and its inverse": inverse_pairs(),
    "close singular values": [torch.diag(torch.linspace(1, 1.01, 4, dtype=DOUBLE)) @ orthogonal(4, 7)] * 30,
    "the last unit ahead": [torch.diag(torch.tensor([0.5, 1.0, 0.5, 1.5], dtype=DOUBLE))] * 400,
}


@pytest.mark.parametrize("name", CHAINS)
def test_log_singular_values_against_400_digits(name):
    mpmath = pytest.importorskip("mpmath")  # comes with torch, by way of sympy
    weights = CHAINS[name]
    log_sigma = chain_log_singular_values(weights)
    with mpmath.workdps(400):
        product = mpmath.eye(weights[0].shape[1])
        for weight in weights:
            product = mpmath.matrix(weight.tolist()) * product
        gram = product.T * product if product.cols <= product.rows else product * product.T
        eigenvalues = sorted(mpmath.eigsy(gram, eigvals_only=True), reverse=True)[: len(log_sigma)]
        expected = [float(mpmath.log(value) / 2) for value in eigenvalues]
    assert len(log_sigma) == min(min(weight.shape) for weight in weights)
    assert log_sigma.tolist() == pytest.approx(expected, rel=1e-10, abs=1e-10)
    assert log_sigma.tolist() != pytest.approx([value + math.log(2) for value in expected], rel=1e-10, abs=1e-10)


def test_the_explicit_product_loses_what_the_chain_keeps():
    weights = CHAINS["60 gaussian layers"]
    product = torch.linalg.multi_dot(weights[::-1])
    explicit = torch.linalg.svdvals(product).log()
    assert abs(explicit[-1] - chain_log_singular_values(weights)[-1]) > 1.0


def test_zero_singular_values():
    assert chain_log_singular_values([torch.zeros(3, 3), torch.eye(3)]).tolist() == [-math.inf] * 3
    log_sigma = chain_log_singular_values([torch.diag(torch.tensor([1.0, 0.0, 2.0]))] * 3)
    assert log_sigma.tolist() == pytest.approx([3 * math.log(2), 0.0, -math.inf])
    (weight,) = gaussian((4, 4))
    weight[:, 0] = weight[:, 1]
    smallest, largest = chain_log_singular_values([weight, orthogonal(4, 1)])[[-1, 0]]
    assert smallest < largest - 30  # rounding hides an exact zero


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scaled_identity_output(torch.ones(1, 1), math.nan, 3), "`factor` must be a finite number"),
        (lambda: e_folding_depth(math.inf), "`factor` must be a finite number"),
        (lambda: scaled_identity_output(torch.ones(1, 1), 0.9, 0), "`depth` must be a whole number"),
        (
            lambda: scaled_identity_gradient(torch.ones(1, 1), torch.ones(1, 1), 0.9, (4, 3)),
            r"must be \(k, l\) with 1 ≤ k ≤ l\. Found `layer_and_depth=\(4, 3\)`",
        ),
        (lambda: chain_output([], torch.ones(1, 1)), "at least one matrix.*Found none"),
        (lambda: chain_output([torch.ones(2, 3), torch.ones(2, 3)], torch.ones(1, 3)), "taking what the one before"),
        (lambda: chain_log_singular_values([torch.ones(3)]), r"Found shapes \[\(3,\)\]"),
        (lambda: chain_log_singular_values([torch.full((2, 2), math.nan)]), "must be finite"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
