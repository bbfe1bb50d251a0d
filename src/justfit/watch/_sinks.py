"""Where numbers go while a run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class Sink(Protocol):
    """Takes numbers as they arise; may also have `finding(finding)` and `close()`.

    Example:
        >>> class Printer:
        ...     def log(self, values, step):
        ...         print(step, dict(values))
        >>> isinstance(Printer(), Sink)
        True
    """

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Take the numbers of one sampled step or epoch, each under its name, such as `loss` or `gradient_norm/fc1`."""
