"""Many machines, or many GPUs of one: units done by actors of a Ray cluster.

Of Ray only its core is used: objects, actors, waiting. The training goes into the object store once, and each actor
reads it once. Where variants stand stays in the store, on the node that trained them; what travels between is which
rows of which piece go on (`FarTensors`). What was measured comes back at once.

Actors are not restarted by Ray but replaced here, so that one rule holds for every executor: a unit is done again where
its worker was lost, and given up when it has taken three down. A state that was lost with its node is made again by
training its variants from their first epoch, which gives the same bits.
"""

from __future__ import annotations

import builtins
import functools
import math
import os
import signal
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType, TracebackType
from typing import Any, Self

from torch import Tensor

from justfit.errors import MissingExtraError, WorkerError
from justfit.sweep._dispatch import Dispatch, StateLostError, WorkerLostError
from justfit.sweep._executor import OnDone, UnitResult
from justfit.sweep._failure import first_line
from justfit.sweep._far import FarTensors, Piece
from justfit.sweep._merging import epochs_of, join_units, merge, split_result
from justfit.sweep._training import Training, Unit, UnitReport, UnitState
from justfit.sweep._transport import Packed, send_training, without_state
from justfit.sweep._worker import Failure, Order, RayWorker, TorchSettings, do_unit, not_sendable, order_of

# A cluster that grows on demand may take minutes to give the first worker; after that nobody is coming.
NO_WORKER_SECONDS = 600.0
# Units are merged until they take 10 s, and with M workers M / 40 s: this process sends about 400 units in a second,
# and half of the time until all have theirs is to be a twentieth of what they take (docs/sweep-on-many-machines.md).
LEAST_SECONDS = 10.0
UNITS_PER_SECOND = 40.0


@dataclass(frozen=True, slots=True)
class Stored:
    """What a unit left in the object store, and how to make it again."""

    reference: Any
    training: Training
    unit: Unit


