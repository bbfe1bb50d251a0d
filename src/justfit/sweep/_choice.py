"""Choose one cell from paired per-example losses, and say how sure the choice is.

Notation: C cells (flattened [l2][dropout]), n examples, S seeds, R bootstrap resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from justfit.errors import DivergedError

Array = NDArray[np.float64]
NUM_RESAMPLES = 1_000
# Examples are pooled into at most this many groups before resampling; the variance of a mean stays the same.
MAX_GROUPS = 2_000
# Standard errors by which regularization must beat none before it is used: a one-sided 95 % level.
HELPS_ERRORS = 1.645
# Weight of the typical seed variance against a cell's own, in degrees of freedom.
PRIOR_SEEDS = 4


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice and its uncertainty; grids are [L, P].

    Attributes:
        loss, loss_se: Mean loss over examples and seeds, and its standard error.
        difference, difference_se: Loss − loss of the best cell, paired by example.
        ridge: Cells within one paired standard error of the best.
        bootstrap_share: How often a cell is the best under resampling of examples and seeds.
        best, chosen: Cells.
        confidence: Share of resamples in which the chosen cell is within one paired standard error of their best.
        helps: The chosen cell is not (0, 0): it beats it by `HELPS_ERRORS` paired standard errors.
        improvement, improvement_se: loss(0, 0) − loss(the ridge's candidate), paired; also where it does not help.
    """

    loss: Array
    loss_se: Array
    difference: Array
    difference_se: Array
    ridge: NDArray[np.bool_]
    bootstrap_share: Array
    best: tuple[int, int]
    chosen: tuple[int, int]
    confidence: float
    helps: bool
    improvement: float
    improvement_se: float


def choose(losses: NDArray[np.float32]) -> Choice:
    r"""Choose a cell from the per-example validation losses of all cells.

    Every cell saw the same examples, folds, batches and masks, so cells are compared by their difference per example,
    :math:`d_i`, with

    .. math:: \mathrm{SE}^2(\bar d) = \frac{s_d^2}{n} + \frac{s_{seed}^2}{S}

    where :math:`s_d^2` is the variance over examples and :math:`s_{seed}^2` that between seeds (`seed_variance`). The
    ridge holds the cells within one SE of the best. The choice is the ridge's cell nearest, in grid steps, to the mean
    place of the best cell under resampling: bagging the argmin keeps the choice from jumping along a flat ridge. It is
    used only if it beats no regularization by 1.645 SE.

    Args:
        losses: [L, P, S, n] per-example validation losses, l2 and dropout ascending; NaN where a variant diverged.

    Returns:
        The choice.

    Raises:
        DivergedError: No cell has finite losses.

    References:
        Breiman et al. 1984, "Classification and regression trees", §3.4.3 (one standard error);
        Breiman 1996, "Bagging predictors"; Bayle et al. 2020 (cross-validation SE over examples).
    """
    num_dropouts = losses.shape[1]
    cells = losses.reshape(-1, *losses.shape[2:])
    places = np.stack(np.divmod(np.arange(len(cells)), num_dropouts), axis=1).astype(np.float64)
    picked = pick(cells, lambda reference: paired(cells, reference), places, corner=0, loss_se=_error(cells))
    shape = losses.shape[:2]
    return Choice(
        loss=picked.loss.reshape(shape),
        loss_se=picked.loss_se.reshape(shape),
        difference=picked.difference.reshape(shape),
        difference_se=picked.difference_se.reshape(shape),
        ridge=picked.ridge.reshape(shape),
        bootstrap_share=picked.bootstrap_share.reshape(shape),
        best=divmod(picked.best, num_dropouts),
        chosen=divmod(picked.chosen, num_dropouts),
        confidence=picked.confidence,
        helps=picked.chosen != 0,
        improvement=picked.improvement,
        improvement_se=picked.improvement_se,
    )


@dataclass(frozen=True, slots=True)
class CellChoice:
    """A choice and its uncertainty; all arrays are [C].

    Attributes:
        loss, loss_se: Mean loss over examples and seeds, and its standard error.
        difference, difference_se: Loss − loss of the best cell, paired by example (and seed).
        ridge: Cells within one paired standard error of the best.
        bootstrap_share: How often a cell is the best under resampling of examples and seeds.
        best, chosen: Cells.
        confidence: Share of resamples in which the chosen cell is within one paired standard error of their best.
        improvement, improvement_se: loss(corner) − loss(the ridge's candidate), paired; also where it does not help.
    """

    loss: Array
    loss_se: Array
    difference: Array
    difference_se: Array
    ridge: NDArray[np.bool_]
    bootstrap_share: Array
    best: int
    chosen: int
    confidence: float
    improvement: float
    improvement_se: float


