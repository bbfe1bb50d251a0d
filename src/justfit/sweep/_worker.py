"""What a worker does, in whichever process it is: the unit it was given, with one thread, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from justfit.errors import ArgumentError, JustFitError
from justfit.sweep._failure import named_failure
from justfit.sweep._program import one_torch_thread
from justfit.sweep._training import Training, Unit, UnitReport, UnitState
from justfit.sweep._transport import Packed, PackedReport, SentTraining, pack, pack_report, with_state, without_state
from justfit.sweep._unit import run_unit

PARENT_CHECK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class TorchSettings:
    """Settings of the whole process on which results depend; a worker takes over those of the caller."""

    default_dtype: torch.dtype
    matmul_precision: str
    deterministic: bool
    deterministic_warn_only: bool

    @staticmethod
    def now() -> TorchSettings:
        """Read those of this process."""
        return TorchSettings(
            torch.get_default_dtype(),
            torch.get_float32_matmul_precision(),
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        )

    def apply(self) -> None:
        """Set them for this process, which is a worker's own."""
        torch.set_num_threads(1)
        torch.set_default_dtype(self.default_dtype)
        torch.set_float32_matmul_precision(self.matmul_precision)
        torch.use_deterministic_algorithms(self.deterministic, warn_only=self.deterministic_warn_only)


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that crosses to the caller as words; an exception of the user's own might not survive the way."""

    error: JustFitError
    traceback: str

    def reraise(self) -> None:
        """Raise it again, with the worker's traceback as a note."""
        self.error.add_note(f"In the worker:\n{self.traceback}")
        raise self.error


Result = tuple[PackedReport, Packed]


class NotSendableError(ArgumentError):
    """A training that cannot go to another process."""


def not_sendable(error: BaseException) -> NotSendableError:
    """The error for a training that cannot go to another process."""
    lines = [line.strip(' \n"') for line in str(error).splitlines()]
    lines = [line for line in lines if line]
    return NotSendableError(
        "`build`, `loss_fn`, `optimizer` and the examples must be sendable to another process.",
        found=f"`{lines[-1] if lines else repr(error)}`",
        way_out="Make what cannot be sent (locks, open files, modules that only this process can import) inside "
        '`build`, or take `executor="serial"`, which sends nothing.',
    )


def do_unit(training: Training, unit: Unit) -> tuple[UnitState, UnitReport]:
    """Do a unit as every executor does it.

    Raises:
        VariantError: The user's code failed.
    """
    with one_torch_thread(), named_failure(unit.variants):
        return run_unit(training, unit)


def do_unit_far(training: Training, unit: Unit) -> Result | Failure:
    """Do a unit in a process of its own: what it gives, or what went wrong, can be sent."""
    try:
        state, report = do_unit(training, unit)
    except JustFitError as error:
        return Failure(error, traceback.format_exc())
    return pack_report(report), pack(state.tensors)


def end_with_parent(parent: int, folder: str) -> None:
    """Make this worker end when its parent has, however that ended; called before its first unit.

    Ctrl-C reaches the whole group of processes; the parent hears it and stops its workers, so they do not.

    Args:
        parent: Process id of the parent.
        folder: What the parent would have removed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="justfit-parent").start()


@dataclass(frozen=True, slots=True)
class Order:
    """A unit as it travels.

    Attributes:
        unit: What to do, without its state.
        epoch: Where its variants stand.
        rows: For each piece of the state, which of its variants are meant; none: they are started.
        key: Which training it belongs to.
    """

    unit: Unit
    epoch: int
    rows: tuple[tuple[int, ...], ...]
    key: str

    def fill(self, pieces: Sequence[Packed]) -> Unit:
        """Give the unit its state."""
        return with_state(self.unit, self.epoch, list(zip(pieces, self.rows, strict=True)))


def order_of(unit: Unit, key: str) -> tuple[Order, list[Packed]]:
    """Take a unit apart for its way: what to do, and where its variants stand, which lies here."""
    if unit.state is None:
        return Order(without_state(unit), 0, (), key), []
    every = tuple(range(len(unit.variants)))
    return Order(without_state(unit), unit.state.epoch, (every,), key), [pack(unit.state.tensors)]


_received: dict[str, Training] = {}


def pool_work(
    order: Order, pieces: Sequence[Packed], sent: tuple[SentTraining, TorchSettings] | None
) -> Result | Failure | None:
    """Do a unit in a worker of the pool.

    Args:
        order: What to do.
        pieces: Where its variants stand.
        sent: Its training, with the first unit of it.

    Returns:
        What it gave, or what went wrong; None: this process has not got the training.
    """
    if sent is not None:
        _received.clear()
        _received[order.key] = sent[0].receive()
        sent[1].apply()
    return do_unit_far(_received[order.key], order.fill(pieces)) if order.key in _received else None


class RayWorker:
    """An actor: it reads a training from the object store once, and does units until it is let go."""

    def __init__(self) -> None:
        self._key = ""
        self._training: Training | None = None

    def ready(self) -> None:
        """Answer, so that the caller knows that there is a process."""

    def work(
        self, order: Order, sent: tuple[Callable[[], tuple[SentTraining, TorchSettings]]], *pieces: Packed
    ) -> tuple[PackedReport | Failure, Packed | None]:
        """Do a unit; `sent` reads its training from the store."""
        if self._training is None or self._key != order.key:
            try:
                training, settings = sent[0]()
            except Exception as error:  # whatever the modules of the user's own raise while they are imported
                return Failure(not_sendable(error), traceback.format_exc()), None
            settings.apply()
            self._key, self._training = order.key, training.receive()
        done = do_unit_far(self._training, order.fill(pieces))
        return (done, None) if isinstance(done, Failure) else done
