"""How an attention spreads its attention, and whether its tokens stay apart.

Shapes: N heads of all examples that are looked at, Q queries, T keys, D width of a head.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from justfit.probe._tracer import AttentionCall

MAX_HEADS = 32
MAX_QUERIES = 32
MIN_KEYS = 4  # over fewer, entropy and peaks say nothing
PEAK = 0.99


@dataclass(frozen=True, slots=True)
class AttentionReading:
    """Numbers of one attention: logit std, entropy fraction, peaked fraction, input and output cosine."""

    values: Tensor
    num_tokens: int


@torch.no_grad()
def read_attention(call: AttentionCall) -> AttentionReading | None:
    """Measure a fused attention on some heads and queries; None where there are too few keys."""
    query, key, mask = call.query, call.key, call.mask
    if key.shape[-2] < MIN_KEYS or query.dim() < 3:
        return None
    query_NQD, key_NTD = _heads(query), _heads(key)
    if len(query_NQD) != len(key_NTD):  # grouped queries: each key head serves several
        key_NTD = key_NTD.repeat_interleave(max(1, len(query_NQD) // len(key_NTD)), 0)[: len(query_NQD)]
        query_NQD = query_NQD[: len(key_NTD)]
    places = _places(query.shape[-2])
    logits_NQT = query_NQD[:, places] @ key_NTD.transpose(-2, -1)
    logits_NQT = logits_NQT * (1.0 / math.sqrt(query.shape[-1]) if call.scale is None else call.scale)
    if call.is_causal:
        seen = torch.arange(key.shape[-2], device=key.device)[None, :] <= places.to(key.device)[:, None]
        logits_NQT = logits_NQT.masked_fill(~seen, -math.inf)
    if mask is not None and mask.dim() == 2 and mask.shape == (query.shape[-2], key.shape[-2]):
        picked = mask[places]
        logits_NQT = logits_NQT.masked_fill(~picked, -math.inf) if picked.dtype == torch.bool else logits_NQT + picked
    return _reading(logits_NQT, logits_NQT.softmax(-1), call.value, call.output)


@torch.no_grad()
def read_weights(
    logits: Tensor, weights: Tensor, value: Tensor | None, output: Tensor | None
) -> AttentionReading | None:
    """Measure an attention that is written out, from its logits and its softmax."""
    if weights.dim() < 3 or weights.shape[-1] < MIN_KEYS:
        return None
    places = _places(weights.shape[-2])
    return _reading(_heads(logits)[:, places], _heads(weights)[:, places], value, output)


def _reading(logits_NQT: Tensor, weights_NQT: Tensor, value: Tensor | None, output: Tensor | None) -> AttentionReading:
    logits_NQT, weights_NQT = logits_NQT.double(), weights_NQT.double()
    seen = logits_NQT.isfinite() & (logits_NQT > -1e4)  # large negative numbers are masks too
    num_seen = seen.sum(-1)
    rows = num_seen >= MIN_KEYS
    count = num_seen.clamp_min(1)
    mean = torch.where(seen, logits_NQT, 0.0).sum(-1) / count
    variance = torch.where(seen, (logits_NQT - mean[..., None]).square(), 0.0).sum(-1) / count
    entropy = -torch.xlogy(weights_NQT, weights_NQT).sum(-1) / num_seen.clamp_min(2).log()
    total = rows.sum().clamp_min(1)
    figures = [
        (torch.where(rows, variance, 0.0).sum() / total).sqrt(),
        torch.where(rows, entropy, 0.0).sum() / total,
        (rows & (weights_NQT.amax(-1) > PEAK)).sum().double() / total,
        _cosine(value),
        _cosine(output),
    ]
    return AttentionReading(torch.stack(figures), logits_NQT.shape[-1])


def _cosine(tokens: Tensor | None) -> Tensor:
    """Measure the mean cosine between two tokens of a head."""
    if tokens is None or tokens.dim() < 3 or tokens.shape[-2] < 2:
        return torch.tensor(math.nan, dtype=torch.float64)
    tokens_NTD = _heads(tokens)[:, _places(tokens.shape[-2])].double()
    unit_NTD = tokens_NTD / tokens_NTD.norm(dim=-1, keepdim=True).clamp_min(1e-300)
    num = unit_NTD.shape[1]
    cosine: Tensor = ((unit_NTD.sum(1).square().sum(-1) - num) / (num * (num - 1))).mean()
    return cosine


def _heads(tokens: Tensor) -> Tensor:
    return tokens.detach().reshape(-1, *tokens.shape[-2:])[:MAX_HEADS]


def _places(num: int) -> Tensor:
    step = max(1, -(-num // MAX_QUERIES))
    return torch.arange(num - 1, -1, -step).flip(0)  # the last query is among them: under a causal mask it sees all
