"""One cell of a playground, opened: what its units see, and how signal and gradient travel through it.

In float64, so that a gradient of 1e-60 is told from none, where the training itself has 32 bits. Shapes: n rows, O
units of a layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from justfit.lab._playground_points import Points
from justfit.lab._playground_training import cross_entropy

SURFACE = 40  # pixels along each side
UNIT_MAP = 16
MOST_LAYERS = 10  # that are shown
MOST_UNITS = 8
BRIGHTEST = 255

Layers = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """Signal and gradient of the mean training loss at every hidden layer and the output, in eval mode.

    Attributes:
        forward: Root mean square of the activations.
        backward: Root mean square of ∂L/∂activation.
        dead: Of every hidden layer, the share of units whose activation has derivative 0 on every training row.
    """

    forward: list[float]
    backward: list[float]
    dead: list[float]


class Network:
    """One cell.

    Args:
        layers: (weight_IO, bias_1O) of every layer.
        activation: Of the hidden layers.
        points: What it learns from.
    """

    def __init__(self, layers: Layers, activation: nn.Module, points: Points) -> None:
        self.layers = layers
        self.activation = activation
        self.points = points

    @property
    def shown_layers(self) -> list[int]:
        """Hidden layers that are shown, from 1: all, or some with the first and the last."""
        return [place + 1 for place in spread(len(self.layers) - 1, MOST_LAYERS)]

    @torch.no_grad()
    def surface(self) -> list[list[int]]:
        """Probability of class 1 in 0–255, a row for every y, from low to high."""
        odds = self._run(pixels(self.points, SURFACE))[-1]
        return _plain((odds.sigmoid() * BRIGHTEST).view(SURFACE, SURFACE))

    @torch.no_grad()
    def units(self) -> list[dict[str, object]]:
        """Activation of the shown units over the plane, 128 at zero; each unit by its own largest, given as `scale`."""
        hidden = self._run(pixels(self.points, UNIT_MAP))
        found: list[dict[str, object]] = []
        for layer in self.shown_layers:
            places = spread(hidden[layer - 1].shape[1], MOST_UNITS)
            maps_OYX = hidden[layer - 1].T[places].view(-1, UNIT_MAP, UNIT_MAP)
            scale = maps_OYX.abs().amax((1, 2), keepdim=True)
            relative = maps_OYX / torch.where(scale > 0, scale, 1.0)
            found.append(
                {
                    "layer": layer,
                    "indices": [place + 1 for place in places],
                    "scale": scale.flatten().tolist(),
                    "maps": _plain((relative + 1) * BRIGHTEST / 2),
                }
            )
        return found

    def weights(self) -> list[list[list[float]] | None]:
        """Weights [out][in] into each shown layer and the output, of shown units; None where layers lie between."""
        shown = [0, *self.shown_layers, len(self.layers)]
        found: list[list[list[float]] | None] = []
        for before, after in pairwise(shown):
            weight_OI = self.layers[after - 1][0].T
            units, inputs = (spread(size, MOST_UNITS) for size in weight_OI.shape)
            found.append(weight_OI[units][:, inputs].tolist() if after == before + 1 else None)
        return found

    def signals(self) -> Signals:
        """Run the training rows forward and their mean loss backward."""
        rows = slice(self.points.num_train)
        inputs = self.points.standardised(self.points.inputs[rows])
        hidden, dead = [], []
        signal = inputs
        for weight, bias in self.layers[:-1]:
            before = (signal @ weight + bias).requires_grad_()
            signal = self.activation(before)
            (slope,) = torch.autograd.grad(signal.sum(), before, retain_graph=True)
            hidden.append(signal)
            dead.append(float((slope == 0).all(0).double().mean()))
        weight, bias = self.layers[-1]
        outputs = (signal @ weight + bias).requires_grad_()
        loss = cross_entropy(outputs.squeeze(-1), self.points.labels[rows].double()).mean()
        gradients = torch.autograd.grad(loss, [*hidden, outputs])
        return Signals(
            forward=[_rms(activation.detach()) for activation in (*hidden, outputs)],
            backward=[_rms(gradient) for gradient in gradients],
            dead=dead,
        )

    def _run(self, places: Tensor) -> list[Tensor]:
        """Activations of every hidden layer, and the outputs."""
        signal, found = self.points.standardised(places), []
        for weight, bias in self.layers[:-1]:
            signal = self.activation(signal @ weight + bias)
            found.append(signal)
        weight, bias = self.layers[-1]
        return [*found, signal @ weight + bias]


def pixels(points: Points, size: int) -> Tensor:
    """[size², 2] centres of the pixels of the plane, row by row from the lowest y."""
    low, high = points.plane
    steps = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    x, y = (low[axis] + steps * (high[axis] - low[axis]) for axis in (0, 1))
    return torch.cartesian_prod(y, x).flip(1)


def spread(count: int, most: int) -> list[int]:
    """At most so many places out of `count`, evenly spread, with both ends."""
    if count <= most:
        return list(range(count))
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]


def _plain(brightness: Tensor) -> list[list[int]]:
    """Round to whole numbers; what is no number is shown as the middle."""
    whole = brightness.nan_to_num(BRIGHTEST / 2).round().clamp(0, BRIGHTEST)
    plain: list[list[int]] = whole.int().tolist()
    return plain


def _rms(values: Tensor) -> float:
    """Root mean square, without squares that leave the range of float64."""
    largest = values.abs().max()
    if not 0 < largest < torch.inf:
        return float(largest)
    return float(largest * (values / largest).square().mean().sqrt())
