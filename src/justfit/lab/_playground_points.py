"""The points of a playground: shapes to be learned in a plane, or the user's two columns.

Every shape is drawn clean and then shifted by Gaussian noise, the same draw for every `noise`: moving that slider moves
the points, it does not deal new ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from justfit.lab._playground_settings import Settings
from justfit.sweep import named_generator, plane_corners

NUM_VALIDATION = 200
MARGIN = 0.08  # of the range of the points, on every side of the plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Points in a plane, the first `num_train` of them to learn from.

    Attributes:
        inputs: [n, 2] float64, in their own units.
        labels: [n] 0 or 1.
        num_train: The others are for validation.
        names: What the two coordinates are called.
        classes: What 0 and 1 are called.
        notes: What was changed on the way, one sentence each.
    """

    inputs: Tensor
    labels: Tensor
    num_train: int
    names: tuple[str, str] = ("x₁", "x₂")
    classes: tuple[str, str] = ("0", "1")
    notes: tuple[str, ...] = ()

    @property
    def plane(self) -> tuple[Tensor, Tensor]:
        """Lowest and highest corner of the plane that is shown: all points but those that stray far, and a margin."""
        low, high = plane_corners(self.inputs.numpy(), MARGIN)
        return torch.from_numpy(low), torch.from_numpy(high)

    @property
    def is_outside(self) -> Tensor:
        """[n] whether a point lies outside the plane that is shown."""
        low, high = self.plane
        return ((self.inputs < low) | (self.inputs > high)).any(1)

    def standardised(self, places: Tensor) -> Tensor:
        """Give places in the plane as the network sees them: mean 0 and variance 1 over the training rows."""
        train = self.inputs[: self.num_train]
        scale = train.std(0, correction=0)
        return (places - train.mean(0)) / torch.where(scale > 0, scale, 1.0)


def draw_points(settings: Settings) -> Points:
    """Draw a shape: validation rows first, so that they stay where more rows to learn from are asked for."""
    clean, per_noise = SHAPES[settings.data]
    labels, places = [], []
    for purpose, count in (("train", settings.num_train), ("validation", NUM_VALIDATION)):
        generator = named_generator(settings.seed, "playground", settings.data, purpose)
        label = torch.arange(count) % 2
        place = torch.rand(2, count, generator=generator, dtype=torch.float64)
        noise = torch.randn(count, 2, generator=generator, dtype=torch.float64)
        places.append(clean(label, *place) + settings.noise * per_noise * noise)
        labels.append(label)
    return Points(inputs=torch.cat(places), labels=torch.cat(labels), num_train=settings.num_train)


def _moons(label: Tensor, along: Tensor, _: Tensor) -> Tensor:
    angle = math.pi * along
    upper = torch.stack([angle.cos(), angle.sin()], 1)
    return torch.where(label[:, None] == 0, upper, torch.tensor([1.0, 0.5]) - upper)


def _circles(label: Tensor, along: Tensor, _: Tensor) -> Tensor:
    angle = 2 * math.pi * along
    return torch.stack([angle.cos(), angle.sin()], 1) * torch.where(label == 0, 1.0, 0.5)[:, None]


def _xor(label: Tensor, across: Tensor, up: Tensor) -> Tensor:
    """Four squares, a gap of a tenth between them; equal signs are class 1."""
    side = torch.where(across < 0.5, -1.0, 1.0)
    x = side * (0.05 + 0.95 * (2 * across).frac())
    y = side * torch.where(label == 1, 1.0, -1.0) * (0.05 + 0.95 * up)
    return torch.stack([x, y], 1)


def _spiral(label: Tensor, along: Tensor, _: Tensor) -> Tensor:
    """Two arms of one turn and three quarters."""
    radius = 0.05 + 0.95 * along.sqrt()
    angle = 3.5 * math.pi * radius + math.pi * label
    return torch.stack([radius * angle.sin(), radius * angle.cos()], 1)


def _gauss(label: Tensor, across: Tensor, up: Tensor) -> Tensor:
    """Two clouds with standard deviation 0.3 around (−1, −1) and (1, 1), by Box and Muller."""
    radius = 0.3 * (-2 * torch.log1p(-across)).sqrt()
    angle = 2 * math.pi * up
    centre = torch.where(label == 1, 1.0, -1.0)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1) + centre[:, None]


# the clean shape, and the standard deviation of its noise per unit of `noise`
SHAPES: dict[str, tuple[Callable[[Tensor, Tensor, Tensor], Tensor], float]] = {
    "moons": (_moons, 1.0),
    "circles": (_circles, 0.5),
    "xor": (_xor, 0.6),
    "spiral": (_spiral, 0.3),
    "gauss": (_gauss, 2.0),
}
