"""Choose one cell of any grid, its best epoch included, and say how sure the choice is.

The rule is that of `_choice`: the cells within one paired standard error of the best form a ridge, the choice is the
ridge's cell nearest to the mean place of the best cell under resampling, and the corner is kept unless that cell beats
it by 1.645 paired standard errors. Here cells may lie anywhere in any number of dimensions, and may have different
seeds: contenders are given more.

Notation: C cells, S seeds, S_c seeds of a cell, n examples, D dimensions of a place, R resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from justfit.sweep._axes import Cell
from justfit.sweep._cell_table import Losses, SeedLosses
from justfit.sweep._choice import PRIOR_SEEDS, Array, CellChoice, median_share, pick


def choose_cell(losses: Sequence[SeedLosses], places: Array, corner: int = 0) -> CellChoice:
    """Choose a cell from the per-example validation losses of all cells.

    Cells are compared on the seeds that they share. Where one cell has fewer seeds than another, its missing ones are
    filled in by its own mean plus what those seeds added to the cells that have them; such a filled-in seed counts
    neither as an example nor as a seed in a standard error.

    Args:
        losses: For each cell, [n] losses by seed, at the cell's best epoch; all cells share at least one seed. NaN
            throughout where a network of the cell diverged.
        places: [C, D] where each cell lies, in grid steps.
        corner: The simplest cell, kept unless another is distinguishably better.

    Returns:
        The choice.

    Raises:
        DivergedError: No cell has finite losses.
    """
    return pick(
        filled(losses),
        lambda reference: paired_cells(losses, reference),
        places,
        corner=corner,
        loss_se=_errors([_stacked(cell, cell) for cell in losses]),
    )


def paired_cells(losses: Sequence[SeedLosses], reference: int) -> tuple[Array, Array]:
    """Mean difference of each cell to one of them on the seeds they share, and its standard error.

    Returns:
        Two arrays [C]; NaN for diverged cells.
    """
    other = losses[reference]
    pairs = [_stacked(cell, other) - _stacked(other, cell) for cell in losses]
    means = np.array([pair.mean(dtype=np.float64) for pair in pairs])
    return means, _errors(pairs)


def filled(losses: Sequence[SeedLosses]) -> Losses:
    """All cells with all seeds, [C, S, n]; a missing seed is the cell's mean plus what that seed adds to the others."""
    seeds = sorted(set().union(*losses))
    complete = [cell for cell in losses if len(cell) == len(seeds) and _is_finite(cell)]
    if not complete or all(len(cell) == len(seeds) for cell in losses):
        common = sorted(set(seeds).intersection(*losses))
        return np.stack([_stacked(cell, dict.fromkeys(common if not complete else seeds)) for cell in losses])
    reference = {seed: np.mean([cell[seed] for cell in complete], axis=0, dtype=np.float64) for seed in seeds}
    rows = []
    for cell in losses:
        own = np.mean(list(cell.values()), axis=0, dtype=np.float64)
        seen = np.mean([reference[seed] for seed in cell], axis=0)
        rows.append(np.stack([cell[s] if s in cell else own + (reference[s] - seen) for s in seeds]))
    return np.stack(rows).astype(np.float32)


def seed_variances(values: Sequence[Losses]) -> Array:
    """Variance between the seed means of each cell; `_choice.seed_variance` for cells of different numbers of seeds.

    Args:
        values: For each cell, [S_c, n] losses or differences.

    Returns:
        [C]; zeros where no cell has two seeds.
    """
    freedom = np.array([len(value) - 1 for value in values])
    own = np.array([value.mean(axis=1, dtype=np.float64).var(ddof=1) if len(value) > 1 else 0.0 for value in values])
    examples = np.array([value.mean(axis=0, dtype=np.float64).var(ddof=1) for value in values])
    varied = np.flatnonzero((examples > 0) & (freedom > 0))
    if not len(varied):
        return np.zeros(len(values))
    scale = median_share(freedom[varied])
    typical = np.median(own[varied] / examples[varied] / scale)
    return np.asarray((freedom * own + PRIOR_SEEDS * typical * examples) / (freedom + PRIOR_SEEDS))


def places_of(cells: Sequence[Cell]) -> Array:
    """Where cells lie, [C, D]: their grid places, and one dimension for each init so that any two are a step apart."""
    schemes = sorted({cell.setting.init or "" for cell in cells})
    rows = [
        [*cell.place, *(float(scheme == (cell.setting.init or "")) / np.sqrt(2) for scheme in schemes)]
        for cell in cells
    ]
    return np.array(rows)


def _errors(values: Sequence[Losses]) -> Array:
    """Standard error [C] of each mean over seeds and examples."""
    examples = np.array([v.mean(axis=0, dtype=np.float64).var(ddof=1) / v.shape[1] for v in values])
    return np.asarray(np.sqrt(examples + seed_variances(values) / np.array([len(value) for value in values])))


def _stacked(cell: SeedLosses, seeds: Mapping[int, object]) -> Losses:
    """[S, n] losses of the seeds that a cell shares with another."""
    return np.stack([cell[seed] for seed in sorted(cell) if seed in seeds])


def _is_finite(cell: SeedLosses) -> bool:
    return all(bool(np.isfinite(losses).all()) for losses in cell.values())


def seed_share(losses: Sequence[SeedLosses], reference: int) -> float:
    """Share of the squared standard error of a difference that more seeds would lower; the rest only more rows would.

    Args:
        losses: As in `choose_cell`.
        reference: The cell that the others are held against.

    Returns:
        Median over the other cells, in [0, 1]; 1 where no cell has two seeds, so that nothing is known of it.
    """
    other = losses[reference]
    pairs = [_stacked(cell, other) - _stacked(other, cell) for k, cell in enumerate(losses) if k != reference]
    if all(len(pair) < 2 for pair in pairs):
        return 1.0
    seeds = seed_variances(pairs) / np.array([len(pair) for pair in pairs])
    total = _errors(pairs) ** 2
    known = total > 0
    return float(np.median(seeds[known] / total[known])) if known.any() else 0.0
