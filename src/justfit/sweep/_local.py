"""This machine: in this process while the work is small, in a pool of processes once it is worth their start."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from joblib import cpu_count

from justfit.sweep._executor import Executor, OnDone, SerialExecutor, UnitResult
from justfit.sweep._pool import PoolExecutor
from justfit.sweep._training import Training, Unit
from justfit.sweep._worker import NotSendableError

# From the start of a process to its first step: importing torch and its optimizers (benchmarks/executors.py).
START_SECONDS = 5.0


class LocalExecutor:
    """Do units on this machine; see `Executor`.

    Work begins in this process. A pool takes over as soon as the seconds spent so far and those still to be spent, at
    the pace seen so far, exceed what they would be with a pool, its start included: whoever knows nothing of what is
    to come pays at most twice what it would have cost to know (the ski rental problem). The numbers are the same
    either way. Inside a daemon process, which must not start others, everything is done in this process; so is what
    cannot be sent to another. Seconds are of the CPU, so that a busy machine does not look like much work.

    Args:
        num_workers: Processes; None: one per physical core that this process may use.
    """

    def __init__(self, num_workers: int | None = None) -> None:
        self.num_workers = cpu_count(only_physical_cores=True) if num_workers is None else num_workers
        self._pool: PoolExecutor | None = None
        self._opened = ExitStack()
        self._spent_seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        self._opened.close()
        self._pool = None

    def map(self, training: Training, units: Sequence[Unit], on_done: OnDone | None = None) -> Iterator[UnitResult]:
        """Do all units, in this process until a pool is worth it; see `Executor.map`.

        Raises:
            VariantError: The user's code failed.
            WorkerError: A unit has ended every process that tried it.
        """
        may_start = self.num_workers > 1 and not multiprocessing.current_process().daemon
        works = [_work(unit) for unit in units]
        done = 0
        if self._pool is None:
            for index, unit in enumerate(units):
                began = time.process_time()
                for _, state, report in SerialExecutor().map(training, [unit]):
                    seconds = time.process_time() - began
                    self._spent_seconds += seconds
                    done = index + 1
                    left = seconds * sum(works[done:]) / max(works[index], 1)
                    if may_start and left > 0 and pool_is_worth_it(self._spent_seconds, left, self.num_workers):
                        self._pool = self._opened.enter_context(PoolExecutor(self.num_workers))
                    if on_done is not None:
                        on_done(index)
                    yield index, state, report
                if self._pool is not None:
                    break
        if done < len(units) and self._pool is not None:
            yield from self._in_pool(self._pool, training, dict(enumerate(units[done:], done)), on_done)

    def _in_pool(
        self, pool: PoolExecutor, training: Training, units: dict[int, Unit], on_done: OnDone | None
    ) -> Iterator[UnitResult]:
        """Do the units in the pool, and what it cannot be sent here."""
        try:
            yield from _numbered(pool, training, units, on_done)
        except NotSendableError:
            self._opened.close()
            self._pool, self.num_workers = None, 1
            yield from _numbered(SerialExecutor(), training, units, on_done)


def _numbered(
    executor: Executor, training: Training, units: dict[int, Unit], on_done: OnDone | None
) -> Iterator[UnitResult]:
    """Do units under numbers of their own; those done are taken out."""
    numbers = list(units)
    for place, state, report in executor.map(training, list(units.values())):
        number = numbers[place]
        del units[number]
        if on_done is not None:
            on_done(number)
        yield number, state, report


def pool_is_worth_it(spent_seconds: float, left_seconds: float, num_workers: int) -> bool:
    """Whether what is spent and left in one process exceeds what a pool would take, its start included.

    Example:
        >>> pool_is_worth_it(1.0, 2.0, num_workers=4), pool_is_worth_it(1.0, 60.0, num_workers=4)
        (False, True)
    """
    serial = spent_seconds + left_seconds
    return serial > START_SECONDS + serial / num_workers


def _work(unit: Unit) -> int:
    return len(unit.variants) * (unit.until - (0 if unit.state is None else unit.state.epoch))
