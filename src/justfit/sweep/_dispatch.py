"""Units onto workers: each to one that is free, again where a worker was lost, in whatever order they are done.

Nothing here knows what a worker is: a process of a local pool or an actor of a cluster. Since a unit is a pure function
of the training and of itself, doing it again, elsewhere or later gives the same bits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from justfit.errors import WorkerError
from justfit.sweep._failure import describe
from justfit.sweep._training import Training, Unit, UnitReport, UnitState
from justfit.sweep._worker import Failure

# A unit that takes its worker down is tried so many times in all; then it is the unit, not the machine.
MAX_ATTEMPTS = 3
Handle = TypeVar("Handle")


class WorkerLostError(Exception):
    """A worker ended under its unit; `counted` is false where the unit cannot be why.

    Never reaches the user.
    """

    def __init__(self, reason: str, *, counted: bool = True) -> None:
        self.reason = reason
        self.counted = counted
        super().__init__(reason)


class Workers(Protocol[Handle]):
    """Numbered workers, of which each does one unit at a time; started, and started again, when first needed."""

    num_workers: int

    def submit(self, worker: int, training: Training, unit: Unit) -> Handle:
        """Give a free worker a unit."""
        ...

    def wait(self, handles: Sequence[Handle]) -> list[Handle]:
        """Wait until one or more are done or lost."""
        ...

    def result(self, handle: Handle, unit: Unit) -> tuple[UnitState, UnitReport] | Failure:
        """Take what a unit gave.

        Raises:
            WorkerLostError: The worker ended before it was done.
        """
        ...

    def stop(self, worker: int) -> None:
        """End a worker, whatever it is doing; the next `submit` to it starts another."""
        ...


@dataclass(slots=True)
class _Job:
    index: int
    unit: Unit
    attempts: int = 0


class Dispatch(Generic[Handle]):
    """One call of `Executor.map`.

    Args:
        workers: Who does the units.
        training: What is trained.
        units: What is to be done.
    """

    def __init__(self, workers: Workers[Handle], training: Training, units: Sequence[Unit]) -> None:
        self._workers = workers
        self._training = training
        self._waiting = deque(_Job(index, unit) for index, unit in enumerate(units))
        self._free = list(reversed(range(workers.num_workers)))
        self._running: dict[Handle, tuple[int, _Job]] = {}

    def run(self) -> Iterator[tuple[int, UnitState, UnitReport]]:
        """Do all units.

        Yields:
            Index, state and report of each, as soon as it is done; a free worker has its next unit before.

        Raises:
            JustFitError: The user's code failed, or a unit has ended every worker that tried it.
        """
        try:
            self._fill()
            while self._running:
                for handle in self._workers.wait(list(self._running)):
                    worker, job = self._running.pop(handle)
                    result = self._result(handle, worker, job)
                    self._free.append(worker)
                    self._fill()
                    if isinstance(result, Failure):
                        result.reraise()
                    elif result is not None:
                        yield job.index, *result
        finally:  # an error, Ctrl-C, or a caller who wants no more: what still runs is not wanted any more
            for worker, _ in self._running.values():
                self._workers.stop(worker)

    def _fill(self) -> None:
        while self._free and self._waiting:
            worker, job = self._free.pop(), self._waiting.popleft()
            self._running[self._workers.submit(worker, self._training, job.unit)] = worker, job

    def _result(self, handle: Handle, worker: int, job: _Job) -> tuple[UnitState, UnitReport] | Failure | None:
        try:
            return self._workers.result(handle, job.unit)
        except WorkerLostError as lost:
            self._workers.stop(worker)
            job.attempts += lost.counted
            if job.attempts == MAX_ATTEMPTS:
                raise WorkerError(
                    "A worker must outlive its unit.",
                    found=f"{MAX_ATTEMPTS} workers in a row that ended during {describe(job.unit.variants)}: {lost.reason}",
                    way_out="Most often the machine has no memory left: lower `num_workers`, or the size of the network "
                    'or of the batches. With `executor="serial"` the same unit runs in this process.',
                ) from lost
            self._waiting.appendleft(job)
            return None
