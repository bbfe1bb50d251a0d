import math

import pytest
import torch

from justfit.probe._spread import SpreadMeter, samples
from justfit.probe._statistics import (
    chance_dead_share,
    dead_shares,
    largest_by_unit,
    norms,
    safe_norm,
    saturated_share,
    unit_dimension,
)
from tests.unit.probe import naive


def measured(activations, batch_size=32):
    meter = SpreadMeter(batch_size)
    for index, activation in enumerate(activations):
        meter.take(index, activation)
    return meter.read()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_spread_is_the_naive_twin(dtype, offset):
    torch.manual_seed(0)
    rows = (torch.randn(32, 20) + offset).to(dtype)
    found = measured([rows])[0]
    roundoff = torch.finfo(dtype).eps
    assert found.rms == pytest.approx(naive.rms(rows), rel=1e-6)
    assert found.cosine == pytest.approx(naive.cosine(rows), rel=1e-6, abs=1e-7)
    assert found.energy == pytest.approx(naive.energy(rows), rel=1e-6)
    assert found.rank == pytest.approx(naive.effective_rank(rows, roundoff), rel=1e-5)
    assert found.centred_rms == pytest.approx(naive.rms(rows.double() - rows.double().mean(0)), rel=1e-6)


def test_measuring_in_batches_changes_nothing():
    torch.manual_seed(0)
    shapes = [(32, 20), (32, 7), (32, 20), (32, 3, 4, 4), (4, 5)] * 4
    activations = [torch.randn(shape) * 10.0**place for place, shape in enumerate(shapes)]
    together = measured(activations)
    alone = [measured([activation])[0] for activation in activations]
    for place, one in enumerate(alone):
        assert together[place] == pytest.approx(one, rel=1e-6, abs=1e-7)


def test_copies_are_let_go_when_there_are_many(monkeypatch):
    monkeypatch.setattr(SpreadMeter, "max_bytes", 4 * 32 * 20 * 3)
    meter = SpreadMeter(32)
    for index in range(10):
        meter.take(index, torch.randn(32, 20))
        assert sum(map(len, meter._waiting.values())) < 3
    assert sorted(meter.read()) == list(range(10))


def test_later_changes_in_place_are_not_seen():
    activation = torch.ones(32, 4)
    meter = SpreadMeter(32)
    meter.take(0, activation)
    activation.zero_()
    assert meter.read()[0].rms == 1.0


@pytest.mark.parametrize("difference", [1e-3, 1e-4, 1e-5])
def test_rank_of_a_collapsed_signal_is_that_of_what_differs(difference):
    torch.manual_seed(0)
    rows = torch.ones(32, 1) * torch.randn(1, 20).sign() + difference * torch.randn(32, 20)
    found = measured([rows])[0]
    assert found.energy == pytest.approx(naive.energy(rows), rel=1e-5)
    assert found.rank == pytest.approx(naive.effective_rank(rows), rel=1e-3)


def test_rounding_noise_has_no_rank():
    torch.manual_seed(0)
    rows = torch.randn(1, 64).expand(32, 64) * (1 + 1e-7 * torch.randn(32, 64))
    assert measured([rows])[0].rank < 1e-3


@pytest.mark.parametrize("scale", [1e-38, 1e-30, 1e-20, 1e20, 1e35])
def test_extreme_sizes_neither_vanish_nor_overflow(scale):
    torch.manual_seed(0)
    plain = torch.randn(32, 20)
    found, usual = measured([plain * scale])[0], measured([plain])[0]
    assert found.rms == pytest.approx(naive.rms(plain * scale), rel=1e-6)
    assert found.rank == pytest.approx(usual.rank, rel=1e-3)
    assert found.cosine == pytest.approx(usual.cosine, abs=1e-6)


def test_a_signal_of_zeros_and_a_broken_one():
    zero, nan, inf = measured(
        [torch.zeros(32, 4), torch.full((32, 4), math.nan), torch.full((32, 4), math.inf)]
    ).values()
    assert (zero.rms, zero.centred_rms, zero.rank, zero.energy) == (0.0, 0.0, 0.0, 0.0)
    assert math.isnan(nan.rms)
    assert inf.rms == math.inf