def pick(
    cells: NDArray[np.float32],
    compare: Callable[[int], tuple[Array, Array]],
    places: Array,
    *,
    corner: int,
    loss_se: Array,
) -> CellChoice:
    """Choose a cell; `choose` says how.

    Args:
        cells: [C, S, n] per-example losses; NaN where a variant diverged.
        compare: Gives each cell's mean difference to a cell, and its standard error.
        places: [C, D] where each cell lies, in grid steps.
        corner: The cell that is kept unless another beats it.
        loss_se: [C] standard error of each cell's mean loss.

    Raises:
        DivergedError: No cell has finite losses.
    """
    mean = cells.mean(axis=(1, 2), dtype=np.float64)
    if not np.isfinite(mean).any():
        raise DivergedError(
            "At least one network of the sweep must end with finite losses.",
            found="NaN or infinity in every cell",
            way_out="Use a smaller learning rate, or scale the inputs.",
        )
    best = int(np.nanargmin(mean))
    difference, error = compare(best)
    ridge = difference <= error
    ridge[best] = True
    resampled = resampled_means(cells)
    share = np.bincount(np.nanargmin(resampled, axis=1), minlength=len(mean)) / len(resampled)
    members = np.flatnonzero(ridge)
    # the member nearest, in grid steps, to the mean place of the bootstrap's best cells
    candidate = int(members[np.argmin(((places[members] - share @ places) ** 2).sum(axis=1))])
    gain, gain_error = compare(candidate)
    beats_corner = not np.isfinite(mean[corner]) or gain[corner] > HELPS_ERRORS * gain_error[corner]
    chosen = candidate if beats_corner else corner
    tolerance = max(float(error[chosen]), float(np.nanmedian(error[ridge])))
    close = resampled[:, chosen] - np.nanmin(resampled, axis=1) <= tolerance
    return CellChoice(
        loss=mean,
        loss_se=loss_se,
        difference=difference,
        difference_se=error,
        ridge=ridge,
        bootstrap_share=share,
        best=best,
        chosen=chosen,
        confidence=float(close.mean()),
        improvement=float(gain[corner]),
        improvement_se=float(gain_error[corner]),
    )


def paired(cells: NDArray[np.float32], reference: int) -> tuple[Array, Array]:
    """Mean difference to a reference cell, and its standard error.

    Args:
        cells: [C, S, n] per-example losses.
        reference: The cell to subtract.

    Returns:
        Two arrays [C]; NaN for diverged cells.
    """
    differences = cells - cells[reference]
    return differences.mean(axis=(1, 2), dtype=np.float64), _error(differences)


def seed_variance(values: NDArray[np.float32]) -> Array:
    """Variance between the seed means of each cell, estimated together for all cells.

    Two seeds say little about one cell, so a cell's own estimate is drawn towards what the other cells show: the
    median ratio of seed variance to example variance (over the median of a χ² with S − 1 degrees of freedom, so that
    it estimates the mean), times the cell's example variance, with the weight of `PRIOR_SEEDS` seeds.

    Args:
        values: [C, S, n] losses or differences.

    Returns:
        [C]; zeros for one seed.
    """
    num_seeds = values.shape[1]
    if num_seeds < 2:
        return np.zeros(len(values))
    freedom = num_seeds - 1
    own = values.mean(axis=2, dtype=np.float64).var(axis=1, ddof=1)
    examples = values.mean(axis=1, dtype=np.float64).var(axis=1, ddof=1)
    varied = np.flatnonzero(examples > 0)
    typical = np.median(own[varied] / examples[varied]) if len(varied) else 0.0
    pooled = typical / median_share(freedom) * examples
    return np.asarray((freedom * own + PRIOR_SEEDS * pooled) / (freedom + PRIOR_SEEDS))


def median_share(freedom: Any) -> Any:
    """Median of a χ² over its mean, by degrees of freedom; `scipy.stats` would take over a second to load."""
    return 2 * gammaincinv(np.asarray(freedom) / 2, 0.5) / freedom


def _error(values: NDArray[np.float32]) -> Array:
    """Standard error [C] of the mean over seeds and examples."""
    _, num_seeds, num_examples = values.shape
    variance = values.mean(axis=1, dtype=np.float64).var(axis=1, ddof=1)
    return np.asarray(np.sqrt(variance / num_examples + seed_variance(values) / num_seeds))


def resampled_means(cells: NDArray[np.float32]) -> Array:
    """[R, C] means under resampling of examples (pooled into at most MAX_GROUPS groups) and seeds."""
    num_cells, num_seeds, num_examples = cells.shape
    draws = _draws(num_examples, num_seeds)
    if len(draws.groups) == num_examples:
        pooled = cells[..., np.concatenate(draws.groups)].astype(np.float64)
    else:
        pooled = np.stack([cells[..., group].sum(axis=-1, dtype=np.float64) for group in draws.groups], axis=-1)
    diverged = ~np.isfinite(pooled).all(axis=(1, 2))
    pooled[diverged] = np.nan  # in every seed: a draw of its finite seeds alone must not make the cell the best
    by_seed = np.stack([(draws.weights @ pooled[:, seed].T) / draws.totals for seed in range(num_seeds)])
    rows = np.arange(NUM_RESAMPLES)
    drawn = [by_seed[draws.seeds[:, k], rows] for k in range(num_seeds)]
    return np.asarray(np.mean(drawn, axis=0)).reshape(-1, num_cells)


class _Draws(NamedTuple):
    """What is drawn in every resample: the same whatever the losses.

    Attributes:
        groups: The examples of each group.
        weights: [R, groups] how often a group is drawn.
        totals: [R, 1] examples in all of them; groups differ by one where they do not go out even.
        seeds: [R, S] the seeds that are drawn.
    """

    groups: list[NDArray[np.intp]]
    weights: Array
    totals: NDArray[np.intp]
    seeds: NDArray[np.intp]


@lru_cache(maxsize=2)  # drawing takes longer than using it, and a sweep chooses after every wave
def _draws(num_examples: int, num_seeds: int) -> _Draws:
    generator = np.random.default_rng(0)
    groups = np.array_split(generator.permutation(num_examples), min(num_examples, MAX_GROUPS))
    weights = generator.multinomial(len(groups), np.full(len(groups), 1 / len(groups)), size=NUM_RESAMPLES)
    totals = weights @ np.array([[len(group)] for group in groups])
    seeds = generator.integers(num_seeds, size=(NUM_RESAMPLES, num_seeds))
    return _Draws(groups, weights.astype(np.float64), totals, seeds)
