"""p of every dropout, whoever calls it: the rate, the scale, nested masks, and attention and recurrence by formula."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from justfit.sweep._dropout_mode import DropoutMode

GENERATOR = torch.Generator().manual_seed(0)
ONES = torch.ones(40, 50, 3, 3)
SITES = {
    "module": (nn.Dropout(0.9), ONES, 1),
    "function": (functional.dropout, ONES, 1),
    "in place": (lambda x: functional.dropout(x.clone(), 0.9, inplace=True), ONES, 1),
    "torch.dropout": (lambda x: torch.dropout(x, 0.9, True), ONES, 1),
    "Dropout1d": (nn.Dropout1d(0.9), ONES[..., 0], 3),
    "Dropout1d without batch": (nn.Dropout1d(0.9), torch.ones(2000, 3), 3),
    "Dropout2d": (nn.Dropout2d(0.9), ONES, 9),
    "Dropout3d": (nn.Dropout3d(0.9), ONES[..., None], 9),
}


@pytest.mark.parametrize(("site", "ones", "together"), SITES.values(), ids=SITES)
@pytest.mark.parametrize("p", [0.0, 0.2, 0.6])
def test_the_rate_is_the_one_asked_for_and_the_mean_stays(site, ones, together, p):
    torch.manual_seed(0)
    with DropoutMode(p) as mode:
        out = site(ones)
    assert mode.num_reached == 1
    num_masks = ones.numel() / together
    dropped = float((out == 0).float().mean())
    assert abs(dropped - p) <= 4 * (p * (1 - p) / num_masks) ** 0.5
    torch.testing.assert_close(out[out != 0], torch.full_like(out[out != 0], 1 / (1 - p)))
    if together > 1:
        channels = out.reshape(-1, together)
        assert bool((channels == channels[:, :1]).all())


def test_none_leaves_p_as_built_and_one_drops_all():
    torch.manual_seed(0)
    with DropoutMode(None):
        assert abs(float((nn.Dropout(0.3)(ONES) == 0).float().mean()) - 0.3) < 0.01
        assert not nn.Dropout(1.0)(ONES).any()


def test_masks_are_nested_across_p():
    masks = []
    for p in (0.1, 0.4, 0.8):
        torch.manual_seed(0)
        with DropoutMode(p):
            masks.append(functional.dropout(ONES) != 0)
    assert bool((masks[1] <= masks[0]).all())
    assert bool((masks[2] <= masks[1]).all())


@pytest.mark.parametrize("kind", [nn.AlphaDropout, nn.FeatureAlphaDropout])
def test_alpha_dropout_keeps_mean_and_variance(kind):
    torch.manual_seed(0)
    x = torch.randn(400, 500)
    with DropoutMode(0.3):
        out = kind()(x)
    assert abs(float(out.mean())) < 0.02
    assert abs(float(out.std()) - 1) < 0.02
    dropped = (out * 100).round().flatten().mode().values / 100  # the value that all dropped units share
    assert abs(float((out - dropped).abs().lt(0.01).float().mean()) - 0.3) < 0.02


@pytest.mark.parametrize("p", [0.0, 0.5])
def test_nothing_is_dropped_in_eval_mode(p):
    for module in (nn.Dropout(), nn.Dropout2d(), nn.AlphaDropout()):
        with DropoutMode(p) as mode:
            assert torch.equal(module.eval()(ONES), ONES)
        assert mode.num_reached == 0


Q, K, V = (torch.randn(2, 4, 5, 6, generator=GENERATOR) for _ in range(3))
MASK = torch.rand(5, 5, generator=GENERATOR) > 0.3
MASK.fill_diagonal_(fill_value=True)
ATTENTION = {
    "plain": {},
    "causal": {"is_causal": True},
    "boolean mask": {"attn_mask": MASK},
    "added mask": {"attn_mask": torch.randn(5, 5, generator=GENERATOR)},
    "scale": {"scale": 0.3},
}


@pytest.mark.parametrize("options", ATTENTION.values(), ids=ATTENTION)
def test_attention_by_its_formula(options):
    expected = functional.scaled_dot_product_attention(Q, K, V, **options)
    with DropoutMode(None, stacked=True):
        torch.testing.assert_close(functional.scaled_dot_product_attention(Q, K, V, **options), expected)
    with DropoutMode(0.0):
        dropped = functional.scaled_dot_product_attention(Q, K, V, dropout_p=0.5, **options)
    torch.testing.assert_close(dropped, expected)


def test_attention_of_grouped_heads():
    fewer = K[:, :2], V[:, :2]
    expected = functional.scaled_dot_product_attention(Q, *fewer, enable_gqa=True)
    with DropoutMode(None, stacked=True):
        torch.testing.assert_close(functional.scaled_dot_product_attention(Q, *fewer, enable_gqa=True), expected)


@pytest.mark.parametrize("need_weights", [False, True])
def test_dropout_inside_multi_head_attention_is_reached(need_weights):
    heads, x = nn.MultiheadAttention(6, 2, dropout=0.7, batch_first=True), torch.randn(3, 5, 6, generator=GENERATOR)
    expected = heads.eval()(x, x, x, need_weights=need_weights)[0]
    with DropoutMode(0.0) as mode:
        torch.testing.assert_close(heads.train()(x, x, x, need_weights=need_weights)[0], expected)
    assert mode.num_reached == 1
    before = functional.multi_head_attention_forward.__globals__["has_torch_function"]
    assert before is torch.overrides.has_torch_function


RECURRENT = {
    "LSTM": lambda: nn.LSTM(4, 5, 3, dropout=0.3, bidirectional=True, batch_first=True),
    "projection": lambda: nn.LSTM(4, 5, 2, dropout=0.3, proj_size=3),
    "no bias": lambda: nn.LSTM(4, 5, bias=False),
    "GRU": lambda: nn.GRU(4, 5, 2, dropout=0.3, bidirectional=True),
    "RNN": lambda: nn.RNN(4, 5, 2, dropout=0.3, nonlinearity="relu", batch_first=True),
}


@pytest.mark.parametrize("make", RECURRENT.values(), ids=RECURRENT)
@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_recurrent_layers_by_layer_and_by_formula(make):
    module, x = make(), torch.randn(3, 6, 4, generator=GENERATOR)
    expected = nn.utils.parameters_to_vector(flat(module.eval()(x)))
    for stacked in (False, True):
        with DropoutMode(0.0, stacked=stacked):
            torch.testing.assert_close(nn.utils.parameters_to_vector(flat(module.train()(x))), expected)
    found = []
    for stacked in (False, True):
        torch.manual_seed(3)
        with DropoutMode(0.5, stacked=stacked) as mode:
            found.append(nn.utils.parameters_to_vector(flat(module(x))))
        assert mode.num_reached == module.num_layers - 1
    torch.testing.assert_close(*found)


def test_dropout_of_packed_sequences_is_reached():
    module = nn.GRU(4, 5, 2, dropout=0.5)
    packed = nn.utils.rnn.pack_sequence([torch.randn(length, 4, generator=GENERATOR) for length in (4, 2)])
    expected = module.eval()(packed)[0].data
    with DropoutMode(0.0) as mode:
        torch.testing.assert_close(module.train()(packed)[0].data, expected)
    assert mode.num_reached == 1


def flat(outputs):
    return [part.contiguous() for out in outputs for part in (out if isinstance(out, tuple) else (out,))]
