"""A sweep from checked arguments to a result: first look, tier, grid, schedule, choice."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor

from justfit.cures import Scheme
from justfit.records import OnProgress, Progress
from justfit.sweep._axes import Axes
from justfit.sweep._cell_table import variants_of
from justfit.sweep._constant_loss import constant_loss, unit_of
from justfit.sweep._deciding import decide_among
from justfit.sweep._executor import Executor
from justfit.sweep._fingerprint import asked_of
from justfit.sweep._first_look import FirstLook, first_look
from justfit.sweep._grid import DROPOUTS, l2_values
from justfit.sweep._growth import coarse_cells
from justfit.sweep._largest_l2 import NUM_L2, largest_l2
from justfit.sweep._module_record import make_record
from justfit.sweep._pieces import HELD_BYTES, Pieces
from justfit.sweep._probe import TierChoice, choose_tier
from justfit.sweep._problem import NEVER_HELD_OUT
from justfit.sweep._refill import refill
from justfit.sweep._result import SweepResult
from justfit.sweep._schedule import Clock, Schedule, SchedulePlan
from justfit.sweep._store import Store
from justfit.sweep._sweep_folder import SweepFolder
from justfit.sweep._training import Setting, Tier, Training


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a sweep is asked to try; None is found out.

    Attributes:
        l2, dropout, learning_rate, init: Values of the axes.
        seeds: Of every cell.
        tier: The program that trains.
        refill: Whether freed epochs are spent again.
        budget_seconds: Wall time; decides nothing but the end.
    """

    l2: tuple[float, ...] | None
    dropout: tuple[float, ...] | None
    learning_rate: tuple[float | None, ...]
    init: tuple[Scheme | None, ...]
    seeds: tuple[int, ...]
    tier: Tier | None
    refill: bool
    budget_seconds: float | None


@dataclass(frozen=True, slots=True)
class Start:
    """What is found out before the sweep, and kept with it."""

    tier: Tier
    tier_reason: str
    l2: tuple[float, ...]
    dropout: tuple[float | None, ...]
    unreached: tuple[str, ...]


def run_sweep(
    training: Training,
    asked: Asked,
    executor: Executor,
    *,
    began: float,
    out: str | Path | None,
    on_progress: OnProgress | None,
) -> SweepResult:
    """Run a sweep.

    Args:
        training: What is trained.
        asked: Which settings.
        executor: Who trains; open.
        began: `time.monotonic()` from which the budget counts.
        out: Folder to keep it in.
        on_progress: Told how far it is.

    Returns:
        The result.

    Raises:
        ArgumentError: Network, loss and data do not fit together.
        DivergedError: Every cell ended in NaN or infinity.
        OutputError: `out` holds something else, is in use, or cannot be written.
        VariantError: The user's code failed.
        KeyboardInterrupt: Ctrl-C before anything was measured.
    """
    look = first_look(training, asked.seeds[0])
    with ExitStack() as stack:
        folder = None
        if out is not None:
            folder = stack.enter_context(SweepFolder(Path(out), _asked_in_folder(training, asked)))
        start = _start(training, asked, look, folder, on_progress)
        plan = _plan(training, asked, start)
        clock = Clock(math.inf if asked.budget_seconds is None else began + asked.budget_seconds)
        store = _store(folder, plan, look, stack)
        pieces = Pieces(training, executor, start.tier, variant_bytes=look.variant_bytes, store=store)
        schedule = Schedule(plan, pieces, clock, on_progress)
        schedule.run(refill if asked.refill else None)
        decided = decide_among(schedule.logs)
        record = make_record(
            schedule,
            decided,
            module=look.name,
            tier=start.tier,
            tier_reason=start.tier_reason,
            unit=unit_of(training.loss_fn),
            notes=_notes(schedule, look, start),
        )
        if on_progress is not None:
            on_progress(Progress(stage=f"sweep: {record.num_variants} networks", fraction=1.0, detail="done"))
        if folder is not None and store is not None:
            folder.finish(record, store)
    settings = tuple(schedule.logs[k].cell.setting for k in decided.members)
    return SweepResult(record, settings, training, seed=asked.seeds[0], has_folds=_has_folds(training))


