"""Inputs minus a mean, over a standard deviation: as a layer, and as a hook on arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


class Standardize(nn.Module):
    r"""Subtract a mean and divide by a standard deviation, per feature or per channel.

    .. math:: x' = \frac{x - \mu}{\sigma}

    Both are buffers: they move with the module and are in its state dict. Integer inputs, such as pixels, become
    floating-point.

    Args:
        mean: Of a shape that broadcasts with the inputs.
        std: The same; positive.

    Example:
        >>> import torch
        >>> Standardize(torch.tensor([10.0, 0.0]), torch.tensor([2.0, 1.0]))(torch.tensor([[12.0, 3.0]]))
        tensor([[1., 3.]])

    References:
        LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, section 4.3.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the scaled inputs, in the dtype of the buffers."""
        return scaled(inputs, self.mean, self.std)

    def extra_repr(self) -> str:
        """Show how many numbers there are."""
        return f"{self.mean.numel()} means and standard deviations"


@dataclass(frozen=True, slots=True)
class ScaleArguments:
    """A forward pre-hook that standardizes arguments by buffers of its module; copies with the module.

    Attributes:
        places: (position or keyword, prefix of the two buffers' names).
    """

    places: tuple[tuple[int | str, str], ...]

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments as the module is to get them."""
        given: dict[int | str, Any] = dict([*enumerate(args), *kwargs.items()])
        for place, prefix in self.places:
            if place in given:
                mean, std = module.get_buffer(f"{prefix}_mean"), module.get_buffer(f"{prefix}_std")
                given[place] = scaled(given[place], mean, std)
        return tuple(given[place] for place in range(len(args))), {key: given[key] for key in kwargs}


def scaled(inputs: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Compute (x − μ)/σ in the dtype of μ."""
    return (inputs.to(mean.dtype) - mean) / std
