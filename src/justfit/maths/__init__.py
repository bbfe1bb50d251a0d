"""Pure functions on tensors: fans, gains, the L2 penalty, deep linear chains, linearity.

Nothing here keeps state, draws a random number or knows what a training run is. Each function is one formula of
the lecture, and each is tested through real layers.

The variance that keeps a signal alive, and the penalty that keeps weights small:

>>> import torch
>>> from torch import nn
>>> from justfit.maths import fans, gain, l2_penalty
>>> layer = nn.Linear(100, 400)
>>> fan_in, fan_out = fans(layer)
>>> variance = gain("relu") ** 2 / fan_in  # He: 2 / fan_in
>>> round(variance, 6)
0.02
>>> _ = nn.init.normal_(layer.weight, std=variance**0.5)
>>> loss = layer(torch.ones(8, 100)).square().mean() + l2_penalty(layer, l2=0.1, num_examples=8)
>>> loss.backward()

Why depth needs it: a thousand layers of 0.9 leave nothing, and the number of layers per factor of e says so.

>>> from justfit.maths import e_folding_depth, scaled_identity_output
>>> float(scaled_identity_output(torch.ones(1, 1), factor=0.9, depth=1001)) < 1e-45
True
>>> round(e_folding_depth(0.9), 2)
9.49
"""

from __future__ import annotations

from justfit.maths._deep_linear import (
    chain_log_singular_values,
    chain_output,
    e_folding_depth,
    scaled_identity_gradient,
    scaled_identity_output,
)
from justfit.maths._fans import fans
from justfit.maths._gain import Nonlinearity, gain
from justfit.maths._linearity import active_fraction, linearity_r2, linearity_r2_of_each
from justfit.maths._penalty import l2_penalty, sum_squares

__all__ = [
    "Nonlinearity",
    "active_fraction",
    "chain_log_singular_values",
    "chain_output",
    "e_folding_depth",
    "fans",
    "gain",
    "l2_penalty",
    "linearity_r2",
    "linearity_r2_of_each",
    "scaled_identity_gradient",
    "scaled_identity_output",
    "sum_squares",
]
