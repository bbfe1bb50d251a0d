"""Which parts of a network stay random although every dropout is at p = 0: what a sweep over p does not reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from justfit.sweep._dropout_mode import DropoutMode

_Calls = list[tuple[str, list[Tensor], list[Tensor]]]
# Any two different seeds will do.
_SEEDS = (1, 2)


def unreached_dropouts(build: Callable[[], nn.Module], call: Callable[[nn.Module], Any]) -> tuple[str, ...]:
    """Name the innermost modules that draw random numbers which no known dropout function draws.

    The network runs twice in training mode at p = 0, from different seeds. A module that gives different outputs for
    equal inputs has a mask or a noise of its own: p cannot be set there. (What stands behind it gets other inputs, so
    that nothing can be said of it.)

    Args:
        build: Makes the network, always the same one; it is built twice. The default generators are not kept.
        call: Runs it on a batch.

    Returns:
        Names within the network, in order of use; "" is the network itself.

    Example:
        >>> class Noise(nn.Module):
        ...     def forward(self, x):
        ...         return x + torch.randn_like(x)
        >>> build = lambda: nn.Sequential(nn.Dropout(0.5), Noise())
        >>> unreached_dropouts(build, lambda network: network(torch.ones(2, 3)))
        ('1',)
    """
    first, second = (_recorded(build(), call, seed) for seed in _SEEDS)
    found = [
        name
        for (name, inputs, outputs), (_, again, other) in zip(first, second, strict=False)
        if _equal(inputs, again) and not _equal(outputs, other)
    ]
    inner = [name for name in found if not any(o != name and (not name or o.startswith(f"{name}.")) for o in found)]
    return tuple(dict.fromkeys(inner))


def _recorded(module: nn.Module, call: Callable[[nn.Module], Any], seed: int) -> _Calls:
    """Names, inputs and outputs of all modules that a run calls."""
    calls: _Calls = []

    def hook(name: str) -> Callable[..., None]:
        def record(_module: nn.Module, args: Any, kwargs: Any, outputs: Any) -> None:
            calls.append((name, _tensors((args, kwargs)), _tensors(outputs)))

        return record

    names = list(module.named_modules())
    for name, part in names:
        part.register_forward_hook(hook(name), with_kwargs=True)
    torch.manual_seed(seed)
    with torch.no_grad(), DropoutMode(0.0):
        call(module.train())
    return calls


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf.clone() for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _equal(first: list[Tensor], second: list[Tensor]) -> bool:
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
