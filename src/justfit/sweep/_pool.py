"""A pool of processes on this machine: one thread each, one unit at a time, each replaced alone when it is killed.

Loky starts the processes and carries functions to them, also those of notebooks and of scripts without
`if __name__ == "__main__"`. Its pool breaks as a whole when one of its processes is killed; so each worker here is a
pool of one, and the loss of one is no business of the others.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from types import TracebackType
from typing import Self

from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

from justfit.errors import OutputError
from justfit.sweep._dispatch import Dispatch, WorkerLostError
from justfit.sweep._executor import OnDone, UnitResult
from justfit.sweep._training import Training, Unit, UnitReport, UnitState
from justfit.sweep._transport import SentTraining, send_training
from justfit.sweep._worker import Failure, Result, TorchSettings, end_with_parent, not_sendable, order_of, pool_work

# Read before a worker imports anything; torch's own setting comes later, and does not reach every library.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
Answer = Result | Failure | None


class PoolExecutor:
    """Do units in processes of this machine; see `Executor`.

    Args:
        num_workers: How many processes, at least 1. Each starts with the first unit it gets.
    """

    def __init__(self, num_workers: int) -> None:
        self.num_workers = num_workers
        self._folder = ""
        self._sent: tuple[Training, str, SentTraining] | None = None
        self._pools: dict[int, ProcessPoolExecutor] = {}
        self._knows: dict[int, str] = {}

    def __enter__(self) -> Self:
        self._folder = tempfile.mkdtemp(prefix="justfit-sweep-")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        for worker in list(self._pools):
            self.stop(worker)
        self._sent = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def map(self, training: Training, units: Sequence[Unit], on_done: OnDone | None = None) -> Iterator[UnitResult]:
        """Do all units; see `Executor.map`.

        Raises:
            ArgumentError: Something of the training cannot be sent to another process.
            OutputError: The examples cannot be written where workers read them.
            VariantError: The user's code failed.
            WorkerError: A unit has ended every worker that tried it.
        """
        for result in Dispatch(self, training, units).run():
            if on_done is not None:
                on_done(result[0])
            yield result

    def start(self, worker: int) -> None:
        """A process can be given its first unit while it starts."""

    def started(self, worker: int, handle: Future[Answer]) -> None:
        """Never called: `start` gives nothing to wait for."""

    def submit(self, worker: int, training: Training, unit: Unit) -> Future[Answer]:
        """Give a worker a unit, and with the first one of a training the training; see `Workers.submit`."""
        key, sent = self._send(training)
        new = None if self._knows.get(worker) == key else (sent, TorchSettings.now())
        self._knows[worker] = key
        order, pieces = order_of(unit, key)
        try:
            future: Future[Answer] = self._pool(worker).submit(pool_work, order, pieces, new)
        except BrokenProcessPool as broken:
            raise WorkerLostError(_exit_code(broken), counted=False) from broken
        return future

    def wait(self, handles: Sequence[Future[Answer]]) -> list[Future[Answer]]:
        """Wait until one or more are done or lost."""
        return list(wait(handles, return_when=FIRST_COMPLETED).done)

    def result(self, handle: Future[Answer], unit: Unit) -> tuple[UnitState, UnitReport] | Failure:
        """Take what a unit gave; see `Workers.result`."""
        try:
            answer = handle.result()
        except BrokenProcessPool as broken:
            if broken.__cause__ is not None:  # the worker lives, but cannot read what it was sent
                raise not_sendable(broken.__cause__) from None
            raise WorkerLostError(_exit_code(broken)) from broken
        except Exception as error:
            raise not_sendable(error.__cause__ or error) from None
        if answer is None:
            raise WorkerLostError("it was replaced by the pool", counted=False)
        if isinstance(answer, Failure):
            return answer
        report, state = answer
        return UnitState(unit.until, state.unpack()), report.unpack()

    def stop(self, worker: int) -> None:
        """End a worker, whatever it is doing."""
        self._knows.pop(worker, None)
        pool = self._pools.pop(worker, None)
        if pool is not None:
            pool.shutdown(wait=True, kill_workers=True)

    def _send(self, training: Training) -> tuple[str, SentTraining]:
        if self._sent is None or self._sent[0] is not training:
            try:
                self._sent = training, uuid.uuid4().hex, send_training(training, self._folder)
            except OSError as error:
                raise OutputError(
                    "The examples must fit into the folder for temporary files, where workers read them.",
                    found=f"`{error}`",
                    way_out='Set `TMPDIR` to a folder with more room, or take `executor="serial"`.',
                ) from error
        return self._sent[1:]

    def _pool(self, worker: int) -> ProcessPoolExecutor:
        if worker not in self._pools:
            self._pools[worker] = ProcessPoolExecutor(
                max_workers=1, env=ONE_THREAD, initializer=end_with_parent, initargs=(os.getpid(), self._folder)
            )
        return self._pools[worker]


def _exit_code(broken: BrokenProcessPool) -> str:
    codes = str(broken).partition("exit codes of the workers are ")[2].partition("\n")[0]
    return f"exit code {codes.strip()}" if codes else "no exit code"
