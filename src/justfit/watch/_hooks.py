"""Hooks that stay where they were put: a copy of the network, or a file of it, takes none of the watch along."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class InputHook:
    """Shows what the network is called with; a copied or stored hook does nothing, and needs no justfit to load.

    Args:
        see: Gets the positional and the keyword inputs of each call that is not traced by a compiler.
    """

    __slots__ = ("__weakref__", "_see")

    def __init__(self, see: Callable[[tuple[Any, ...], dict[str, Any]], None]) -> None:
        self._see = see

    def __call__(self, _module: nn.Module, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """Pass on what the network is called with; change nothing."""
        if not torch.compiler.is_compiling():
            self._see(inputs, keywords)

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (contextlib.nullcontext(), "__exit__")  # takes anything, does nothing, gives None


class OptimizerHooks:
    """The two hooks of one optimizer, removable together.

    Args:
        optimizer: The optimizer.
        before: Called before its update.
        after: Called after it.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, before: Callable[[], None], after: Callable[[], None]) -> None:
        def pre_hook(_optimizer: Any, _args: Any, _kwargs: Any) -> None:
            before()

        def post_hook(_optimizer: Any, _args: Any, _kwargs: Any) -> None:
            after()

        self._handles = (optimizer.register_step_pre_hook(pre_hook), optimizer.register_step_post_hook(post_hook))

    def remove(self) -> None:
        """Take both away."""
        for handle in self._handles:
            handle.remove()
