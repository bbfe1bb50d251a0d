"""Weights that are not finite although the loss before was: did the gradient or the update break them?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from justfit.watch._layers import bare_name
from justfit.watch._reading import real_entries
from justfit.watch._replay import owner_of

_AVERAGES = ("exp_avg", "momentum_buffer")  # of the gradients: one that is not finite stays in them


class BrokenWeights(NamedTuple):
    """Where weights are not finite.

    Attributes:
        nearest: The layer nearest the output that has some, by order of definition.
        behind: The layer right behind it, whose weights are finite; empty for none.
    """

    nearest: str
    behind: str


def find_broken_weights(module: nn.Module) -> BrokenWeights:
    """Look at the weights of every layer that trains; at least one of them is not finite."""
    finite: dict[str, bool] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            layer = bare_name(owner_of(name))
            finite[layer] = finite.get(layer, True) and bool(torch.isfinite(real_entries(parameter)).all())
    behind = ""
    for layer in reversed(finite):
        if not finite[layer]:
            return BrokenWeights(layer, behind)
        behind = layer
    return BrokenWeights("", "")


def was_gradient_finite(parameter: Tensor, state: Mapping[Any, Any]) -> bool | None:
    """Ask the optimizer's running average of the gradients; None where it keeps none."""
    kept = state.get(parameter)
    averages = [kept[name] for name in _AVERAGES if isinstance(kept.get(name), Tensor)] if kept else []
    return bool(torch.isfinite(real_entries(averages[0])).all()) if averages else None
