"""Attention, fused and written out, against the same sums by hand."""

import math

import pytest
import torch
from torch import nn

from justfit.probe import read_signals
from tests.unit.probe import naive

WIDTH, HEADS, TOKENS = 16, 4, 12


class Attention(nn.Module):
    def __init__(self, how, *, causal=False, scale=1.0):
        super().__init__()
        torch.manual_seed(0)
        self.packed, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.how, self.causal = how, causal
        with torch.no_grad():
            self.packed.weight.mul_(scale)

    def split(self, x):
        return self.packed(x).view(*x.shape[:2], 3, HEADS, -1).permute(2, 0, 3, 1, 4)

    def forward(self, x):
        q, k, v = self.split(x)
        mask = torch.ones(TOKENS, TOKENS, dtype=torch.bool).tril() if self.causal else None
        if self.how == "fused":
            a = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        elif self.how == "mask":
            a = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            logits = q @ k.transpose(-2, -1) / math.sqrt(WIDTH // HEADS)
            a = (logits if mask is None else logits.masked_fill(~mask, -math.inf)).softmax(-1) @ v
        return x + self.out(a.transpose(1, 2).reshape(x.shape))


def by_hand(net, x):
    q, k, v = net.split(x)
    spread, entropy, peaked, values, outputs = [], [], [], [], []
    for b in range(len(x)):
        for h in range(HEADS):
            rows = []
            for i in range(TOKENS):
                num = i + 1 if net.causal else TOKENS
                logits = (k[b, h, :num].double() @ q[b, h, i].double()) / math.sqrt(WIDTH // HEADS)
                p = logits.softmax(0)
                rows.append(p.float() @ v[b, h, :num])
                if num >= 4:
                    spread.append(float(logits.var(correction=0)))
                    entropy.append(float(-(p * p.log()).sum()) / math.log(num))
                    peaked.append(float(p.max() > 0.99))
            values.append(naive.cosine(v[b, h]))
            outputs.append(naive.cosine(torch.stack(rows)))
    mean = [sum(found) / len(found) for found in (spread, entropy, peaked, values, outputs)]
    return [math.sqrt(mean[0]), *mean[1:]]


@pytest.mark.parametrize("scale", [1.0, 5.0])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("how", ["fused", "mask", "written out"])
def test_figures(how, causal, scale):
    net, x = Attention(how, causal=causal, scale=scale), torch.randn(4, TOKENS, WIDTH)
    (found,) = read_signals(net, x).attention
    with torch.no_grad():
        expected = by_hand(net, x)
    figures = (found.logit_std, found.entropy_fraction, found.peaked_fraction, found.input_cosine, found.output_cosine)
    assert figures == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert found.num_tokens == TOKENS
    assert found.residual


@pytest.mark.parametrize("need_weights", [True, False])
def test_multihead_attention(need_weights):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)

        def forward(self, x):
            return x + self.attention(x, x, x, need_weights=need_weights)[0]

    (found,) = read_signals(Block(), torch.randn(4, TOKENS, WIDTH)).attention
    assert found.name.startswith("attention")
    assert 0.9 < found.entropy_fraction <= 1.0
    assert found.num_tokens == TOKENS


def test_encoder_layer_in_eval_mode():
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 32, batch_first=True).eval()
    evidence = read_signals(layer, torch.randn(4, TOKENS, WIDTH))
    assert len(evidence.attention) == 1
    assert {"linear1", "linear2", "self_attn.out_proj"} <= {layer.name for layer in evidence.layers}


def test_few_keys_say_nothing():
    net = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)

    class Self(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = net

        def forward(self, x):
            return self.body(x, x, x)[0]

    assert read_signals(Self(), torch.randn(4, 3, WIDTH)).attention == ()


def test_grouped_queries():
    class Grouped(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.kv = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

        def forward(self, x):
            q = self.q(x).view(*x.shape[:2], 4, 4).transpose(1, 2)
            k, v = self.kv(x).view(*x.shape[:2], 2, 2, 4).permute(2, 0, 3, 1, 4)
            return nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)

    (found,) = read_signals(Grouped(), torch.randn(4, TOKENS, WIDTH)).attention
    assert 0.5 < found.entropy_fraction <= 1.0
