"""All networks of a playground as one stack of tensors, and their optimizers.

Notation: K = L·P cells, ordered [λ][dropout]; B rows, I fan_in, O fan_out. Parameters lie in one flat tensor, layer by
layer: weight_KIO, then bias_K1O. A cell never sees another: batched products treat each on its own.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from justfit.cures import initialize_
from justfit.errors import ArgumentError
from justfit.lab._playground_options import ACTIVATIONS, NORMAL_STDS
from justfit.lab._playground_settings import Settings

MOMENTUM = 0.9
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8  # Adam's usual constants


def build_network(settings: Settings, inputs: Tensor) -> nn.Sequential:
    """Build one network and initialize it; the global random state is left as it was.

    Args:
        settings: Depth, width, activation, initialization and seed.
        inputs: [n, 2] training rows: `auto` measures on them.
    """
    widths = [inputs.shape[1], *[settings.width] * settings.depth]
    activation = ACTIVATIONS[settings.activation]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        parts = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), activation())]
        network = nn.Sequential(*parts, nn.Linear(settings.width, 1))
        if settings.init == "torch":
            return network
        if settings.init in NORMAL_STDS:
            initialize_(network, scheme="normal", std=NORMAL_STDS[settings.init], seed=settings.seed)
        elif settings.init == "auto":
            initialize_(network, inputs, scheme="auto", seed=settings.seed)
        else:
            initialize_(network, scheme=settings.init, seed=settings.seed)  # type: ignore[arg-type]  # one of Scheme
    return network


class Stack:
    """K copies of one network, to be trained each its own way.

    Args:
        network: Linear layers with the activation between them, ending in a linear one.
        num_cells: K.
    """

    def __init__(self, network: nn.Sequential, num_cells: int) -> None:
        linears = [layer for layer in network if isinstance(layer, nn.Linear)]
        first = [part.detach() for layer in linears for part in (layer.weight.T, layer.bias[None])]
        shapes = [(num_cells, *part.shape) for part in first]
        self.activation: nn.Module = network[1]
        self.flat = torch.cat([part.expand(shape).reshape(-1) for part, shape in zip(first, shapes, strict=True)])
        pieces = torch.split(self.flat, [math.prod(shape) for shape in shapes])
        self.leaves = [piece.view(shape).detach().requires_grad_() for piece, shape in zip(pieces, shapes, strict=True)]

    @property
    def weights(self) -> list[Tensor]:
        """weight_KIO of every layer."""
        return self.leaves[::2]

    def outputs(self, rows_BI: Tensor, masks: list[Tensor | None] | None = None) -> Tensor:
        """Run all networks on the same rows; [K, B] log-odds of class 1.

        Args:
            rows_BI: Inputs.
            masks: One [P, B, O] for each hidden layer, scaled by 1/(1 − p); None where there is no dropout.
        """
        num_cells = len(self.leaves[0])
        hidden = rows_BI.expand(num_cells, *rows_BI.shape)
        for layer, (weight, bias) in enumerate(zip(self.leaves[:-2:2], self.leaves[1:-2:2], strict=True)):
            hidden = self.activation(torch.baddbmm(bias, hidden, weight))
            mask = None if masks is None else masks[layer]
            if mask is not None:
                hidden = (hidden.view(-1, *mask.shape) * mask).view_as(hidden)
        return torch.baddbmm(self.leaves[-1], hidden, self.leaves[-2]).squeeze(-1)

    def gradient(self, loss: Tensor) -> Tensor:
        """Differentiate with respect to `flat`."""
        return torch.cat([part.reshape(-1) for part in torch.autograd.grad(loss, self.leaves)])

    def per_element(self, values_K: Tensor) -> Tensor:
        """Spread one value per cell over its weights, 0 over its biases; shaped as `flat`."""
        parts = [
            values_K.view(-1, 1, 1).expand_as(leaf) if number % 2 == 0 else torch.zeros_like(leaf)
            for number, leaf in enumerate(self.leaves)
        ]
        return torch.cat([part.reshape(-1) for part in parts])

    def cell(self, index: int) -> list[tuple[Tensor, Tensor]]:
        """Copy out (weight_IO, bias_1O) of every layer of one cell, in float64."""
        parts = [leaf[index].detach().double() for leaf in self.leaves]
        return list(zip(parts[::2], parts[1::2], strict=True))


class FlatOptimizer:
    """SGD, momentum, Adam with coupled l2, or AdamW, as torch.optim has them, on one flat tensor.

    Args:
        name: `sgd`, `momentum` (0.9), `adam` or `adamw`.
        learning_rate: η.
        decay: λ/n of every element: enters the gradient, with adamw the weight itself.
    """

    def __init__(self, name: str, learning_rate: float, decay: Tensor) -> None:
        if name not in ("sgd", "momentum", "adam", "adamw"):
            raise ArgumentError(
                "The optimizer must be sgd, momentum, adam or adamw.", found=f"`{name}`", way_out="Take adam."
            )
        self.name = name
        self.learning_rate = learning_rate
        self.decay = decay
        self.num_steps = 0
        self._first, self._second = torch.zeros_like(decay), torch.zeros_like(decay)

    @torch.no_grad()
    def step(self, flat: Tensor, gradient: Tensor) -> None:
        """Change `flat` in place."""
        self.num_steps += 1
        if self.name == "adamw":
            flat.mul_(1.0 - self.learning_rate * self.decay)
        else:
            gradient = gradient.addcmul(flat, self.decay)
        if self.name == "sgd":
            flat.add_(gradient, alpha=-self.learning_rate)
        elif self.name == "momentum":
            flat.add_(self._first.mul_(MOMENTUM).add_(gradient), alpha=-self.learning_rate)
        else:
            self._adam(flat, gradient)

    def _adam(self, flat: Tensor, gradient: Tensor) -> None:
        self._first.lerp_(gradient, 1.0 - BETA1)
        self._second.mul_(BETA2).addcmul_(gradient, gradient, value=1.0 - BETA2)
        spread = self._second.sqrt().div_(math.sqrt(1.0 - BETA2**self.num_steps)).add_(EPS)
        flat.addcdiv_(self._first, spread, value=-self.learning_rate / (1.0 - BETA1**self.num_steps))
