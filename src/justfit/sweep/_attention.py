"""Attention by its formula: what the fused kernels compute, in operations that can be stacked and dropped out.

Notation: L target positions, S source positions, E head size; any leading dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    *,
    drop: Callable[[Tensor], Tensor] | None,
    is_causal: bool,
    scale: float | None,
    enable_gqa: bool,
) -> Tensor:
    r"""Compute scaled dot-product attention.

    .. math:: \operatorname{softmax}\!\left(s\,QK^\top + M\right) V, \qquad s = 1/\sqrt{E}

    Args:
        query: [..., heads, L, E].
        key: [..., heads or a divisor of them, S, E].
        value: [..., as the key's, S, E of values].
        mask: Added to the scores, or, if boolean, true where a position may be seen.
        drop: Applied to the attention weights; None leaves them.
        is_causal: Position i sees positions up to i only.
        scale: s; None for 1/√E.
        enable_gqa: Repeat the heads of key and value to as many as the query has.

    Returns:
        [..., heads, L, E of values].

    References:
        Vaswani et al., "Attention Is All You Need", 2017, eq. 1; `torch.nn.functional.scaled_dot_product_attention`.
    """
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
        value = value.repeat_interleave(query.shape[-3] // value.shape[-3], -3)
    scores = (query * (query.shape[-1] ** -0.5 if scale is None else scale)) @ key.transpose(-2, -1)
    if is_causal:
        seen = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool, device=query.device).tril()
        scores = torch.where(seen, scores, -math.inf)
    if mask is not None:
        scores = torch.where(mask, scores, -math.inf) if mask.dtype == torch.bool else scores + mask
    weights = scores.softmax(-1)
    return (weights if drop is None else drop(weights)) @ value
