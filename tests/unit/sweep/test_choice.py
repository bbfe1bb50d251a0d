"""The statistics behind the choice: calibrated errors, diverged cells, extremes; not the rule itself."""

import numpy as np
import pytest

from justfit.errors import DivergedError
from justfit.sweep import choose
from justfit.sweep._choice import MAX_GROUPS, _draws, paired, resampled_means, seed_variance


def draw(seed, *, num_cells=40, num_seeds=2, num_examples=300, sd_seed=0.1, sd_residual=0.5):
    """Losses of cells that are all equally good: example, seed and residual effects, each normal."""
    generator = np.random.default_rng(seed)
    examples = generator.normal(size=(1, 1, num_examples))
    own = generator.normal(size=(num_cells, 1, num_examples)) * sd_residual
    seeds = generator.normal(size=(num_cells, num_seeds, 1)) * sd_seed
    residuals = generator.normal(size=(num_cells, num_seeds, num_examples)) * sd_residual
    return (examples + own + seeds + residuals).astype(np.float32)


def covered(num_repeats, **settings):
    """Share of true differences (all 0) within one SE, and within the SE without its seed part; per repeat."""
    with_seeds, without = [], []
    for seed in range(num_repeats):
        cells = draw(seed, **settings)
        difference, error = paired(cells, 0)
        per_example = (cells - cells[0]).mean(axis=1, dtype=np.float64)
        examples_only = per_example.std(axis=1, ddof=1) / np.sqrt(cells.shape[2])
        with_seeds.append(np.mean(np.abs(difference[1:]) <= error[1:]))
        without.append(np.mean(np.abs(difference[1:]) <= examples_only[1:]))
    return np.array(with_seeds), np.array(without)


@pytest.mark.parametrize("sd_seed", [0.0, 0.05, 0.1])
def test_one_standard_error_covers_two_thirds(sd_seed):
    with_seeds, without = covered(100, sd_seed=sd_seed)
    simulation_error = with_seeds.std(ddof=1) / 10
    assert abs(with_seeds.mean() - 0.683) < 3 * simulation_error + 0.02
    if sd_seed == 0.1:
        assert without.mean() < 0.55, "negative control: without the seed part it covers too little"


def test_the_error_shrinks_with_examples_as_it_should():
    def error(num_examples):
        return np.mean([paired(draw(s, num_examples=num_examples, sd_seed=0.0), 0)[1][1:].mean() for s in range(12)])

    assert error(300) / error(4_800) == pytest.approx(4.0, rel=0.1)


def test_pairing_removes_what_examples_share():
    cells = draw(0, sd_seed=0.0, sd_residual=0.05)
    unpaired = cells.mean(axis=1).std(axis=1, ddof=1) / np.sqrt(cells.shape[2])
    assert paired(cells, 0)[1][1:].max() < 0.15 * unpaired.min()


@pytest.mark.parametrize("num_seeds", [2, 3, 5])
def test_seed_variance_is_right_on_average(num_seeds):
    """Own variance between seed means: sd_seed² + sd_residual²/n."""
    estimates = [seed_variance(draw(s, num_seeds=num_seeds, sd_seed=0.2)).mean() for s in range(150)]
    expected = 0.2**2 + 0.5**2 / 300
    assert np.mean(estimates) == pytest.approx(expected, rel=0.1)


def test_seed_variance_is_steadier_than_two_seeds_of_one_cell():
    cells = draw(3, sd_seed=0.2)
    own = cells.mean(axis=2).var(axis=1, ddof=1)
    assert seed_variance(cells).std() < 0.5 * own.std()


def test_one_seed_has_no_seed_variance():
    assert seed_variance(draw(0, num_seeds=1)).tolist() == [0.0] * 40
    assert np.isfinite(paired(draw(0, num_seeds=1), 3)[1]).all()


def test_identical_seeds_have_none_either():
    cells = np.repeat(draw(0, num_seeds=1), 2, axis=1)
    assert seed_variance(cells) == pytest.approx(0.0, abs=1e-12)


def test_statistics_of_a_diverged_cell_are_nan_and_of_no_other():
    cells = draw(0)
    clean = paired(cells, 0)
    cells[7, 1, 5] = np.nan
    for ours, theirs in zip(paired(cells, 0), clean, strict=True):
        assert np.isnan(ours[7])
        assert np.isfinite(np.delete(ours, 7)).all()
        np.testing.assert_allclose(np.delete(ours, 7), np.delete(theirs, 7), rtol=0.05)


@pytest.mark.parametrize("num_examples", [50, MAX_GROUPS, 3_000, 3 * MAX_GROUPS])
def testresampled_means_have_the_mean_and_the_error_of_the_mean(num_examples):
    cells = np.random.default_rng(0).exponential(size=(1, 1, num_examples)).astype(np.float32)
    means = resampled_means(cells)[:, 0]
    error = cells.std() / np.sqrt(num_examples)
    assert abs(means.mean() - cells.mean()) < 4 * error / np.sqrt(len(means))
    assert means.std() == pytest.approx(error, rel=0.1)


def test_resampling_keeps_cells_paired_and_draws_seeds():
    cells = draw(0, num_cells=2, num_seeds=1)
    cells[1] = cells[0] + 0.25
    means = resampled_means(cells)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 0.25, atol=1e-6)
    seeds = np.zeros((1, 2, 10), np.float32)
    seeds[0, 1] = 1.0
    values, counts = np.unique(resampled_means(seeds), return_counts=True)
    assert values.tolist() == [0.0, 0.5, 1.0]
    assert counts / counts.sum() == pytest.approx([0.25, 0.5, 0.25], abs=0.06)


