"""What an initialization did, and how to take it back."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from justfit.errors import ArgumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterChange:
    """One parameter that was given new values.

    Attributes:
        name: As in `named_parameters()`; of a shared parameter its first name.
        shared_with: Its other names.
        scheme: How it was drawn; "zero" for biases.
        fan_in, fan_out: Of its layer, counted as `justfit.maths.fans` does.
        std: Root of the mean square its entries were drawn with; 0 for zeros.
        gain: The factor of the activation in `std`; 1 where the scheme knows no activation.
        nonlinearity: The activation the gain belongs to, as text; "linear" for gain 1.
        reason: Where that activation was learned from.
    """

    name: str
    shared_with: tuple[str, ...]
    scheme: str
    fan_in: float
    fan_out: float
    std: float
    gain: float
    nonlinearity: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Initialization:
    """Everything `initialize_` did to a module.

    Attributes:
        scheme: The scheme that was asked for.
        seed: The seed the values were drawn from, also when none was given: pass it to get the same network again.
        changes: One entry per changed parameter, in order of registration.
        untouched: (name, reason) of every other parameter.
        num_passes: Forward passes through the network that were made to measure it; 0 for schemes that do not look.
    """

    scheme: str
    seed: int
    changes: tuple[ParameterChange, ...]
    untouched: tuple[tuple[str, str], ...]
    num_passes: int = 0
    _before: tuple[tuple[nn.Parameter, Tensor], ...] = field(repr=False, compare=False)

    def undo(self) -> None:
        """Give every changed parameter its old values back, bit for bit; may be called again.

        Raises:
            ArgumentError: A parameter has another shape or dtype than it had; nothing is changed then.
        """
        for change, (parameter, old) in zip(self.changes, self._before, strict=True):
            if parameter.shape != old.shape or parameter.dtype != old.dtype:
                raise ArgumentError(
                    "Parameters must have the shape and dtype they had, to get their old values back bit for bit.",
                    found=f"`{change.name}` with {tuple(parameter.shape)} {parameter.dtype}, "
                    f"before {tuple(old.shape)} {old.dtype}",
                    way_out="Undo before converting the module.",
                )
        write(self._before)


def write(values: tuple[tuple[nn.Parameter, Tensor], ...]) -> None:
    """Copy values into parameters in place: identity, device, dtype and requires_grad stay as they are."""
    with torch.no_grad():
        for parameter, value in values:
            parameter.copy_(value)
