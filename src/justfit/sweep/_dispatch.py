"""Units onto workers: each to one that is free, again where a worker was lost, in whatever order they are done.

Nothing here knows what a worker is: a process of a local pool or an actor of a cluster. Since a unit is a pure function
of the training and of itself, doing it again, elsewhere or later gives the same bits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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


class StateLostError(WorkerLostError):
    """What a unit was to go on from is lost; its variants must be trained from their first epoch."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, counted=False)


class Workers(Protocol[Handle]):
    """Numbered workers, of which each does one unit at a time."""

    num_workers: int

    def start(self, worker: int) -> Handle | None:
        """Start a worker that has never been, or was stopped; None: it can be used at once."""
        ...

    def started(self, worker: int, handle: Handle) -> None:
        """Learn that a worker is there.

        Raises:
            WorkerLostError: It could not be started.
        """
        ...

    def submit(self, worker: int, training: Training, unit: Unit) -> Handle:
        """Give a free worker a unit.

        Raises:
            WorkerLostError: It has ended since its last unit.
        """
        ...

    def wait(self, handles: Sequence[Handle]) -> list[Handle]:
        """Wait until one or more are done or lost."""
        ...

    def result(self, handle: Handle, unit: Unit) -> tuple[UnitState, UnitReport] | Failure:
        """Take what a unit gave.

        Raises:
            WorkerLostError: The worker ended before it was done.
            StateLostError: Where its variants stood is lost.
        """
        ...

    def stop(self, worker: int) -> None:
        """End a worker, whatever it is doing."""
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
        self._starting: dict[Handle, int] = {}
        self._failed_starts = 0

    def run(self) -> Iterator[tuple[int, UnitState, UnitReport]]:
        """Do all units.

        Yields:
            Index, state and report of each, as soon as it is done; a free worker has its next unit before.

        Raises:
            JustFitError: The user's code failed, or a unit has ended every worker that tried it.
        """
        try:
            self._fill()
            while self._running or self._waiting:
                for handle in self._workers.wait([*self._running, *self._starting]):
                    yield from self._done(handle)
        finally:  # an error, Ctrl-C, or a caller who wants no more: what still runs is not wanted any more
            for worker in [*(worker for worker, _ in self._running.values()), *self._starting.values()]:
                self._workers.stop(worker)

    def _fill(self) -> None:
        """Give each free worker a unit, and start as many others as there are units left."""
        while self._free and len(self._waiting) > len(self._starting):
            worker = self._free.pop()
            handle = self._workers.start(worker)
            if handle is None:
                self._give(worker)
            else:
                self._starting[handle] = worker

    def _give(self, worker: int) -> None:
        job = self._waiting.popleft()
        try:
            self._running[self._workers.submit(worker, self._training, job.unit)] = worker, job
        except WorkerLostError:
            self._workers.stop(worker)
            self._waiting.appendleft(job)
            self._free.append(worker)

    def _done(self, handle: Handle) -> Iterator[tuple[int, UnitState, UnitReport]]:
        if handle in self._starting:
            self._start_is_over(handle, self._starting.pop(handle))
            return
        worker, job = self._running.pop(handle)
        result = self._result(handle, worker, job)
        self._free.append(worker)
        self._fill()
        if isinstance(result, Failure):
            result.reraise()
        elif result is not None:
            yield job.index, *result

    def _start_is_over(self, handle: Handle, worker: int) -> None:
        try:
            self._workers.started(worker, handle)
            self._failed_starts = 0
        except WorkerLostError as lost:
            self._workers.stop(worker)
            self._failed_starts += 1
            if self._failed_starts >= MAX_ATTEMPTS:
                raise WorkerError(
                    "Workers must be able to start.",
                    found=f"{MAX_ATTEMPTS} in a row that did not: {lost.reason}",
                    way_out="Every node needs the same Python, justfit and torch as this process.",
                ) from lost
        self._free.append(worker)
        self._fill()

    def _result(self, handle: Handle, worker: int, job: _Job) -> tuple[UnitState, UnitReport] | Failure | None:
        try:
            return self._workers.result(handle, job.unit)
        except StateLostError:
            job.unit = replace(job.unit, state=None)
        except WorkerLostError as lost:
            self._workers.stop(worker)
            job.attempts += lost.counted
            if job.attempts == MAX_ATTEMPTS:
                raise WorkerError(
                    "A worker must outlive its unit.",
                    found=f"{MAX_ATTEMPTS} in a row that ended while training {describe(job.unit.variants)}; "
                    f"the last one: {lost.reason}",
                    way_out="Most often a machine has no memory left: lower `num_workers`, or the size of the network "
                    'or the batch. With `executor="serial"` all is done in this process.',
                ) from lost
        except BaseException:
            self._workers.stop(worker)  # nobody knows in which state it is
            raise
        self._waiting.appendleft(job)
        return None
