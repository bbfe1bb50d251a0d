"""Look at a network without leaving a trace: after the block everything is as before, bit for bit."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from justfit.errors import ArgumentError
from justfit.probe._process_state import ProcessState
from justfit.probe._snapshot import Snapshot


@contextmanager
def untouched(module: nn.Module, *others: object) -> Iterator[list[str]]:
    """Put a module and the process back as they were when the block ends, however it ends.

    Restored are: the values of parameters, buffers and other tensors and arrays that the module holds; which objects
    they are; `.grad`, `requires_grad` and hooks of each tensor; of each submodule its class, mode, hooks, children
    and plain attributes, including what lists, dicts, sets and objects among them hold; the random state of torch
    (every device in use), numpy and Python and of generators the module holds; grad mode, default type and device,
    determinism, matrix precision, autocast, the attention fast path and warning filters.

    Inside the block every `.grad` is None, so a backward pass leaves the user's gradients alone and costs no copy.
    Buffers are always copied. Other tensors, smallest first, up to `Snapshot.copy_bytes`; what is beyond is only
    watched, and a change of it is told in the notes.

    Not restored: what the module reaches only through globals, class attributes, closures, iterators or files.

    Args:
        module: The user's module.
        others: Further things to keep as they are: a loss module, the inputs, as tensors or containers of them.

    Yields:
        Notes, one sentence each, filled when the block ends: what could not be put back. Usually empty.

    Raises:
        ArgumentError: `module` is not an `nn.Module`.

    Example:
        >>> import torch
        >>> norm = nn.BatchNorm1d(3)
        >>> with untouched(norm) as notes:
        ...     _ = norm(torch.randn(8, 3))
        >>> norm.running_mean.tolist(), notes
        ([0.0, 0.0, 0.0], [])
    """
    if not isinstance(module, nn.Module):
        raise ArgumentError(
            "`module` must be an `nn.Module`.", found=f"a {type(module).__name__}", way_out="Pass the network itself."
        )
    notes: list[str] = []
    with warnings.catch_warnings():
        process = ProcessState()
        snapshot = Snapshot(module, *others)
        try:
            snapshot.park_gradients()
            yield notes
        finally:
            try:
                _restore(snapshot, process, notes)
            except KeyboardInterrupt:  # a second Ctrl-C: the network comes first
                _restore(snapshot, process, notes)
                raise


def _restore(snapshot: Snapshot, process: ProcessState, notes: list[str]) -> None:
    notes[:] = snapshot.restore()
    process.restore()
