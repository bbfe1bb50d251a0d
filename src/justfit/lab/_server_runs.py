"""The runs of the playground that the server holds, each trained in its turn and off the event loop."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import torch

from justfit.lab._server_answers import Refused
from justfit.report import shown

MOST_RUNS = 8
MOST_EPOCHS = 50
SLICE_SECONDS = 1.5
NUM_WORKERS = 2

Place = tuple[int, int]
IsGone = Callable[[], Awaitable[bool]]
Result = TypeVar("Result")
State = dict[str, Any]


class Plain(Protocol):
    """Settings as they were understood."""

    def plain(self) -> dict[str, Any]:
        """Write them ready for JSON."""


class Engine(Protocol):
    """What trains all cells of λ × dropout at once; a `Playground` is one."""

    @property
    def settings(self) -> Plain:
        """What is trained."""

    def advance(self, epochs: int, most_seconds: float) -> None:
        """Train that many epochs more, or as many as are begun within that time."""

    def state(self, l2: int, dropout: int, *, plane: bool = False) -> State:
        """Describe the cell at that place of the two sliders, ready for JSON."""


@dataclass(eq=False, slots=True)
class _Run:
    engine: Engine
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Runs:
    """At most eight runs; the one that was unused longest makes room for the next.

    Args:
        make: Makes the engine of new settings.
        slice_seconds: An advance ends when this much time has passed, so that no request blocks its run for long; the
            state says how far it came, and the next advance goes on from there.
    """

    def __init__(self, make: Callable[[Mapping[str, Any]], Engine], *, slice_seconds: float = SLICE_SECONDS) -> None:
        self.make = make
        self.slice_seconds = slice_seconds
        self._runs: dict[str, _Run] = {}  # the least recently used first
        self._seats = asyncio.Semaphore(NUM_WORKERS)  # of runs that begin: those who wait for one may leave
        self._workers = ThreadPoolExecutor(NUM_WORKERS, "justfit-lab", initializer=torch.set_num_threads, initargs=(1,))

    async def open(self, settings: Mapping[str, Any], place: Place, is_gone: IsGone) -> State:
        """Start a run and describe it; the engine refuses settings that it cannot take.

        Args:
            settings: Of the engine.
            place: Which cell to describe.
            is_gone: As of `advance`: a setting that is changed ten times must not make ten deep networks.
        """

        def work() -> tuple[Engine, State]:
            engine = self.make(settings)
            return engine, engine.state(*place, plane=True)

        async with self._seats:
            await _refuse_gone(is_gone)
            engine, state = await self._off_loop(work)
        id_ = secrets.token_urlsafe(9)
        self._runs[id_] = _Run(engine)
        while len(self._runs) > MOST_RUNS:
            del self._runs[next(iter(self._runs))]
        return {"id": id_, "settings": engine.settings.plain(), "state": state}

    async def look(self, id_: str, place: Place) -> State:
        """Describe another cell of a run, without training."""
        run = self._find(id_)
        async with run.lock:
            return await self._off_loop(lambda: run.engine.state(*place))

    async def advance(self, id_: str, epochs: int, place: Place, is_gone: IsGone) -> State:
        """Train a run for at most that many epochs, as far as the time slice goes, and describe it.

        Args:
            id_: Of the run.
            epochs: At least 1.
            place: Which cell to describe.
            is_gone: Whether whoever asked has left while others were served; nothing is then trained.
        """
        run = self._find(id_)
        async with run.lock:
            await _refuse_gone(is_gone)
            return await self._off_loop(lambda: self._train(run.engine, epochs, place))

    def close(self) -> None:
        """Let the epochs that are being trained end, and train no more."""
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._runs.clear()

    def _train(self, engine: Engine, epochs: int, place: Place) -> State:
        engine.advance(epochs, self.slice_seconds)
        return engine.state(*place)

    def _find(self, id_: str) -> _Run:
        run = self._runs.pop(id_, None)
        if run is None:
            raise Refused(
                404,
                f"A run must be one of the {MOST_RUNS} that the lab holds; the one unused longest is forgotten.",
                found=f"`{shown(id_, 40)}`",
                way_out="Start it again: the same settings and seed give the same run.",
            )
        self._runs[id_] = run  # now the most recently used
        return run

    async def _off_loop(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)


async def _refuse_gone(is_gone: IsGone) -> None:
    if await is_gone():
        raise Refused(400, "Whoever asks must wait for the answer.", found="nobody", way_out="Ask again.")
