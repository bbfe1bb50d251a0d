"""From data to a decision: the sweep, the choice with its uncertainty, and the verdict on the network without cures."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from justfit.cures import Scheme
from justfit.records import Curve, FitVerdict, OnProgress, Progress, SweepRecord
from justfit.rules import FitEvidence, judge_fit, without_verdict
from justfit.sweep._choice import Choice, choose, seed_variance
from justfit.sweep._explore import explore
from justfit.sweep._grid import Grid, constant_losses, find_largest_l2, l2_values
from justfit.sweep._path import path_at
from justfit.sweep._plan import Plan
from justfit.sweep._problem import NO_FOLD, Problem, Recipe, Variant
from justfit.sweep._program import Program
from justfit.sweep._reference import REFERENCE_NAME, boosting_losses
from justfit.sweep._search import Search, SearchResult
from justfit.sweep._two_features import TwoFeatures

RULE = (
    "Of the cells within one paired standard error of the smallest cross-validated loss, take the one nearest to the "
    "average place of the best cell under resampling; keep l2 = 0 and dropout = 0 unless that cell beats them by 1.645 "
    "paired standard errors."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the sweep decided.

    Attributes:
        record: The grid, the choice and its uncertainty.
        verdict: On the cell without l2 and dropout (or with the values the user fixed).
        interrupted: "" or why the sweep ended early.
    """

    record: SweepRecord
    verdict: FitVerdict
    interrupted: str


def decide(
    problem: Problem,
    plan: Plan,
    *,
    fixed_l2: float | None,
    seed: int,
    unit: str,
    num_threads: int,
    deadline: float,
    features: TwoFeatures | None = None,
    on_progress: OnProgress | None = None,
) -> Decision:
    """Sweep l2 × dropout, choose, and judge the network without regularization.

    Args:
        problem: Data and folds.
        plan: Sizes.
        fixed_l2: The only λ, or None to search.
        seed: First seed.
        unit: Unit of the losses.
        num_threads: Chunks trained at the same time.
        deadline: `time.monotonic()` after which no further epoch is started.
        features: What two inputs mean in the table; None: no decision surfaces.
        on_progress: Told how far the sweep is.

    Returns:
        The decision.

    Raises:
        DivergedError: Every variant ended in NaN or infinity.
        KeyboardInterrupt: Ctrl-C before anything could be decided.
    """
    _tell(on_progress, "looking for the largest useful l2")
    values = (fixed_l2,) if fixed_l2 is not None else _searched_values(problem, plan, seed)
    grid = Grid(values, plan.dropouts, plan.num_folds, plan.num_seeds, plan.init)
    search = Search(problem, plan.sweep_recipe, grid, seed=seed, num_threads=num_threads)
    result = search.run(on_progress, lambda: time.monotonic() > deadline)
    choice = choose(result.validation_losses)
    _tell(on_progress, "finishing with the best so far" if result.interrupted else "judging")
    reference = None
    try:
        reference = None if result.interrupted else boosting_losses(problem, seed)
    except KeyboardInterrupt:  # a finished sweep is too much to lose for a reference
        result.interrupted = "interrupted while judging"
    verdict = judge_fit(_evidence(search, result, choice, reference=reference, num_rows=plan.num_rows, unit=unit))
    if not (np.isfinite(choice.loss[0, 0]) and np.isfinite(result.train_sample_losses).all()):
        verdict = without_verdict(verdict)
    record = _record(result, choice, search.program, unit)
    try:
        explored = explore(search.program, _thinned_at(record), features)
        record = replace(record, explored=explored, path=path_at(explored, record.chosen_dropout))
    except KeyboardInterrupt:  # nor for its pictures
        result.interrupted = result.interrupted or "interrupted while judging"
    return Decision(record=record, verdict=verdict, interrupted=result.interrupted)


