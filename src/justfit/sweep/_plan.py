"""How much to train: sizes chosen from the table's size alone, so that one seed gives one result on every run.

A plan never looks at the clock. A time budget is held against a nominal speed (measured once, see `Cost`), so the
same command on the same table always trains the same networks; the clock only ends a sweep that is slower than that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from justfit.cures import Scheme
from justfit.sweep._grid import DROPOUTS
from justfit.sweep._layout import Layout
from justfit.sweep._problem import Activation, Recipe

DEFAULT_BUDGET_SECONDS = 120.0
# Share of the budget for the sweep; the rest is for reading, the probe, the refit and the report.
SWEEP_SHARE = 0.6
# Threads that the nominal time assumes; a constant, so that the number of cores never changes a plan.
NOMINAL_THREADS = 2
MIN_EPOCHS = 4
MAX_EPOCHS = 120


@dataclass(frozen=True, slots=True)
class Effort:
    """One rung of the ladder from thorough to quick."""

    num_folds: int
    num_seeds: int
    num_l2: int
    num_dropouts: int
    steps: int


# Thinned in the order that costs the decision least: first seeds, then steps, then folds, then the grid.
LADDER = (
    Effort(5, 2, 10, 4, 1_500),
    Effort(5, 1, 10, 4, 1_500),
    Effort(5, 1, 10, 4, 1_000),
    Effort(5, 1, 10, 3, 1_000),
    Effort(3, 1, 10, 3, 1_000),
    Effort(3, 1, 8, 3, 600),
    Effort(3, 1, 6, 3, 400),
    Effort(3, 1, 5, 2, 300),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the user fixed; None leaves it to the plan.

    Attributes:
        hidden: Hidden widths.
        activation: Hidden activation.
        epochs, batch_size, learning_rate: Of the recipe.
        num_folds, num_seeds: Of the grid.
        l2, dropout: A fixed value instead of a search.
        init: Initialization scheme.
        budget_seconds: Wall time to aim at; None means two minutes.
        num_threads: Chunks trained at the same time.
    """

    hidden: tuple[int, ...] | None = None
    activation: Activation = "relu"
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float = 5e-3
    num_folds: int | None = None
    num_seeds: int | None = None
    l2: float | None = None
    dropout: float | None = None
    init: Scheme = "he"
    budget_seconds: float | None = None
    num_threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be trained.

    Attributes:
        sweep_recipe, refit_recipe: They differ in epochs only, where the sweep runs on fewer rows.
        num_rows: Training rows.
        num_sweep_rows: How many of them the sweep uses.
        num_folds, num_seeds, num_l2: Of the grid.
        dropouts: Of the grid.
        num_refits: Seeds for the before/after comparison on the test part.
        init: Initialization scheme.
        nominal_seconds: Expected wall time of the sweep on the machine the cost was measured on.
    """

    sweep_recipe: Recipe
    refit_recipe: Recipe
    num_rows: int
    num_sweep_rows: int
    num_folds: int
    num_seeds: int
    num_l2: int
    dropouts: tuple[float, ...]
    num_refits: int
    init: Scheme
    nominal_seconds: float


def make_plan(num_rows: int, num_features: int, num_outputs: int, wishes: Wishes) -> Plan:
    """Choose sizes for a table of this size.

    Args:
        num_rows: Training rows.
        num_features: Columns of the encoded matrix.
        num_outputs: Classes, or 1.
        wishes: What the user fixed.

    Returns:
        The most thorough plan of the ladder whose nominal time fits into the budget.
    """
    hidden = wishes.hidden if wishes.hidden is not None else ((64, 64) if num_rows < 5_000 else (128, 128))
    batch_size = min(wishes.batch_size or _batch_size(num_rows), num_rows)
    budget = SWEEP_SHARE * (wishes.budget_seconds or DEFAULT_BUDGET_SECONDS)
    step_seconds = model_step_seconds(Layout(num_features, hidden, num_outputs), batch_size)
    for effort in LADDER:
        plan = _plan(effort, num_rows, hidden, batch_size, wishes)
        steps = plan.sweep_recipe.epochs * (plan.num_sweep_rows // batch_size)
        networks = plan.num_l2 * len(plan.dropouts) * plan.num_folds * plan.num_seeds
        seconds = networks * steps * step_seconds / NOMINAL_THREADS
        if seconds <= budget or effort is LADDER[-1]:
            break
    return replace(plan, nominal_seconds=seconds)


def model_step_seconds(layout: Layout, batch_size: int) -> float:
    """Nominal CPU seconds of one training step of one network: fixed cost plus arithmetic at 45 GFLOP/s.

    Set by hand from benchmarks/results/sweep_speed.md (64-128-128-10 and 30-32-32-2), not fitted; on the slow side, to
    leave room for evaluation in between.
    """
    arithmetic = 6.0 * batch_size * sum(fan_in * fan_out for fan_in, fan_out in layout.shapes)
    return 5e-6 + arithmetic / 45e9


def _plan(effort: Effort, num_rows: int, hidden: tuple[int, ...], batch_size: int, wishes: Wishes) -> Plan:
    sweep_rows = min(num_rows, max(2_000, effort.steps * batch_size // MIN_EPOCHS))

    def recipe(rows: int) -> Recipe:
        wanted = round(effort.steps * batch_size / rows)
        return Recipe(
            hidden=hidden,
            activation=wishes.activation,
            epochs=wishes.epochs or min(max(wanted, MIN_EPOCHS), MAX_EPOCHS),
            batch_size=batch_size,
            learning_rate=wishes.learning_rate,
        )

    dropouts = DROPOUTS if effort.num_dropouts == len(DROPOUTS) else (0.0, 0.3, 0.6)[: effort.num_dropouts]
    return Plan(
        sweep_recipe=recipe(sweep_rows),
        refit_recipe=recipe(num_rows),
        num_rows=num_rows,
        num_sweep_rows=sweep_rows,
        num_folds=wishes.num_folds or max(2, min(effort.num_folds, sweep_rows // 2)),
        num_seeds=wishes.num_seeds or effort.num_seeds,
        num_l2=effort.num_l2 if wishes.l2 is None else 1,
        dropouts=dropouts if wishes.dropout is None else (wishes.dropout,),
        num_refits=3 if num_rows < 200_000 else 1,
        init=wishes.init,
        nominal_seconds=0.0,
    )


def _batch_size(num_rows: int) -> int:
    """32 up to 2,000 rows, then doubling with the table up to 256."""
    for limit, size in ((2_000, 32), (8_000, 64), (30_000, 128)):
        if num_rows < limit:
            return size
    return 256
