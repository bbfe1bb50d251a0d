"""Executors by name."""

from __future__ import annotations

from justfit.errors import ArgumentError
from justfit.sweep._executor import Executor, SerialExecutor
from justfit.sweep._local import LocalExecutor
from justfit.sweep._ray import RayExecutor


def open_executor(executor: str | Executor, num_workers: int | None = None, device: str = "cpu") -> Executor:
    """Make the executor of a name, or take one as it is.

    Args:
        executor: "local" (this process, and a pool of others once the work is worth their start), "serial" (this
            process), "ray" (actors of a cluster; needs `justfit[ray]`), or an object with the interface of `Executor`.
        num_workers: Processes or actors, at least 1; None: as many as there are cores, or GPUs of a cluster. "serial"
            has one.
        device: Where networks train; on a GPU, "local" stays in this process.

    Returns:
        The executor, to be used in a `with` block.

    Raises:
        ArgumentError: No executor has this name, or `num_workers` is no number of workers.
        MissingExtraError: Ray is not installed.

    Example:
        >>> open_executor("local", 2).num_workers
        2
    """
    if not isinstance(executor, str) and hasattr(executor, "map") and hasattr(executor, "__enter__"):
        return executor
    if num_workers is not None and (not isinstance(num_workers, int) or num_workers < 1):
        raise ArgumentError(
            "`num_workers` must be a whole number of at least 1.",
            found=f"`num_workers={num_workers!r}`",
            way_out="Leave it out for one per core.",
        )
    if executor == "local":
        return LocalExecutor(num_workers if str(device).startswith("cpu") else 1)
    if executor == "serial":
        return SerialExecutor()
    if executor == "ray":
        return RayExecutor(num_workers, device)
    raise ArgumentError(
        "`executor` must be local, serial or ray, or an object with the interface of `Executor`.",
        found=f"`executor={executor!r}`",
        way_out="Leave it out to train in this process and others on this machine.",
    )
