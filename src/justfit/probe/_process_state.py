"""What a forward pass may change outside the network: random state and torch's switches."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch
from torch.nn.modules import module as torch_module

Switch = tuple[Callable[[], Any], Callable[[Any], Any]]

SWITCHES: tuple[Switch, ...] = (
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_default_device, torch.set_default_device),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.is_anomaly_enabled, torch.set_anomaly_enabled),
    (torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled),
    (torch.backends.mha.get_fastpath_enabled, torch.backends.mha.set_fastpath_enabled),
)
CUDNN_FLAGS = ("enabled", "benchmark", "deterministic", "allow_tf32")
AUTOCAST_DEVICES = ("cpu", "cuda")


@contextmanager
def collecting_later() -> Iterator[None]:
    """Put garbage collection off while the block lasts: of a deep network it takes as long as the forward pass."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class ProcessState:
    """Random state and switches as they are now; `restore` sets what has changed since."""

    def __init__(self) -> None:
        self._torch_cpu = torch.get_rng_state()
        self._devices = _device_states()
        self._numpy = np.random.get_state()  # noqa: NPY002 - it is the user's global state that is kept
        self._python = random.getstate()
        self._switches = [(get, put, get()) for get, put in SWITCHES]
        self._cudnn = {name: getattr(torch.backends.cudnn, name) for name in CUDNN_FLAGS}
        self._autocast = {name: _autocast(name) for name in AUTOCAST_DEVICES}
        self._hooks = [(held, held.copy()) for held in _global_hooks()]

    def restore(self) -> None:
        """Set everything back."""
        torch.set_rng_state(self._torch_cpu)
        for put, state in self._devices:
            put(state)
        np.random.set_state(self._numpy)  # noqa: NPY002
        random.setstate(self._python)
        for get, put, value in self._switches:
            if get() != value:
                put(value)
        for name, value in self._cudnn.items():
            if getattr(torch.backends.cudnn, name) != value:
                setattr(torch.backends.cudnn, name, value)
        for name, (enabled, dtype) in self._autocast.items():
            if _autocast(name) != (enabled, dtype):
                torch.set_autocast_enabled(name, enabled)
                torch.set_autocast_dtype(name, dtype)
        for held, before in self._hooks:
            if held != before:
                held.clear()
                held.update(before)


def _device_states() -> list[tuple[Callable[[Any], Any], Any]]:
    """Read the random state of every accelerator in use; one that is not must not be woken for it."""
    states: list[tuple[Callable[[Any], Any], Any]] = []
    with suppress(RuntimeError):
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            states.append((torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all()))
        if hasattr(torch, "xpu") and torch.xpu.is_initialized():  # type: ignore[no-untyped-call]
            states.append((torch.xpu.set_rng_state_all, torch.xpu.get_rng_state_all()))
        if torch.backends.mps.is_available():
            states.append((torch.mps.set_rng_state, torch.mps.get_rng_state()))
    return states


def _autocast(device: str) -> tuple[bool, torch.dtype]:
    return torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)


def _global_hooks() -> list[dict[Any, Any]]:
    held = [value for name, value in vars(torch_module).items() if name.startswith("_global_")]
    return [value for value in held if isinstance(value, dict)]
