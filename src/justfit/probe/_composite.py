"""Look inside torch functions that are written in Python and hold weights themselves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch.nn.functional

_ASKED: Any = vars(torch.nn.functional)["has_torch_function"]
_LOCK = threading.Lock()
_INSIDE: list[int] = []  # threads that run the body of a composite function


@contextmanager
def plain_branches() -> Iterator[None]:
    """Let a composite function of torch run its body, and not ask this mode again whether to.

    Other threads are answered as always, and the last one to leave takes the question's stand-in away.
    """
    functional: Any = torch.nn.functional
    thread = threading.get_ident()
    with _LOCK:
        _INSIDE.append(thread)
        functional.has_torch_function = _ask
    try:
        yield
    finally:
        with _LOCK:
            _INSIDE.remove(thread)
            if not _INSIDE:
                functional.has_torch_function = _ASKED


def _ask(values: Any) -> bool:
    return threading.get_ident() not in _INSIDE and bool(_ASKED(values))
