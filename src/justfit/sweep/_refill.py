"""What the epochs that stopped cells have freed are used for: never more than the whole grid would have taken.

First *racing*: every cell that cannot be told from the best, and the corner, get one more seed, again and again, until
they can be told apart, or until more seeds no longer help since what is left is the noise of the rows. Then
*refinement*: λ halfway, on the log scale, between neighbours on the ridge.
"""

from __future__ import annotations

import math

from justfit.errors import DivergedError
from justfit.sweep._axes import are_next, between
from justfit.sweep._cell_choice import seed_share
from justfit.sweep._cell_table import CellLog
from justfit.sweep._choice import HELPS_ERRORS
from justfit.sweep._deciding import Decided, decide_among
from justfit.sweep._schedule import Entry, Schedule

# More seeds than this tell little more about one cell.
MAX_SEEDS = 8
# While seeds make up at least this share of the squared standard error of a difference, more of them lower it.
SEEDS_MATTER = 0.5


def refill(schedule: Schedule) -> None:
    """Use what is left of the cost of the whole grid; stop where the schedule is interrupted."""
    try:
        while entries := next_seed(schedule):
            if not schedule.run_more(entries):
                return
        refine(schedule)
    except DivergedError:
        return


def next_seed(schedule: Schedule) -> list[Entry]:
    """The next round of the race: one new seed for every contender; empty where the race is over.

    With one seed nothing is known of what a seed adds, so the first round is run however sure the rows alone would be,
    and the best cell's neighbours take part in it.
    """
    decided = decide_among(schedule.logs)
    seeds = {seed for log in schedule.logs for seed in log.seeds}
    contenders = {0, *decided.ridge}
    if len(seeds) == 1:
        best = schedule.logs[decided.members[decided.choice.best]].cell
        contenders |= {k for k in decided.members if are_next(schedule.logs[k].cell, best)}
    entries = [(k, max(seeds) + 1) for k in sorted(contenders) if _is_finite(decided, k)]
    over = (
        (len(seeds) > 1 and _is_decided(decided))
        or len(seeds) >= MAX_SEEDS
        or seed_share(decided.losses, decided.choice.best) < SEEDS_MATTER
        or cost_of(schedule, entries) > _left(schedule)
    )
    return [] if over else entries


def refine(schedule: Schedule) -> None:
    """Train λ between neighbours on the ridge, and on both sides of the best cell, with all of its seeds."""
    decided = decide_among(schedule.logs)
    best = decided.members[decided.choice.best]
    seeds = sorted(schedule.logs[best].seeds)
    num_before = len(schedule.logs)
    entries: list[Entry] = []
    for first in decided.ridge:
        for second in range(num_before):
            if second not in decided.ridge and first != best:
                continue
            cell = between(schedule.logs[first].cell, schedule.logs[second].cell)
            adjacent = abs(schedule.logs[first].cell.place[0] - schedule.logs[second].cell.place[0]) == 1
            if cell is None or not adjacent or any(log.cell == cell for log in schedule.logs):
                continue
            more = [(len(schedule.logs), seed) for seed in seeds]
            cost = len(entries + more) * schedule.plan.num_folds * schedule.plan.num_epochs
            if cost <= _left(schedule):
                schedule.logs.append(CellLog(cell))
                entries += more
    if entries and not schedule.run_more(entries):
        del schedule.logs[num_before:]


def cost_of(schedule: Schedule, entries: list[Entry]) -> int:
    """Epochs of single networks that these entries take."""
    return sum(schedule.plan.num_folds * schedule.last_epoch(k) for k, _ in entries)


def _is_finite(decided: Decided, k: int) -> bool:
    return math.isfinite(decided.choice.loss[decided.members.index(k)])


def _left(schedule: Schedule) -> int:
    return schedule.plan.full_cost - schedule.done


def _is_decided(decided: Decided) -> bool:
    """Whether the best cell stands alone, and is the corner or distinguishably better than it."""
    choice = decided.choice
    alone = int(choice.ridge.sum()) == 1
    return alone and (choice.best == 0 or choice.improvement > HELPS_ERRORS * choice.improvement_se)
