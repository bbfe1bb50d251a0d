"""Dropout: the expected activation is kept, masks are independent, and eval mode is exactly the identity."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from justfit.cures import Dropout
from justfit.errors import ArgumentError

PER_UNIT = [0.0, 0.1, 0.5, 0.9]
NUM_EXAMPLES = 40_000


def thinned(p, num_units=4, seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    return Dropout(p).train()(torch.ones(NUM_EXAMPLES, num_units, dtype=dtype)).double()


def assert_expected_activation_is(expected, output_BU, p_U):
    # of 1/(1−p) with probability 1−p: mean 1, variance p/(1−p)
    standard_error = (p_U / (1 - p_U) / NUM_EXAMPLES).sqrt()
    assert ((output_BU.mean(0) - expected).abs() <= 4.5 * standard_error + 1e-6).all()


@pytest.mark.parametrize("p", [0.2, 0.5, 0.9, PER_UNIT, torch.tensor(PER_UNIT), np.array(PER_UNIT).tolist()])
def test_c9_the_expected_activation_is_kept(p):
    output_BU, p_U = thinned(p), torch.as_tensor(p, dtype=torch.float64).expand(4)
    assert_expected_activation_is(1.0, output_BU, p_U)
    for wrong in (0.5, 2.0):
        with pytest.raises(AssertionError):
            assert_expected_activation_is(1.0, wrong * output_BU, p_U)


def test_c9_kept_units_are_scaled_by_one_over_one_minus_p():
    output_BU = thinned(PER_UNIT)
    for unit, p in enumerate(PER_UNIT):
        kept = output_BU[:, unit][output_BU[:, unit] != 0]
        assert torch.allclose(kept, torch.tensor(1 / (1 - p), dtype=torch.float64), rtol=1e-6)
        assert len(kept) / NUM_EXAMPLES == pytest.approx(1 - p, abs=5 * math.sqrt(p * (1 - p) / NUM_EXAMPLES))


def assert_uncorrelated(some, others):
    correlation = np.corrcoef(some.flatten(), others.flatten())[0, 1]
    assert abs(correlation) < 5 / math.sqrt(some.numel())


@pytest.mark.parametrize("p", [0.5, [0.5] * 4])
def test_c9_a_new_mask_for_each_unit_example_and_step(p):
    mask_BU = thinned(p) != 0
    assert_uncorrelated(mask_BU[:, 0], mask_BU[:, 1])
    assert_uncorrelated(mask_BU[:-1], mask_BU[1:])
    dropout = Dropout(p).train()
    steps = [dropout(torch.ones(1000, 4)) != 0 for _ in range(2)]
    assert_uncorrelated(*steps)
    with pytest.raises(AssertionError):
        assert_uncorrelated(steps[0], steps[0])


def test_c9_a_dropped_unit_loses_its_gradient_and_a_kept_one_has_it_scaled():
    torch.manual_seed(0)
    x = torch.ones(50, 4, requires_grad=True)
    output = Dropout(PER_UNIT)(x)
    output.sum().backward()
    assert torch.equal(x.grad, output.detach())


def test_sequences_have_independent_masks_over_time():
    torch.manual_seed(0)
    output = Dropout([0.5, 0.5])(torch.ones(200, 30, 2))
    assert 0.45 < (output == 0).float().mean() < 0.55
    assert_uncorrelated(output[:, :-1] != 0, output[:, 1:] != 0)


@pytest.mark.parametrize("p", [0.0, 0.5, PER_UNIT, [0.99] * 4])
@pytest.mark.parametrize("inplace", [False, True])
def test_c10_eval_is_the_identity_to_the_bit(p, inplace):
    x = torch.tensor([[1.0, -0.0, math.nan, math.inf], [1e-40, -1e38, 0.1, 2.0]])
    before = x.clone()
    dropout = Dropout(p, inplace=inplace).eval()
    state = torch.random.get_rng_state()
    assert dropout(x) is x
    assert torch.equal(x.view(torch.int32), before.view(torch.int32))
    assert torch.equal(state, torch.random.get_rng_state())


def test_c10_predictions_are_not_random():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 4), Dropout(PER_UNIT), nn.Linear(4, 2), Dropout(0.5))
    plain = nn.Sequential(network[0], network[2])
    x = torch.randn(8, 4)
    assert torch.equal(network.eval()(x), plain(x))
    assert not torch.equal(network.train()(x), plain(x))


def test_p_zero_is_the_identity_in_training_too():
    x = torch.tensor([[1.0, -0.0, 1e-40, -3.0]])
    assert Dropout(0.0).train()(x) is x
    assert torch.equal(Dropout([0.0] * 4).train()(x).view(torch.int32), x.view(torch.int32))


@pytest.mark.parametrize("p", [0.5, PER_UNIT])
def test_inplace(p):
    x = torch.ones(100, 4)
    output = Dropout(p, inplace=True)(x)
    assert output is x
    assert (x == 0).any()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_p_is_not_rounded_to_the_draws_of_a_small_dtype(dtype):
    p = 0.002  # bfloat16 draws are multiples of 1/256
    output_BU = thinned([p] * 4, dtype=dtype)
    assert float((output_BU == 0).double().mean()) == pytest.approx(p, abs=5 * math.sqrt(p / NUM_EXAMPLES / 4))


@pytest.mark.parametrize("p", [0.5, PER_UNIT])
def test_autocast(p):
    network = nn.Sequential(nn.Linear(4, 4), Dropout(p), nn.Linear(4, 4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(torch.ones(3, 4))
    assert output.dtype == torch.bfloat16
    output.float().sum().backward()
    assert network[0].weight.grad.dtype == torch.float32


@pytest.mark.parametrize("p", [0.5, [0.5] * 3])
def test_vmap_with_same_and_different_masks(p):
    torch.manual_seed(0)
    x = torch.ones(5, 40, 3)
    same = torch.func.vmap(Dropout(p), randomness="same")(x)
    assert all(torch.equal(same[0], other) for other in same[1:])
    different = torch.func.vmap(Dropout(p), randomness="different")(x)
    assert not torch.equal(different[0], different[1])
    assert set(same.unique().tolist()) == set(different.unique().tolist()) == {0.0, 2.0}


def test_vmap_over_one_vector_of_probabilities_per_variant():
    torch.manual_seed(0)
    p_KU = torch.tensor([[0.0, 0.0], [0.9, 0.0], [0.0, 0.5]])
    dropout = Dropout([0.0, 0.0])

    def call(p_U, x):
        return torch.func.functional_call(dropout, {"p": p_U}, (x,))

    output_KBU = torch.func.vmap(call, in_dims=(0, None), randomness="different")(p_KU, torch.ones(4000, 2))
    dropped_KU = (output_KBU == 0).float().mean(1)
    assert torch.allclose(dropped_KU, p_KU, atol=0.04)


def test_state_dict_and_copies():
    dropout = Dropout(PER_UNIT)
    assert torch.equal(dropout.state_dict()["p"], torch.tensor(PER_UNIT))
    other = Dropout([0.0] * 4)
    other.load_state_dict(dropout.state_dict())
    assert torch.equal(other.p, dropout.p)
    assert torch.equal(copy.deepcopy(dropout).p, dropout.p)
    assert Dropout(0.5).state_dict() == {}
    given = torch.tensor(PER_UNIT)
    held = Dropout(given)
    given.zero_()
    assert torch.equal(held.p, torch.tensor(PER_UNIT))


def test_a_probability_rounded_to_one_by_a_cast_drops_without_nan():
    dropout = Dropout([0.9999, 0.5]).to(torch.bfloat16)
    x = torch.ones(10, 2, dtype=torch.bfloat16, requires_grad=True)
    output = dropout(x)
    output.sum().backward()
    assert not output[:, 0].any()
    assert x.grad.isfinite().all()


def test_repr():
    assert repr(Dropout(0.25)) == "Dropout(p=0.25)"
    assert repr(Dropout(PER_UNIT, inplace=True)) == "Dropout(p=[0 … 0.9], 4 units, inplace=True)"


@pytest.mark.parametrize(
    ("p", "message"),
    [
        (-0.1, r"`p` must lie in \[0, 1\)\. Found `p=-0\.1`\. .*not of keeping it"),
        (1.0, r"Found `p=1\.0`"),
        (1, r"Found `p=1\.0`"),
        (math.nan, "Found `p=nan`"),
        ([0.5, 1.2], r"Found `p=1\.2\d*` for unit 1"),
        ([0.5, math.nan], "Found `p=nan` for unit 1"),
        (torch.tensor([0.5, 1.0]), r"Found `p=1\.0` for unit 1"),
        ([1 - 1e-9], r"Found `p=1\.0`"),
        ([], r"at least one unit\. Found shape \(0,\)"),
        (torch.zeros(2, 2), r"one-dimensional.*Found shape \(2, 2\)"),
        (torch.tensor(0.5), r"one-dimensional.*Found shape \(\)"),
        ("0.5", "`p` must be a number, or a sequence"),
        (True, "`p` must be a number, or a sequence"),
        (None, "`p` must be a number, or a sequence"),
        (["a"], "`p` must hold plain numbers"),
        ([[0.1], [0.2, 0.3]], "`p` must hold plain numbers"),
    ],
)
def test_probabilities_out_of_range(p, message):
    with pytest.raises(ArgumentError, match=message):
        Dropout(p)


def test_inputs_that_do_not_fit():
    with pytest.raises(ArgumentError, match=r"one unit per probability\. Found shape \(2, 3\) for 4 probabilities"):
        Dropout(PER_UNIT)(torch.ones(2, 3))
    with pytest.raises(ArgumentError, match="one unit per probability"):
        Dropout(PER_UNIT)(torch.tensor(1.0))
    with pytest.raises(ArgumentError, match=r"floating-point dtype.*Found torch\.int64"):
        Dropout(0.5)(torch.ones(2, 3, dtype=torch.int64))
