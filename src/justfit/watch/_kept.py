"""What the network was called with, and the state it was called in, so that the call can be repeated exactly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from justfit.probe import Batch


class KeptForward(NamedTuple):
    """One call of the network: references, no copies.

    Attributes:
        inputs, keywords: What it was called with.
        device: Type of the device it runs on.
        random_state: Of torch's generator on the host, right before.
        device_state: The same of the device; None on the host.
        autocast: Whether it was on for the device, and its type.
        versions: How often each tensor among the inputs had been written to.
    """

    inputs: tuple[Any, ...]
    keywords: dict[str, Any]
    device: str
    random_state: Tensor | None
    device_state: Tensor | None
    autocast: tuple[bool, torch.dtype]
    versions: tuple[int, ...]

    @property
    def was_changed(self) -> bool:
        """An input has been written to since."""
        return self.versions != _versions(self.inputs, self.keywords)

    @property
    def batch(self) -> Batch:
        """The call as the probe runs it."""
        return Batch(inputs=self.inputs, keywords=self.keywords)

    @contextmanager
    def same_state(self) -> Iterator[None]:
        """Set the random state and autocast as they were; who calls restores the random state after."""
        if self.random_state is not None:
            torch.set_rng_state(self.random_state)
        if self.device_state is not None:
            torch.cuda.set_rng_state(self.device_state)
        enabled, dtype = self.autocast
        with torch.autocast(self.device, dtype=dtype, enabled=enabled):
            yield


def keep_forward(inputs: tuple[Any, ...], keywords: dict[str, Any], device: str = "cpu") -> KeptForward:
    """Take note of a call that is about to happen; about 3 µs.

    Args:
        inputs: Positional inputs.
        keywords: Keyword inputs.
        device: Type of the device that the network is on.
    """
    autocast = (torch.is_autocast_enabled(device), torch.get_autocast_dtype(device))
    on_device = None
    if device == "cuda" and not torch.cuda.is_current_stream_capturing():
        on_device = torch.cuda.get_rng_state()
    return KeptForward(
        inputs, keywords, device, torch.get_rng_state(), on_device, autocast, _versions(inputs, keywords)
    )


def _versions(inputs: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[int, ...]:
    tensors = [value for value in (*inputs, *keywords.values()) if isinstance(value, Tensor)]
    return tuple([-1 if tensor.is_inference() else tensor._version for tensor in tensors])
