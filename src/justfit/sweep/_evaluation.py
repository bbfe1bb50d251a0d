"""Per-example losses of many networks at once, in eval mode.

Notation: L networks, R rows, I fan_in, O fan_out.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from justfit.sweep._problem import Activation, Task

# Rows per block: keeps the activations of a chunk near 32 MB, which is where larger blocks stop being faster.
BLOCK_NUMBERS = 8_000_000


def forward_all(inputs_RI: Tensor, weights: list[Tensor], biases: list[Tensor], activation: Activation) -> list[Tensor]:
    """Run L networks on the same rows, without dropout.

    Args:
        inputs_RI: Rows.
        weights: One [L, I, O] per layer.
        biases: One [L, 1, O] per layer.
        activation: Hidden activation.

    Returns:
        One [L, R, O] per layer: hidden activations and, last, the outputs.
    """
    layers: list[Tensor] = []
    below = inputs_RI.expand(len(weights[0]), *inputs_RI.shape)
    for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        out = torch.baddbmm(bias, below, weight)
        if index < len(weights) - 1:
            out = _apply(out, activation)
        layers.append(out)
        below = out
    return layers


def _apply(hidden: Tensor, activation: Activation) -> Tensor:
    if activation == "relu":
        return hidden.relu_()
    if activation == "tanh":
        return hidden.tanh_()
    if activation == "logistic":
        return hidden.sigmoid_()
    return hidden


def losses_of_outputs(outputs_LRO: Tensor, targets_R: Tensor, task: Task) -> Tensor:
    """Cross entropy in nats, or squared error, of each network on each row.

    Returns:
        [L, R].
    """
    if task == "regression":
        return (outputs_LRO[..., 0] - targets_R).square_()
    num_networks, num_rows, _ = outputs_LRO.shape
    losses = functional.cross_entropy(
        outputs_LRO.flatten(0, 1), targets_R.expand(num_networks, num_rows).flatten(), reduction="none"
    )
    return losses.view(num_networks, num_rows)


def per_example_losses(
    weights: list[Tensor],
    biases: list[Tensor],
    inputs_RI: Tensor,
    targets_R: Tensor,
    *,
    activation: Activation,
    task: Task,
) -> Tensor:
    """Losses of L networks on R rows, row block by row block.

    Returns:
        [L, R] in the parameters' dtype.
    """
    num_networks = len(weights[0])
    widest = max(weight.shape[2] for weight in weights)
    block = max(1, BLOCK_NUMBERS // (num_networks * widest))
    losses = inputs_RI.new_empty((num_networks, len(inputs_RI)))
    for start in range(0, len(inputs_RI), block):
        rows = slice(start, start + block)
        outputs = forward_all(inputs_RI[rows], weights, biases, activation)[-1]
        losses[:, rows] = losses_of_outputs(outputs, targets_R[rows], task)
    return losses
