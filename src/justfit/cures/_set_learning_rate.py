"""The learning rate of an optimizer, set or scaled while the ratios between its parameter groups stay."""

from __future__ import annotations

import inspect
import math
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from justfit.cures._change import Applied, Change, Edit, editing
from justfit.cures._edits import Refilled, Reset
from justfit.errors import ArgumentError

LOWER = "Steps that are too long jump over the minimum or diverge; shorter ones settle."
HIGHER = "Steps that are too short hardly move the weights; longer ones arrive sooner."


def set_learning_rate_(
    optimizer: torch.optim.Optimizer, value: float | None = None, *, factor: float | None = None
) -> Applied:
    r"""Set the learning rate of an optimizer to a value, or multiply it by a factor, in place.

    With several parameter groups `value` is the new rate of the largest one; all others, and the `initial_lr` that
    schedulers read, are multiplied by the same factor, so that ratios stay. A rate that is kept in a tensor stays in
    that tensor. A scheduler that exists already remembers its own base rates: make it anew.

    Args:
        optimizer: Changed in place; its state, such as Adam's moments, is left alone.
        value: The new largest learning rate, positive and finite.
        factor: What each learning rate is multiplied by, positive and finite; give one of the two.

    Returns:
        What was changed, with `undo()`.

    Raises:
        ArgumentError: Not one of `value` and `factor` is given, or it is no positive finite number, or all rates are 0;
            nothing is changed.

    Example:
        >>> layer = torch.nn.Linear(2, 1)
        >>> groups = [{"params": [layer.weight]}, {"params": [layer.bias], "lr": 0.2}]
        >>> optimizer = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
        >>> applied = set_learning_rate_(optimizer, 0.02)
        >>> [round(group["lr"], 6) for group in optimizer.param_groups]
        [0.01, 0.02]
        >>> applied.undo()
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.2]

    References:
        Goodfellow, Bengio, Courville, "Deep Learning", 2016, section 11.4.1. The lecture, C13.
    """
    largest = max((float(group["lr"]) for group in optimizer.param_groups), default=0.0)
    ratio = _ratio(value, factor, largest)
    if ratio == 1.0:
        return Applied(untouched=(("optimizer", f"its learning rate is {largest:g} already"),))
    with editing() as edits:
        for number, group in enumerate(optimizer.param_groups):
            for key in ("lr", "initial_lr"):
                if key in group:
                    edits.append(_scale(group, key, ratio, f"learning rate of group {number}"))
    change = learning_rate_change(optimizer, largest * ratio, before=largest)
    return Applied(changes=(change,), _edits=edits)


def learning_rate_change(optimizer: torch.optim.Optimizer | str, value: float, *, before: float) -> Change:
    """Say what another learning rate is, in words and as code, without changing anything.

    Args:
        optimizer: An optimizer, or its class name, such as "Adam".
        value: The new learning rate.
        before: The old one.

    Example:
        >>> learning_rate_change("Adam", 3e-4, before=0.1).code
        'optimizer = torch.optim.Adam(model.parameters(), lr=0.0003)'
    """
    name, rest = (optimizer, "") if isinstance(optimizer, str) else (type(optimizer).__name__, _settings(optimizer))
    return Change(
        kind="learning_rate",
        where="optimizer",
        before=f"learning rate {before:.4g}",
        after=f"learning rate {value:.4g}, {_times(value / before)}" if before else f"learning rate {value:.4g}",
        code=f"optimizer = torch.optim.{name}(model.parameters(), lr={value:.4g}{rest})",
        why=LOWER if value < before else HIGHER,
    )


def _ratio(value: float | None, factor: float | None, largest: float) -> float:
    if (value is None) == (factor is None):
        raise ArgumentError(
            "Either `value` or `factor` must be given.",
            found="both" if value is not None else "neither",
            way_out="Write `set_learning_rate_(optimizer, 3e-4)` or `set_learning_rate_(optimizer, factor=0.1)`.",
        )
    name, given = ("value", value) if factor is None else ("factor", factor)
    if isinstance(given, bool) or not isinstance(given, Real) or not 0 < given < math.inf:
        raise ArgumentError(
            f"`{name}` must be a positive, finite number.",
            found=f"`{name}={given!r}`",
            way_out="To stop training a part, freeze it with `requires_grad_(False)`.",
        )
    if value is not None and largest == 0:
        raise ArgumentError(
            "An optimizer must have a learning rate above 0 to keep the ratios between its groups.",
            found="learning rates that are all 0",
            way_out="Give the optimizer its learning rates when it is made.",
        )
    return float(factor) if value is None else float(value) / largest


def _scale(group: dict[str, Any], key: str, ratio: float, place: str) -> Edit:
    old = group[key]
    is_tensor = isinstance(old, Tensor)
    return Refilled(group, key, old * ratio, place) if is_tensor else Reset(group, key, old * ratio, place)


def _settings(optimizer: torch.optim.Optimizer) -> str:
    """Write the settings of an optimizer that are not their defaults, the learning rate apart."""
    defaults = {name: given.default for name, given in inspect.signature(type(optimizer)).parameters.items()}
    given = optimizer.defaults
    names = [name for name in given if name != "lr" and name in defaults and given[name] != defaults[name]]
    return "".join(f", {name}={given[name]!r}" for name in names)


def _times(ratio: float) -> str:
    factor = float(f"{max(ratio, 1 / ratio):.3g}")
    return f"{factor:,.15g} times as much" if ratio >= 1 else f"1/{factor:,.15g} of it"
