"""Every dropout of a network at a chosen p, without touching the network.

A `TorchFunctionMode` sees each call of a dropout function, whichever module makes it, and answers with its own mask:
one uniform number per unit from torch's default generator, kept where it is ≥ p. So one seed gives nested masks
across p, and the same masks under `torch.func.vmap` and in a plain loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_PLAIN = {functional.dropout, torch.dropout, torch.dropout_}


class DropoutMode(TorchFunctionMode):
    """Replace p in every dropout call made in training mode.

    Args:
        p: A number, a 0-dim tensor (one variant under vmap), or None to leave every p as the network has it.
    """

    def __init__(self, p: float | Tensor | None) -> None:
        super().__init__()
        self.p = p

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        keywords = dict(kwargs or {})
        if func in _PLAIN:
            return self._drop(*args, **keywords)
        return func(*args, **keywords)

    def _drop(self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: A002 - torch's own name
        if not training:
            return input
        rate = p if self.p is None else self.p
        kept = torch.rand_like(input) >= rate
        dropped = torch.where(kept, input / (1.0 - rate), torch.zeros((), dtype=input.dtype, device=input.device))
        return input.copy_(dropped) if inplace else dropped