def _store(folder: SweepFolder | None, plan: SchedulePlan, look: FirstLook, stack: ExitStack) -> Store | None:
    """The folder's, or one for the time being where the networks would not fit into memory; else none."""
    if folder is not None:
        return folder.store()
    if plan.num_variants * look.variant_bytes <= HELD_BYTES:
        return None
    return Store(Path(stack.enter_context(TemporaryDirectory(prefix="justfit-sweep-"))))


def _start(
    training: Training, asked: Asked, look: FirstLook, folder: SweepFolder | None, on_progress: OnProgress | None
) -> Start:
    """Take what an earlier call found out, or find it out: a probe of speed need not come out the same twice."""
    if folder is not None and folder.start is not None:
        kept = folder.start
        return Start(
            kept["tier"], kept["tier_reason"], tuple(kept["l2"]), tuple(kept["dropout"]), tuple(kept["unreached"])
        )
    dropout: tuple[float | None, ...] = asked.dropout or (DROPOUTS if look.has_dropout else (None,))
    tier = _tier(training, asked, dropout)
    l2 = asked.l2
    if l2 is None:
        if on_progress is not None:
            on_progress(Progress(stage="looking for the largest useful l2", fraction=0.0))
        first = Setting(dropout=dropout[0], learning_rate=asked.learning_rate[0], init=asked.init[0])
        l2 = l2_values(largest_l2(training, tier.tier, setting=first, seed=asked.seeds[0]), NUM_L2)
    start = Start(tier.tier, tier.reason, l2, dropout, tier.unreached_dropouts)
    if folder is not None:
        folder.begin(asdict(start))
    return start


def _tier(training: Training, asked: Asked, dropout: tuple[float | None, ...]) -> TierChoice:
    """Have the tier chosen by the networks that the first wave will train; of λ it matters only that there is some."""
    l2 = l2_values(1.0, NUM_L2) if asked.l2 is None else asked.l2
    cells = Axes(l2, dropout, asked.learning_rate, asked.init).cells()
    variants = [
        variant
        for k in coarse_cells(cells)
        for seed in asked.seeds
        for variant in variants_of(cells[k], seed, _num_folds(training))
    ]
    return choose_tier(training, variants, wanted=asked.tier)


def _num_folds(training: Training) -> int:
    return int(training.examples.fold_of_rows.max()) + 1


def _plan(training: Training, asked: Asked, start: Start) -> SchedulePlan:
    axes = Axes(start.l2, start.dropout, asked.learning_rate, asked.init)
    return SchedulePlan(
        cells=tuple(axes.cells()),
        seeds=asked.seeds,
        num_folds=_num_folds(training),
        num_epochs=training.epochs,
        constant=constant_loss(training.loss_fn, training.examples.targets),
        stops_often=asked.budget_seconds is not None,
    )


def _asked_in_folder(training: Training, asked: Asked) -> dict[str, Any]:
    values = asdict(asked)
    del values["budget_seconds"]  # whoever gave it too little may go on with more
    return asked_of(training, values)


def _notes(schedule: Schedule, look: FirstLook, start: Start) -> tuple[str, ...]:
    notes = []
    if schedule.plan.constant is None:
        notes.append(
            "The best constant prediction of this loss is not known: no cell was stopped for learning nothing."
        )
    if max(len(log.seeds) for log in schedule.logs) == 1:
        notes.append("With one seed it is not known what a seed adds: standard errors and confidence leave it out.")
    if not look.has_dropout:
        asked = any(cell.setting.dropout is not None for cell in schedule.plan.cells)
        notes.append(
            "The network has no dropout that could be set: dropout was asked for, and changes nothing."
            if asked
            else "The network has no dropout that could be set: it was swept over l2 alone."
        )
    if start.unreached:
        names = ", ".join(name or "the network itself" for name in start.unreached)
        notes.append(f"Masks or noise of these parts are their own, and were not swept: {names}.")
    return tuple(notes)


def _has_folds(training: Training) -> bool:
    """Whether rows are judged by cross-validation, and not on a validation set of their own."""
    rows: Tensor = training.examples.fold_of_rows
    return not bool((rows == NEVER_HELD_OUT).any())
