"""Choice among cells that may lie anywhere and have different seeds."""

import numpy as np
import pytest
from scipy import stats

from justfit.errors import DivergedError
from justfit.sweep import choose
from justfit.sweep._axes import Axes
from justfit.sweep._cell_choice import choose_cell, filled, paired_cells, places_of, seed_share, seed_variances
from justfit.sweep._choice import median_share, paired, seed_variance


def draw(seed, shape, *, sd_seed=0.1, sd_own=0.5):
    """[C, S, n] losses of equally good cells: what rows add, what seeds add to a cell, and the rest."""
    generator = np.random.default_rng(seed)
    cells, seeds, examples = shape
    rows = generator.normal(size=(1, 1, examples))
    own = generator.normal(size=(cells, 1, examples)) * sd_own
    per_seed = generator.normal(size=(cells, seeds, 1)) * sd_seed
    rest = generator.normal(size=shape) * sd_own
    return (rows + own + per_seed + rest).astype(np.float32)


def by_seed(cells):
    return [dict(enumerate(cell)) for cell in cells]


def grid_places(shape):
    return np.array([(i, j) for i in range(shape[0]) for j in range(shape[1])], dtype=float)


@pytest.mark.parametrize("num_seeds", [1, 2, 3])
@pytest.mark.parametrize("slope", [0.0, 0.05])
def test_on_a_whole_grid_it_is_the_choice_of_justfit_fit(num_seeds, slope):
    """The naive twin: `choose`, on the same losses."""
    losses = draw(3, (12, num_seeds, 120)) + slope * np.abs(np.arange(12) - 5)[:, None, None].astype(np.float32)
    twin = choose(losses.reshape(4, 3, num_seeds, 120))
    choice = choose_cell(by_seed(losses), grid_places((4, 3)))
    for name in ("loss", "loss_se", "difference", "difference_se", "bootstrap_share"):
        np.testing.assert_allclose(getattr(choice, name), getattr(twin, name).ravel(), rtol=1e-6, atol=1e-9)
    assert (choice.ridge == twin.ridge.ravel()).all()
    assert divmod(choice.best, 3) == twin.best
    assert divmod(choice.chosen, 3) == twin.chosen
    assert choice.confidence == twin.confidence
    assert choice.improvement == pytest.approx(twin.improvement)
    assert choice.improvement_se == pytest.approx(twin.improvement_se)


@pytest.mark.parametrize("num_seeds", [1, 2, 4])
def test_statistics_equal_those_of_equal_seeds(num_seeds):
    cells = draw(0, (7, num_seeds, 60))
    np.testing.assert_allclose(seed_variances(list(cells)), seed_variance(cells), rtol=1e-6)
    for mine, other in zip(paired_cells(by_seed(cells), 2), paired(cells, 2), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-9)


def test_what_a_seed_adds_to_every_cell_does_not_count():
    """Extra seeds of the contenders alone are bad luck for both: their means rise, their ranks must not change."""
    cells = by_seed(draw(1, (4, 1, 200), sd_own=0.02, sd_seed=0.0))
    for k, shift in enumerate((0.3, 0.0, 0.01, 0.4)):
        cells[k][0] = cells[k][0] + shift
    for seed in (1, 2):
        for k in (1, 2):
            cells[k][seed] = cells[k][0] + 0.2  # a hard seed
    choice = choose_cell(cells, np.arange(4.0)[:, None])
    naive = [np.mean(list(cell.values())) for cell in cells]
    assert choice.best == 1
    assert choice.difference[0] == pytest.approx(0.3, abs=0.02)
    assert naive[0] - naive[1] < 0.2, "negative control: plain means compare different seeds"


def test_missing_seeds_are_filled_in_from_the_others():
    cells = [{0: np.ones(3, np.float32), 1: np.full(3, 2, np.float32)}, {0: np.full(3, 5, np.float32)}]
    np.testing.assert_allclose(filled(cells), [[[1, 1, 1], [2, 2, 2]], [[5, 5, 5], [6, 6, 6]]])


def test_more_seeds_tell_cells_apart_that_one_cannot():
    few, many = draw(5, (2, 1, 400), sd_seed=0.2), draw(5, (2, 8, 400), sd_seed=0.2)
    assert seed_share(by_seed(few), 0) == 1.0, "nothing is known of seeds yet"
    assert seed_share(by_seed(many), 0) > 0.5
    assert seed_share(by_seed(draw(5, (2, 8, 400), sd_seed=0.0)), 0) < 0.3


@pytest.mark.parametrize("num_common", [1, 2])
def test_one_standard_error_covers_two_thirds_with_ragged_seeds(num_common):
    covered = []
    for repeat in range(60):
        cells = by_seed(draw(repeat, (20, 4, 300)))
        ragged = [cell if k < 8 else {s: cell[s] for s in range(num_common)} for k, cell in enumerate(cells)]
        difference, error = paired_cells(ragged, 0)
        covered.append(np.mean(np.abs(difference[1:]) <= error[1:]))
    spread = np.std(covered, ddof=1) / np.sqrt(len(covered))
    assert abs(np.mean(covered) - 0.683) < 3 * spread + 0.04


def test_a_diverged_cell_is_out_and_all_diverged_is_an_error():
    cells = by_seed(draw(0, (3, 2, 30)))
    cells[1] = {seed: np.full(30, np.nan, np.float32) for seed in range(2)}
    choice = choose_cell(cells, np.arange(3.0)[:, None])
    assert choice.best != 1
    assert not choice.ridge[1]
    assert np.isnan(choice.loss[1])
    with pytest.raises(
        DivergedError, match=r"At least one network of the sweep must end with finite losses\. Found NaN"
    ):
        choose_cell([cells[1]] * 2, np.arange(2.0)[:, None])


def test_the_corner_is_kept_unless_it_is_beaten():
    losses = draw(2, (3, 1, 300), sd_own=0.3)
    kept = choose_cell(by_seed(losses), np.arange(3.0)[:, None])
    assert kept.chosen == 0
    losses[0] += 0.5
    assert choose_cell(by_seed(losses), np.arange(3.0)[:, None]).chosen != 0


def test_a_diverged_corner_is_not_kept():
    cells = by_seed(draw(2, (3, 1, 300), sd_own=0.3))
    cells[0] = {0: np.full(300, np.nan, np.float32)}
    assert choose_cell(cells, np.arange(3.0)[:, None]).chosen in (1, 2)


def test_places_put_any_two_inits_one_step_apart():
    cells = Axes((0.0, 1.0), (None,), (None,), (None, "he", "xavier")).cells()
    places = places_of(cells)
    distances = {np.round(np.linalg.norm(places[0] - places[k]), 9) for k in range(len(cells)) if k not in (0,)}
    assert distances == {1.0, np.round(np.sqrt(2), 9)}


def test_the_median_of_chi_squared_is_that_of_scipy():
    freedom = np.arange(1, 9)
    assert np.array_equal(median_share(freedom), stats.chi2.median(freedom) / freedom)