@pytest.mark.parametrize(
    ("shape", "batch_size", "expected"),
    [
        ((32, 20), 32, (32, 20)),
        ((200, 20), 200, (50, 20)),  # every fourth example
        ((32, 3, 10, 10), 32, (32, 300)),
        ((2, 16, 6), 2, (32, 6)),  # few examples: positions are samples
        ((2, 3, 4, 4), 2, (32, 3)),  # channels last
        ((), 1, (1, 1)),
        ((5, 7), 32, (5, 7)),
        ((8, 5000), 8, (8, 1667)),
    ],
)
def test_samples_are_examples_or_positions(shape, batch_size, expected):
    assert samples(torch.zeros(shape), batch_size).shape == expected


def test_complex_numbers_count_as_two():
    assert samples(torch.zeros(32, 5, dtype=torch.complex64), 32).shape == (32, 10)


@pytest.mark.parametrize("scale", [0.0, 1e-44, 1e-30, 1.0, 1e30, 1e38])
def test_norms_are_safe_in_range(scale):
    torch.manual_seed(0)
    small, large = torch.rand(10) * scale, torch.rand(200, 200) * scale
    for found, tensor in zip(norms([small, large]), (small, large), strict=True):
        assert found == pytest.approx(naive.norm(tensor), rel=1e-6)
        assert float(safe_norm(tensor)) == pytest.approx(naive.norm(tensor), rel=1e-6)


def test_norms_of_what_is_not_finite():
    found = norms([torch.tensor([1.0, math.nan]), torch.tensor([math.inf, 1.0]), torch.ones(4)])
    assert math.isnan(found[0])
    assert found[1:] == [math.inf, 2.0]
    assert norms([]) == []
    assert norms([torch.ones(4), torch.ones(4, dtype=torch.float64), torch.ones(4, dtype=torch.bfloat16)]) == [2.0] * 3


def test_dead_units_by_counting():
    torch.manual_seed(0)
    flat, image = torch.randn(3, 50), torch.randn(2, 50, 2, 1)
    found = dead_shares({5: (largest_by_unit(flat, 1), 0.0), 7: (largest_by_unit(image, 1), -0.5)})
    assert found[5] == sum(bool((flat[:, u] <= 0).all()) for u in range(50)) / 50
    assert found[7] == sum(bool((image[:, u] <= -0.5).all()) for u in range(50)) / 50


def test_unit_dimension_of_activations():
    assert unit_dimension(torch.zeros(2, 3, 4, 4), "conv2d") == 1
    assert unit_dimension(torch.zeros(2, 3, 4), "linear") == 2


@pytest.mark.parametrize(
    ("operation", "function"),
    [
        ("tanh", torch.tanh),
        ("sigmoid", torch.sigmoid),
        ("softsign", torch.nn.functional.softsign),
        ("hardtanh", torch.nn.functional.hardtanh),
        ("hardsigmoid", torch.nn.functional.hardsigmoid),
        ("erf", torch.erf),
    ],
)
def test_saturation_is_told_by_the_local_derivative(operation, function):
    z = torch.linspace(-8, 8, 4001, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(function(z).sum(), z)
    expected = float((slope < 0.05 * slope.max()).double().mean())
    assert float(saturated_share(z, operation)) == pytest.approx(expected, abs=2 / 4001)


@pytest.mark.parametrize("cosine", [0.0, 0.3, 0.8])
def test_chance_of_a_silent_unit_by_drawing(cosine):
    torch.manual_seed(0)
    num_samples = 4
    shared, own = torch.randn(200_000, 1), torch.randn(200_000, num_samples)
    z = math.sqrt(cosine) * shared + math.sqrt(1 - cosine) * own
    drawn = float((z <= 0).all(1).double().mean())
    assert chance_dead_share(cosine, num_samples) == pytest.approx(drawn, abs=4e-3)


def test_chance_of_a_silent_unit_at_the_ends():
    assert chance_dead_share(-0.5, 3) == pytest.approx(0.125)
    assert chance_dead_share(1.0, 64) == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("num", [5_000, 20_000, 1_000_001])
def test_norms_of_millions_of_equal_numbers_are_exact(num):
    values = torch.full((num,), -0.3)
    expected = naive.norm(values)
    assert norms([values]) == pytest.approx([expected], rel=1e-6)
    assert float(safe_norm(values)) == pytest.approx(expected, rel=1e-6)
