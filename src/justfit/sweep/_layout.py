"""Where the parameters of K variants lie in one flat buffer.

Notation: K variants, I fan_in, O fan_out. The buffer holds `[weight_1 of all K | … | weight_D of all K | bias_1 of
all K | … | bias_D of all K]`, so that every view is contiguous, the batched matrix products run on whole layers, the
weights (which l2 touches) are one prefix, and one fused optimizer call updates everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

# The output layer is padded to a multiple of 16: a 128→10 product runs at a tenth of the speed of a 128→16 one
# (benchmarks/results/sweep_speed.md), and softmax over fewer than 16 columns leaves its vectorised path.
OUTPUT_MULTIPLE = 16
# Logit of a padded class: exp(−1e9) is exactly 0, so its probability and its gradient are exactly 0 too.
PADDED_LOGIT = -1e9


@dataclass(frozen=True, slots=True)
class Layout:
    """Shapes of a multilayer perceptron and of the flat buffer that holds K of them.

    Args:
        num_features: Input width, ≥ 1.
        hidden: Width of each hidden layer; may be empty (a linear model).
        num_outputs: Number of classes, or 1 for regression.

    >>> Layout(64, (128, 128), 10).shapes
    ((64, 128), (128, 128), (128, 16))
    """

    num_features: int
    hidden: tuple[int, ...]
    num_outputs: int

    @property
    def padded_outputs(self) -> int:
        """Outputs rounded up to a multiple of 16."""
        return -(-self.num_outputs // OUTPUT_MULTIPLE) * OUTPUT_MULTIPLE

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(fan_in, fan_out) of each layer, the last one padded."""
        return tuple(pairwise((self.num_features, *self.hidden, self.padded_outputs)))

    @property
    def num_stored(self) -> int:
        """Numbers stored per variant, padding included."""
        return sum(fan_in * fan_out + fan_out for fan_in, fan_out in self.shapes)

    @property
    def num_parameters(self) -> int:
        """Weights and biases per variant, without padding."""
        sizes = pairwise((self.num_features, *self.hidden, self.num_outputs))
        return sum(fan_in * fan_out + fan_out for fan_in, fan_out in sizes)

    def views(self, flat: Tensor, num_variants: int) -> tuple[list[Tensor], list[Tensor]]:
        """Cut a flat buffer of `num_variants * num_stored` numbers into weights_KIO and biases_K1O, without copying."""
        sizes = [(fan_in, fan_out) for fan_in, fan_out in self.shapes] + [(1, fan_out) for _, fan_out in self.shapes]
        pieces = torch.split(flat, [num_variants * rows * columns for rows, columns in sizes])
        shaped = [piece.view(num_variants, rows, columns) for piece, (rows, columns) in zip(pieces, sizes, strict=True)]
        return shaped[: len(self.shapes)], shaped[len(self.shapes) :]

    def blank(self, num_variants: int, dtype: torch.dtype) -> Tensor:
        """Make a flat buffer of zeros in which the padded classes can never win and never learn."""
        flat = torch.zeros(num_variants * self.num_stored, dtype=dtype)
        _, biases = self.views(flat, num_variants)
        if self.num_outputs > 1:
            biases[-1][..., self.num_outputs :] = PADDED_LOGIT
        return flat
