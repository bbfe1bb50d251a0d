"""Where units of work are done: the contract of every executor, and the one that needs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from justfit.sweep._training import Training, Unit, UnitReport, UnitState
from justfit.sweep._worker import do_unit

OnDone = Callable[[int], None]
UnitResult = tuple[int, UnitState, UnitReport]


class Executor(Protocol):
    """Does units of work; used as a context manager, so that whatever it started ends with it.

    Attributes:
        num_workers: How many units it does at the same time; the schedule makes at least as many where it can.
    """

    num_workers: int

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...

    def map(self, training: Training, units: Sequence[Unit], on_done: OnDone | None = None) -> Iterator[UnitResult]:
        """Do all units, in any order.

        Args:
            training: What is trained; the same object at every call, so that it need be sent only once.
            units: What to do; `run_unit` of each.
            on_done: Told the index of each unit that is done, before it is yielded.

        Yields:
            (index of the unit, where it stands, what was measured), as soon as each is done.
        """
        ...


class SerialExecutor:
    """One unit after the other, in this process.

    Example:
        >>> with SerialExecutor() as executor:
        ...     executor.num_workers
        1
    """

    num_workers = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        return None

    def map(self, training: Training, units: Sequence[Unit], on_done: OnDone | None = None) -> Iterator[UnitResult]:
        """Do all units in order; see `Executor.map`."""
        for index, unit in enumerate(units):
            state, report = do_unit(training, unit)
            if on_done is not None:
                on_done(index)
            yield index, state, report