class RayExecutor:
    """Do units on a Ray cluster; see `Executor`.

    A cluster that this process is connected to, or that `RAY_ADDRESS` names, is used and left running. Otherwise one is
    started on this machine, without dashboard and without usage statistics, and ended on the way out.

    Args:
        num_workers: Actors, each with one CPU, or one GPU where the training's device is a GPU; None: as many as the
            cluster has room for.
        device: The training's device.
    """

    def __init__(self, num_workers: int | None = None, device: str = "cpu") -> None:
        self._ray = import_ray()
        self._wanted = num_workers
        self._on_gpu = str(device).startswith("cuda")
        self.num_workers = num_workers or 1
        self._started = False
        self._on_sigterm: Any = None
        self._print = builtins.print
        self._closed = False
        self._epochs, self._seconds = 0, 0.0
        self._sent: tuple[Training, str, Any] | None = None
        self._actors: dict[int, Any] = {}
        self._ready: set[int] = set()
        self._sources: dict[Any, Stored] = {}

    def __enter__(self) -> Self:
        ray = self._ray
        self._on_sigterm = signal.getsignal(signal.SIGTERM)
        self._print = builtins.print
        if not ray.is_initialized():
            self._started = not os.environ.get("RAY_ADDRESS")
            _connect(ray, self._wanted)
        if self._wanted is None:
            self.num_workers = max(1, int(ray.cluster_resources().get("GPU" if self._on_gpu else "CPU", 1)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        for worker in list(self._actors):
            self.stop(worker)
        self._sent = None
        self._closed = True
        if self._started:
            self._ray.shutdown()
            builtins.print = self._print  # Ray puts its own in its place, which cannot be sent to another process
        if self._on_sigterm is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._on_sigterm)  # Ray sets its own, which ends the cluster first

    def map(self, training: Training, units: Sequence[Unit], on_done: OnDone | None = None) -> Iterator[UnitResult]:
        """Do all units; see `Executor.map`.

        Raises:
            ArgumentError: Something of the training cannot be sent to another process.
            VariantError: The user's code failed.
            WorkerError: A unit has ended every worker that tried it, or the cluster gives none.
        """
        groups = merge(units, self._pace(), max(LEAST_SECONDS, self.num_workers / UNITS_PER_SECOND))
        merged = [join_units([units[index] for index in group]) for group in groups]
        for number, state, report in Dispatch(self, training, merged).run():
            self._epochs += epochs_of(merged[number])
            self._seconds += report.seconds
            parts = split_result([units[index] for index in groups[number]], state, report)
            for index, part in zip(groups[number], parts, strict=True):
                if on_done is not None:
                    on_done(index)
                yield index, *part

    def _pace(self) -> float:
        """Seconds of an epoch of one variant so far; before the first unit nothing is known, and nothing is merged."""
        return self._seconds / self._epochs if self._epochs else math.inf

    def start(self, worker: int) -> Any:
        """Ask the cluster for an actor, unless there is one."""
        if worker in self._ready:
            return None
        needs = {"num_cpus": 0, "num_gpus": 1} if self._on_gpu else {"num_cpus": 1}
        self._actors[worker] = self._ray.remote(RayWorker).options(**needs, max_restarts=0).remote()
        return self._actors[worker].ready.remote()

    def submit(self, worker: int, training: Training, unit: Unit) -> Any:
        """Give an actor a unit; its state goes as references to what lies in the store."""
        key, reference = self._send(training)
        order, pieces = self._order(unit, key)
        read = functools.partial(self._ray.get, reference)
        report, state = self._actors[worker].work.options(num_returns=2).remote(order, (read,), *pieces)
        source = Stored(state, training, replace(without_state(unit), measure=()))
        self._sources[report] = source
        return report

    def wait(self, handles: Sequence[Any]) -> list[Any]:
        """Wait until one or more are done or lost.

        Raises:
            WorkerError: No actor is there, and the cluster has given none for ten minutes.
        """
        while True:
            done, _ = self._ray.wait(list(handles), num_returns=1, timeout=NO_WORKER_SECONDS)
            if done:  # all that are done at one look: with thousands of workers a look at each for itself would be long
                return list(self._ray.wait(list(handles), num_returns=len(handles), timeout=0)[0])
            if not self._ready:
                raise WorkerError(
                    "The Ray cluster must have room for at least one worker.",
                    found=f"none within {NO_WORKER_SECONDS:.0f} s, with {self._ray.available_resources()} free",
                    way_out="Add a node, end what takes its CPUs or GPUs, or lower `num_workers`.",
                )

    def started(self, worker: int, handle: Any) -> None:
        """Learn that an actor is there; see `Workers.started`."""
        try:
            self._ray.get(handle)
        except self._ray.exceptions.RayError as error:
            raise WorkerLostError(first_line(error)) from error
        self._ready.add(worker)

    def result(self, handle: Any, unit: Unit) -> tuple[UnitState, UnitReport] | Failure:
        """Take what was measured; the state stays where it is."""
        ray, source = self._ray, self._sources.pop(handle)
        try:
            report = ray.get(handle)
        except ray.exceptions.ObjectLostError as error:
            raise StateLostError(first_line(error)) from error
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, ray.exceptions.ObjectLostError):
                raise StateLostError(first_line(error.cause)) from error
            raise
        except ray.exceptions.RayError as error:
            raise WorkerLostError(first_line(error)) from error
        if isinstance(report, Failure):
            return report
        rows = tuple(range(len(unit.variants)))
        return UnitState(unit.until, FarTensors([Piece(source, rows)], self._fetch)), report.unpack()

    def stop(self, worker: int) -> None:
        """End an actor, whatever it is doing."""
        self._ready.discard(worker)
        actor = self._actors.pop(worker, None)
        if actor is not None:
            self._ray.kill(actor, no_restart=True)

    def _fetch(self, source: Stored) -> Mapping[str, Tensor]:
        if self._closed:
            raise WorkerError(
                "Where variants stand must be read while the executor is open.",
                found="a state whose cluster this process has left",
                way_out="Read `state.tensors` inside the `with` block.",
            )
        try:
            packed: Packed = self._ray.get(source.reference)
            return packed.unpack()
        except self._ray.exceptions.RayError:
            return do_unit(source.training, source.unit)[0].tensors

    def _send(self, training: Training) -> tuple[str, Any]:
        if self._sent is None or self._sent[0] is not training:
            moved = replace(training, device="cuda") if self._on_gpu else training  # an actor sees its own GPU only
            try:
                reference = self._ray.put((send_training(moved), TorchSettings.now()))
            except Exception as error:  # whatever the parts of the user's own raise when they are to be sent
                raise not_sendable(error) from error
            self._sent = training, uuid.uuid4().hex, reference
        return self._sent[1:]

    def _order(self, unit: Unit, key: str) -> tuple[Order, list[Any]]:
        if unit.state is None or not isinstance(unit.state.tensors, FarTensors):
            return order_of(unit, key)
        pieces = unit.state.tensors.pieces
        order = Order(without_state(unit), unit.state.epoch, tuple(piece.rows for piece in pieces), key)
        return order, [piece.source.reference for piece in pieces]


def import_ray() -> ModuleType:
    """Import Ray, which then sends no usage statistics.

    Raises:
        MissingExtraError: It is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise MissingExtraError(
            '`executor="ray"` needs the extra `ray`.',
            found=f"`{error}`",
            way_out="pip install 'justfit[ray]'.",
        ) from error
    return ray


def _connect(ray: ModuleType, num_workers: int | None) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
    else:
        # Actors wait for their work, so there may be more of them than cores: whoever asked for so many gets them.
        cpus = None if num_workers is None else max(num_workers, os.cpu_count() or 1)
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
