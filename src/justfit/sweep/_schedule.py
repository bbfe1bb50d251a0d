"""The order of a sweep: which cells train with which seeds up to which epoch, and who is let go on the way.

Waves: first the grid, coarsely and then around its contenders (`_growth`); then, with the epochs that stopped cells
have freed, more seeds for the cells that cannot be told apart, and finer λ between them (`_refill`). A wave is trained
piece by piece, from stop to stop (`_rungs`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from justfit.records import OnProgress, Progress
from justfit.sweep._axes import Cell
from justfit.sweep._cell_table import CellLog, add_piece, variants_of
from justfit.sweep._deciding import decide_among
from justfit.sweep._growth import coarse_cells, frontier
from justfit.sweep._kill import Check, find_stopped
from justfit.sweep._pieces import Pieces
from justfit.sweep._rungs import Rungs, make_rungs
from justfit.sweep._training import SweepVariant

Entry = tuple[int, int]  # (index of the cell, seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePlan:
    """What a schedule is to do; the clock has no part in it.

    Attributes:
        cells: The grid; the first is the corner.
        seeds: Of every cell.
        num_folds: Of every cell.
        num_epochs: Of every network that is not stopped.
        constant: Loss of the best constant prediction; None where it is not known.
        stops_early: Whether cells may be stopped for what they show.
        stops_often: Whether units end at every measurement, so that the clock can end a sweep there.
    """

    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    num_folds: int
    num_epochs: int
    constant: float | None = None
    stops_early: bool = True
    stops_often: bool = False

    @property
    def num_variants(self) -> int:
        """Networks of the whole grid."""
        return len(self.cells) * len(self.seeds) * self.num_folds

    @property
    def full_cost(self) -> int:
        """Epochs of single networks that the whole grid would take."""
        return self.num_variants * self.num_epochs


@dataclass(slots=True)
class Clock:
    """What a sweep may take, and takes.

    Attributes:
        deadline: `time.monotonic()` at which it should be over.
        now: The clock.
    """

    deadline: float = float("inf")
    now: Callable[[], float] = time.monotonic
    _seconds: float = 0.0
    _epochs: int = 0

    def fits(self, num_epochs: int) -> bool:
        """Whether so many epochs of single networks fit before the deadline at the speed so far; at first, always."""
        per_epoch = self._seconds / self._epochs if self._epochs else 0.0
        return self.now() + per_epoch * num_epochs <= self.deadline or not self._epochs

    def spent(self, seconds: float, num_epochs: int) -> None:
        """Tell what a piece took."""
        self._seconds += seconds
        self._epochs += num_epochs


@dataclass(slots=True)
class Schedule:
    """A sweep under way.

    Attributes:
        plan: What is to be done.
        pieces: Who does it.
        clock: When it has to end.
        on_progress: Told how far it is.
        logs: What was measured; the grid's cells, then those that were put in between.
        done: Epochs of single networks that were trained.
        interrupted: "" or why it ended early.
    """

    plan: SchedulePlan
    pieces: Pieces
    clock: Clock = field(default_factory=Clock)
    on_progress: OnProgress | None = None
    logs: list[CellLog] = field(default_factory=list)
    done: int = 0
    interrupted: str = ""
    rungs: Rungs = field(init=False)

    def __post_init__(self) -> None:
        self.logs = [CellLog(cell) for cell in self.plan.cells]
        self.rungs = make_rungs(self.plan.num_epochs)

    def run(self, refill: Callable[[Schedule], None] | None) -> None:
        """Train the grid, and use what that left over; on Ctrl-C keep what is finished.

        Args:
            refill: Uses the epochs that stopped cells have freed; None leaves them.

        Raises:
            DivergedError: No cell has finite losses.
            KeyboardInterrupt: Ctrl-C before anything was measured.
        """
        try:
            if self.run_grid() and refill is not None:
                refill(self)
        except KeyboardInterrupt:  # between two pieces
            if not any(log.seeds for log in self.logs):
                raise
            self.interrupted = "interrupted"

    def run_grid(self) -> bool:
        """Train the grid: a coarse one, then whatever borders on a contender; say whether it was finished.

        Raises:
            DivergedError: No cell has finite losses.
            KeyboardInterrupt: Ctrl-C before anything was measured.
        """
        every = list(range(len(self.plan.cells)))
        cells = coarse_cells(self.plan.cells) if self.plan.stops_early else every
        finished = self._guarded(self._entries(cells), compares=self.plan.stops_early)
        if not finished and not any(log.seeds for log in self.logs):
            raise KeyboardInterrupt
        earlier: tuple[int, ...] = ()
        while finished and self.plan.stops_early:
            decided = decide_among(self.logs)
            cells, earlier = frontier(self.plan.cells, decided, earlier), decided.members
            if not cells:
                break
            finished = self.run_more(self._entries(cells), compares=True)
        return finished

    def run_more(self, entries: list[Entry], *, compares: bool = False) -> bool:
        """Train cells with seeds that they did not have; all of them, or none counts.

        Args:
            entries: Cells and seeds; a cell that was trained before goes as far as it went then.
            compares: Whether cells may be stopped for what they show.

        Returns:
            Whether it was finished.
        """
        finished = self._guarded(entries, compares=compares)
        if not finished:
            for k, seed in entries:
                self.logs[k].seeds.pop(seed, None)
                self.logs[k].stopped_reason = self.logs[k].stopped_reason if self.logs[k].seeds else ""
        return finished

    def _entries(self, cells: list[int]) -> list[Entry]:
        return [(k, seed) for k in cells for seed in self.plan.seeds]

    def last_epoch(self, k: int) -> int:
        """Epoch up to which a cell was trained with every seed it has; the last of the plan for a new cell."""
        epochs = self.logs[k].epochs()
        return epochs[-1] if epochs else self.plan.num_epochs

    def _guarded(self, entries: list[Entry], *, compares: bool) -> bool:
        try:
            return self._run(entries, compares=compares)
        except KeyboardInterrupt:
            self.interrupted = "interrupted"
            return False

    def _run(self, entries: list[Entry], *, compares: bool) -> bool:
        goals = {entry: self.last_epoch(entry[0]) for entry in entries}
        stops = self.rungs.measured if self.plan.stops_often else self.rungs.stops
        start = 0
        alive = entries
        for stop in sorted({*stops, *goals.values()}):
            alive = [entry for entry in alive if goals[entry] >= stop]
            if not alive:
                break
            cost = len(alive) * self.plan.num_folds * (stop - start)
            if not self.clock.fits(cost):
                self.interrupted = f"the time budget ended after epoch {start} of {self.plan.num_epochs}"
                return False
            self._advance(alive, start, stop)
            self.done += cost
            alive = self._go_on(alive, stop, compares=compares)
            start = stop
        return True

    def _advance(self, alive: list[Entry], start: int, stop: int) -> None:
        plan = self.plan
        variants = {entry: variants_of(self.logs[entry[0]].cell, entry[1], plan.num_folds) for entry in alive}
        flat: list[SweepVariant] = [variant for group in variants.values() for variant in group]
        began = self.clock.now()
        ticks = _Ticks(self, len(alive), start, stop)
        measured = self.pieces.advance(flat, start, stop, self.rungs.measured_between(start, stop), ticks.tick)
        self.clock.spent(self.clock.now() - began, len(flat) * (stop - start))
        for (k, seed), group in variants.items():
            add_piece(self.logs[k], seed, [measured[variant] for variant in group])

    def _go_on(self, alive: list[Entry], stop: int, *, compares: bool) -> list[Entry]:
        reasons: dict[int, str] = {}
        if compares and stop in self.rungs.stops and stop < self.plan.num_epochs:
            cells = list(dict.fromkeys(k for k, _ in alive))
            check = Check(stop, self.plan.num_epochs, self.rungs.comparing.get(stop), self.plan.constant)
            reasons = find_stopped([log.until(stop) for log in self.logs], cells, check)
        for k, reason in reasons.items():
            self.logs[k].stopped_reason = reason
        return [(k, seed) for k, seed in alive if k not in reasons]


class _Ticks:
    """Tell how far a piece is."""

    def __init__(self, schedule: Schedule, num_entries: int, start: int, stop: int) -> None:
        self._schedule = schedule
        self._piece = stop - start
        self._detail = f"to epoch {stop} of {schedule.plan.num_epochs}"
        self._stage = f"sweep: {num_entries * schedule.plan.num_folds} networks"
        self._trained = 0

    def tick(self, num_variants: int) -> None:
        if self._schedule.on_progress is None:
            return
        self._trained += num_variants * self._piece
        fraction = min(1.0, (self._schedule.done + self._trained) / self._schedule.plan.full_cost)
        self._schedule.on_progress(Progress(stage=self._stage, fraction=fraction, detail=self._detail))
