"""Every place of a module that holds a tensor, so that others can stand there for one call.

`torch.func.functional_call` puts a module back wrongly where one layer is registered under two names (it takes the
lent tensor for the layer's own); here each place is known once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor, nn


class Slots:
    """The places of a module's parameters and buffers.

    Args:
        module: Any network; tensors that it holds in several places are lent to all of them.

    Example:
        >>> import torch
        >>> layer = nn.Linear(2, 1, bias=False)
        >>> slots = Slots(layer)
        >>> with slots.lent({"weight": torch.tensor([[1.0, 2.0]])}):
        ...     layer(torch.ones(1, 2)).item()
        3.0
    """

    def __init__(self, module: nn.Module) -> None:
        held: dict[str, Tensor] = dict(module.named_parameters())
        held |= dict(module.named_buffers())
        names = {id(tensor): name for name, tensor in held.items()}
        self._places: list[tuple[dict[str, Tensor | None], str, str]] = [
            (store, key, names[id(tensor)])  # type: ignore[misc]  # a parameter's place may hold any tensor for a while
            for part in module.modules()
            for store in (part._parameters, part._buffers)
            for key, tensor in store.items()
            if tensor is not None
        ]
        self._buffers = {name for name, _ in module.named_buffers()}

    @contextmanager
    def lent(self, tensors: Mapping[str, Tensor]) -> Iterator[None]:
        """Put tensors in the places of their names, and the module's own back at the end."""
        own = [store[key] for store, key, _ in self._places]
        try:
            for store, key, name in self._places:
                store[key] = tensors[name]
            yield
        finally:
            for (store, key, _), tensor in zip(self._places, own, strict=True):
                store[key] = tensor

    def buffers(self) -> dict[str, Tensor]:
        """The buffers that stand there now, by name."""
        found = {name: store[key] for store, key, name in self._places if name in self._buffers}
        return {name: tensor for name, tensor in found.items() if tensor is not None}