def landscape(seed=0, num_examples=400, shape=(6, 3)):
    """A U along l2 with its floor at the third value."""
    generator = np.random.default_rng(seed)
    depth = 0.3 * (np.arange(shape[0]) - 2.0)[:, None] ** 2 + 0.02 * np.arange(shape[1])
    noise = generator.normal(size=(*shape, 2, num_examples)) * 0.3
    return (2.0 + depth[..., None, None] + noise + generator.normal(size=num_examples)).astype(np.float32)


def test_a_clear_floor_is_found_and_helps():
    choice = choose(landscape())
    assert choice.best[0] == choice.chosen[0] == 2
    assert choice.helps
    assert choice.improvement == pytest.approx(1.2, abs=0.1)
    assert choice.confidence > 0.5


def test_bookkeeping_of_a_choice():
    losses = landscape()
    choice = choose(losses)
    np.testing.assert_allclose(choice.loss, losses.mean((2, 3), dtype=np.float64), rtol=1e-6)
    assert choice.loss[choice.best] == choice.loss.min()
    np.testing.assert_allclose(choice.difference, choice.loss - choice.loss.min(), atol=1e-5)
    assert choice.bootstrap_share.sum() == pytest.approx(1.0)
    assert (choice.bootstrap_share >= 0).all()
    assert choice.ridge[choice.best]
    for grid in (choice.loss, choice.loss_se, choice.difference_se, choice.ridge, choice.bootstrap_share):
        assert grid.shape == (6, 3)
    assert 0.0 <= choice.confidence <= 1.0


def test_a_choice_is_reproducible_bit_for_bit():
    np.random.seed(1)  # noqa: NPY002 - the global state must not matter
    first = choose(landscape())
    np.random.seed(2)  # noqa: NPY002 - the same
    second = choose(landscape())
    for name in first.__slots__:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_a_diverged_cell_is_never_chosen():
    losses = landscape()
    losses[2, :, 1, 5:] = np.nan
    losses[2, 0, 0, :5] = -1e9
    choice = choose(losses)
    assert choice.chosen[0] != 2
    assert choice.best[0] in (1, 3)
    assert not choice.ridge[2].any()
    assert choice.bootstrap_share[2].sum() == 0.0
    assert choice.bootstrap_share.sum() == pytest.approx(1.0)


def test_where_no_regularization_diverged_something_else_is_chosen():
    losses = landscape()
    losses[0, 0] = np.nan
    choice = choose(losses)
    assert choice.chosen != (0, 0)
    assert choice.helps
    assert np.isnan(choice.improvement)


def test_only_one_cell_alive():
    losses = np.full((3, 2, 2, 50), np.nan, np.float32)
    losses[1, 1] = draw(0, num_cells=1, num_examples=50)[0]
    choice = choose(losses)
    assert choice.best == choice.chosen == (1, 1)
    assert choice.ridge.sum() == 1
    assert choice.bootstrap_share[1, 1] == 1.0


def test_all_diverged():
    with pytest.raises(
        DivergedError,
        match=r"^At least one network of the sweep must end with finite losses\. Found NaN or infinity in every cell\. "
        r"Use a smaller learning rate, or scale the inputs\.$",
    ):
        choose(np.full((2, 2, 1, 10), np.nan, np.float32))


@pytest.mark.parametrize("num_seeds", [1, 2])
@pytest.mark.parametrize("num_examples", [2, 4, 300])
def test_a_grid_of_one_cell(num_seeds, num_examples, recwarn):
    choice = choose(draw(0, num_cells=1, num_seeds=num_seeds, num_examples=num_examples)[None])
    assert choice.best == choice.chosen == (0, 0)
    assert not choice.helps
    assert (choice.improvement, choice.improvement_se) == (0.0, 0.0)
    assert choice.bootstrap_share.tolist() == [[1.0]]
    assert choice.confidence == 1.0
    assert not recwarn.list


@pytest.mark.parametrize("num_examples", [2, 4, 11])
def test_few_examples_and_one_seed(num_examples, recwarn):
    choice = choose(landscape(num_examples=num_examples)[:, :, :1])
    assert np.isfinite(choice.difference_se).all()
    assert choice.bootstrap_share.sum() == pytest.approx(1.0)
    assert not recwarn.list


def test_equal_cells_keep_no_regularization():
    """Where nothing differs there is nothing to gain: l2 = 0 and dropout = 0 stay."""
    losses = np.broadcast_to(draw(0, num_cells=1)[0], (4, 3, 2, 300)).copy()
    choice = choose(losses)
    assert choice.chosen == (0, 0)
    assert not choice.helps
    assert choice.ridge.all()


def test_pure_noise_is_seldom_taken_for_help():
    helped = [
        choose(draw(seed, num_cells=12, num_examples=100, sd_seed=0.02).reshape(4, 3, 2, 100)).helps
        for seed in range(60)
    ]
    assert np.mean(helped) <= 0.25


def test_resamples_that_are_kept_are_those_that_would_be_drawn():
    cells = np.random.default_rng(0).normal(size=(3, 2, 50)).astype(np.float32)
    first = resampled_means(cells)
    resampled_means(cells[:, :1])
    resampled_means(cells[..., :20])
    again = resampled_means(cells)
    _draws.cache_clear()
    assert np.array_equal(first, again)
    assert np.array_equal(first, resampled_means(cells))
