"""Executors by name."""

from __future__ import annotations

from justfit.errors import ArgumentError
from justfit.sweep._executor import Executor, SerialExecutor


def open_executor(executor: str | Executor, num_workers: int | None) -> Executor:
    """Make the executor of a name, or take one as it is.

    Raises:
        ArgumentError: No executor has this name.
    """
    if not isinstance(executor, str):
        return executor
    if executor in ("local", "serial"):
        return SerialExecutor()
    raise ArgumentError(
        "`executor` must be local, serial or ray, or an object with the interface of `Executor`.",
        found=f"`executor={executor!r}`",
        way_out="Leave it out to train in this process and others on this machine.",
    )