def refit(
    problem: Problem,
    recipe: Recipe,
    cells: list[tuple[float, float]],
    *,
    seeds: list[int],
    init: Scheme,
    num_threads: int,
    deadline: float,
    on_progress: OnProgress | None = None,
) -> tuple[Program, str]:
    """Train the given (l2, dropout) cells on all rows.

    Args:
        problem: The data; folds are ignored.
        recipe: How each network is trained.
        cells: (l2, dropout) pairs.
        seeds: Seeds of each cell.
        init: Initialization scheme.
        num_threads: Chunks trained at the same time.
        deadline: `time.monotonic()` after which no further epoch is started.
        on_progress: Told after each epoch.

    Returns:
        The program, its variants ordered [cells][seeds], and "" or why it ended early.

    Raises:
        KeyboardInterrupt: Ctrl-C before the first epoch was finished.
    """
    variants = [
        Variant(l2=l2, dropout=dropout, fold=NO_FOLD, seed=seed, init=init) for l2, dropout in cells for seed in seeds
    ]
    program = Program(problem, recipe, variants, num_threads=num_threads)
    try:
        while program.epoch < recipe.epochs:
            program.advance(1)
            _tell(on_progress, "refit on all training rows", program.epoch / recipe.epochs)
            if program.epoch < recipe.epochs and time.monotonic() > deadline:
                return program, f"the time budget ended after epoch {program.epoch} of {recipe.epochs} of the refit"
    except KeyboardInterrupt:
        if program.epoch == 0:
            raise
        return program, f"interrupted after epoch {program.epoch} of {recipe.epochs} of the refit"
    return program, ""


def _searched_values(problem: Problem, plan: Plan, seed: int) -> tuple[float, ...]:
    return l2_values(find_largest_l2(problem, plan.sweep_recipe, seed=seed, init=plan.init), plan.num_l2)


def _evidence(
    search: Search,
    result: SearchResult,
    choice: Choice,
    *,
    reference: NDArray[np.float64] | None,
    num_rows: int,
    unit: str,
) -> FitEvidence:
    problem = search.problem
    losses = result.validation_losses
    network = losses[0, 0].mean(axis=0, dtype=np.float64)
    best = cross_fitted_best(losses)
    train = result.train_sample_losses.mean(axis=0)
    finite = bool(np.isfinite(network).all() and np.isfinite(train).all())
    constant = constant_losses(problem).numpy() * problem.loss_scale
    if problem.weights is not None:
        constant = constant * problem.weights.double().numpy()
    cells = losses.reshape(-1, *losses.shape[2:])
    # the reference was judged on fold 0, so it must beat the best network there
    best_is_reference = reference is None or reference.mean() > _fold_mean(best, problem, 0)
    return FitEvidence(
        train_losses=train if finite else constant,
        validation_losses=network if finite else constant,
        best_losses=best,
        constant_losses=constant,
        reference_losses=None if best_is_reference else reference,
        reference_name="the best network of the sweep" if best_is_reference else REFERENCE_NAME,
        num_parameters=search.program.layout.num_parameters,
        num_examples=num_rows,
        num_variants=len(search.program.variants),
        num_diverged=result.num_diverged,
        seed_variance_ratio=_ratio(cells),
        excess_seed_variance_ratio=_ratio(cells - cells[_flat(choice.best, losses)]),
        trained_fraction=result.epochs[-1] / search.recipe.epochs,
        unit=unit,
    )


