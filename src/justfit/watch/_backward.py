"""Be told when `backward` runs: `torch.autograd.backward` is wrapped while a watch is open, and put back after.

Every host comes through it: `Tensor.backward` looks it up at each call. What the listeners see is the loss before the
pass, with its whole graph, and the gradients right after it: averaged by DDP, not yet clipped.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from math import isfinite
from time import perf_counter
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook


class Listener(Protocol):
    """What is told.

    Attributes:
        thread: It is told of the passes of this thread only: gradients of another one may be freed while they are read.
        is_attentive: Tell it of every pass, and not only of those whose loss is not finite.
        spent: Seconds that telling took are added to it.
    """

    thread: int
    is_attentive: bool
    spent: float

    def backward_begins(self, losses: tuple[Tensor, ...], /) -> None:
        """`losses` are about to be differentiated; empty if something else than a loss is."""

    def backward_ended(self, losses: tuple[Tensor, ...], /) -> None:
        """All gradients of this pass are there; of the graph of `losses` only the names are left."""


class _Thread(threading.local):
    """What belongs to one thread of training."""

    def __init__(self) -> None:
        self.depth = 0  # of backward passes within one another, as activation checkpointing runs them
        self.losses: deque[float | Tensor] = deque(maxlen=4096)  # since the last step of any optimizer
        self.before: tuple[float | Tensor, ...] = ()  # those of the last step that had any


_listeners: list[Listener] = []
_thread = _Thread()
_lock = threading.Lock()
_wrapped: list[tuple[Callable[..., Any], Callable[..., Any]]] = []  # (what stood there, what stands there now)
_handles: list[Any] = []


def listen(listener: Listener) -> None:
    """Tell `listener` of the backward passes of its thread from now on."""
    with _lock:
        if not _listeners:
            original = torch.autograd.backward
            _wrapped.append((original, _wrap(original)))
            torch.autograd.backward = _wrapped[-1][1]
            _handles.append(register_optimizer_step_post_hook(_forget_losses))
            _thread.losses.clear()  # of a training that broke off between backward and step
            _thread.before = ()
        _listeners.append(listener)


def stop_listening(listener: Listener) -> None:
    """Stop telling it; with the last listener `torch.autograd.backward` is again what it was."""
    with _lock:
        if listener in _listeners:
            _listeners.remove(listener)
        if not _listeners and _wrapped:
            _handles.pop().remove()
            original, ours = _wrapped.pop()
            if torch.autograd.backward is ours:  # else somebody wrapped it again, and ours passes everything on
                torch.autograd.backward = original


def losses_of_step() -> tuple[float | Tensor, ...]:
    """Return the losses that were differentiated in this thread since the last step of any optimizer.

    Two optimizers that step after one backward pass both get its losses.
    """
    return tuple(_thread.losses) or _thread.before


def has_losses() -> bool:
    """Say whether backward ran in this thread since the last step of any optimizer."""
    return bool(_thread.losses)


def forget_losses() -> None:
    """A step is done: what follows belongs to the next one. Called for every `torch.optim.Optimizer` by itself."""
    if _thread.losses:
        _thread.before = tuple(_thread.losses)
        _thread.losses.clear()


def keep_losses(num_losses: int) -> None:
    """Forget the losses of this thread but for the last ones: those before them belong to a step that was not taken."""
    while len(_thread.losses) > num_losses:
        _thread.losses.popleft()


def _forget_losses(_optimizer: Any, _args: Any, _kwargs: Any) -> None:
    forget_losses()


def _wrap(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if _thread.depth or not _listeners:
            return original(tensors, *args, **kwargs)
        begin = perf_counter()
        losses = _losses_in(tensors)
        is_broken = _remember(losses)
        thread = threading.get_ident()
        here = [listener for listener in _listeners if listener.thread == thread]
        told = [listener for listener in here if is_broken or listener.is_attentive]
        for listener in told:
            listener.backward_begins(losses)
        seconds = perf_counter() - begin
        _thread.depth += 1
        try:
            done = original(tensors, *args, **kwargs)
        finally:
            _thread.depth -= 1
        begin = perf_counter()
        for listener in told:
            listener.backward_ended(losses)
        seconds += perf_counter() - begin
        for listener in here:
            listener.spent += seconds
        return done

    return backward


def _losses_in(tensors: Any) -> tuple[Tensor, ...]:
    if isinstance(tensors, Tensor):
        return (tensors,) if tensors.numel() == 1 else ()
    return tuple(tensor for tensor in tensors if isinstance(tensor, Tensor) and tensor.numel() == 1)


def _remember(losses: tuple[Tensor, ...]) -> bool:
    """Keep the values of losses; say whether one that costs no waiting is not finite."""
    is_broken = False
    with suppress(Exception):  # a tensor that cannot be read is no reason to stop training
        for loss in losses:
            value = loss.item() if loss.is_cpu else loss.detach()
            _thread.losses.append(value)
            is_broken = is_broken or (type(value) is float and not isfinite(value))
    return is_broken
