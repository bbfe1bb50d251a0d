"""A network whose layers differ: the user's build, and what is done to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from justfit.repair._alteration import Alteration
from justfit.sweep import Examples


@dataclass(frozen=True, slots=True)
class AlteredBuild:
    """Builds the user's network and changes it; a function of torch's random state alone, as the user's build is."""

    build: Callable[[], nn.Module]
    alteration: Alteration
    mean: Tensor | None
    std: Tensor | None

    def __call__(self) -> nn.Module:
        module = self.build()
        return module if self.mean is None or self.std is None else Standardized(module, self.mean, self.std)


class Standardized(nn.Module):
    """A network that takes its input at mean 0 and standard deviation 1."""

    mean: Tensor
    std: Tensor

    def __init__(self, module: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.module = module
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, inputs: Tensor) -> Any:
        """Scale, then run the network."""
        return self.module((inputs - self.mean) / self.std)


def altered_build(
    build: Callable[[], nn.Module], alteration: Alteration, examples: Examples, fold: int
) -> Callable[[], nn.Module]:
    """What builds the network under a change; the user's own `build` where its layers stay as they are."""
    if not alteration.is_structural:
        return build
    mean = std = None
    if alteration.standardize:
        mean, std = moments_of(examples.inputs[examples.training_rows(fold)])
    return AlteredBuild(build, alteration, mean, std)


def moments_of(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each feature; of all entries together where dimension 1 has spatial ones behind.

    A feature that never changes keeps standard deviation 1.
    """
    if inputs.ndim == 2:
        mean, std = inputs.mean(0), inputs.std(0)
    else:
        shape = (1, inputs.shape[1], *(1,) * (inputs.ndim - 2))
        flat = inputs.transpose(0, 1).flatten(1)
        mean, std = flat.mean(1).reshape(shape), flat.std(1).reshape(shape)
    return mean, torch.where(std > 1e-6 * std.max().clamp_min(1e-30), std, torch.ones_like(std))