def cross_fitted_best(losses: NDArray[np.float32]) -> NDArray[np.float64]:
    """Losses of "the best cell" without the luck of being picked: chosen on one half of the rows, read on the other.

    The smallest of 40 means is too small by its own selection; held against it, a network that no cell truly beats
    would be called overfitted (tests/unit/sweep/test_decide.py has the simulation).

    Args:
        losses: [L, P, S, n] per-example losses; NaN where a variant diverged.

    Returns:
        [n] losses, averaged over seeds.
    """
    cells = losses.reshape(-1, *losses.shape[2:]).mean(axis=1, dtype=np.float64)
    cells[~np.isfinite(cells).all(axis=1)] = np.nan  # in both halves: a fold of few rows may lie in one of them
    half = np.zeros(cells.shape[1], dtype=bool)
    half[np.random.default_rng(0).permutation(len(half))[: len(half) // 2]] = True
    best = np.empty(len(half))
    for part in (half, ~half):
        best[part] = cells[np.nanargmin(cells[:, ~part].mean(axis=1))][part]
    return best


def _fold_mean(losses: NDArray[np.float64], problem: Problem, fold: int) -> float:
    """Mean loss on a fold; `losses` already carry the example weights."""
    rows = problem.validation_rows(fold)
    weight = 1.0 if problem.weights is None else float(problem.weights[rows].mean())
    return float(losses[rows.numpy()].mean()) / weight


def _ratio(values: NDArray[np.float32]) -> float:
    """Seed variance of the first cell's mean, over the seeds, as a multiple of its example variance."""
    examples = values[0].mean(axis=0, dtype=np.float64).var(ddof=1)
    return float(seed_variance(values)[0] / values.shape[1] / examples) if examples > 0 else 0.0


def _flat(cell: tuple[int, int], losses: NDArray[np.float32]) -> int:
    return int(cell[0] * losses.shape[1] + cell[1])


def _record(result: SearchResult, choice: Choice, program: Program, unit: str) -> SweepRecord:
    grid = result.grid
    rows, columns = np.nonzero(choice.ridge)
    return SweepRecord(
        l2=grid.l2,
        dropout=grid.dropout,
        validation_loss=_grid(choice.loss),
        validation_loss_se=_grid(choice.loss_se),
        train_loss=_grid(result.train_loss[-1]),
        difference=_grid(choice.difference),
        difference_se=_grid(choice.difference_se),
        ridge=tuple(tuple(bool(value) for value in row) for row in choice.ridge),
        bootstrap_share=_grid(choice.bootstrap_share),
        best=choice.best,
        chosen=choice.chosen,
        confidence=choice.confidence,
        helps=choice.helps,
        improvement=choice.improvement,
        improvement_se=choice.improvement_se,
        l2_interval=(grid.l2[rows.min()], grid.l2[rows.max()]),
        dropout_interval=(grid.dropout[columns.min()], grid.dropout[columns.max()]),
        num_folds=grid.num_folds,
        num_seeds=grid.num_seeds,
        num_epochs=result.epochs[-1],
        num_examples=len(program.problem.targets),
        num_variants=len(program.variants),
        num_diverged=result.num_diverged,
        curves=_curves(result, choice),
        path=(),
        rule=RULE,
        unit=unit,
    )


def _thinned_at(record: SweepRecord) -> float:
    """The dropout whose mask is shown: the chosen one, or else the middle one of those tried; 0 if none was."""
    tried = [dropout for dropout in record.dropout if dropout > 0]
    return record.chosen_dropout or (tried[(len(tried) - 1) // 2] if tried else 0.0)


def _curves(result: SearchResult, choice: Choice) -> tuple[Curve, ...]:
    """Curves of all cells; those of the corners (no cure, chosen, best, largest l2) stand first."""
    column = choice.chosen[1]
    corners = [(0, 0), choice.chosen, choice.best, (0, column), (len(result.grid.l2) - 1, column)]
    cells = dict.fromkeys([*corners, *np.ndindex(len(result.grid.l2), len(result.grid.dropout))])
    return tuple(
        Curve(
            l2=result.grid.l2[i],
            dropout=result.grid.dropout[j],
            epochs=tuple(result.epochs),
            train_loss=tuple(float(values[i, j]) for values in result.train_loss),
            train_loss_se=tuple(float(values[i, j]) for values in result.train_loss_se),
            validation_loss=tuple(float(values[i, j]) for values in result.validation_loss),
            validation_loss_se=tuple(float(values[i, j]) for values in result.validation_loss_se),
        )
        for i, j in cells
    )


def _grid(values: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in values)


def _tell(on_progress: OnProgress | None, stage: str, fraction: float = 0.0) -> None:
    if on_progress is not None:
        on_progress(Progress(stage=stage, fraction=fraction))
