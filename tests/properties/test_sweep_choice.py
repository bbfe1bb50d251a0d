"""Properties of paired statistics and of a choice that hold for any losses."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from justfit.sweep import choose
from justfit.sweep._choice import paired, seed_variance

seeds = st.integers(0, 2**32 - 1)


@st.composite
def grids(draw, dtype=np.float32):
    """[L, P, S, n] losses of cells of unlike quality and noise."""
    generator = np.random.default_rng(draw(seeds))
    shape = (draw(st.integers(1, 6)), draw(st.integers(1, 4)))
    size = (draw(st.integers(1, 3)), draw(st.integers(2, 60)))
    means = generator.exponential(draw(st.sampled_from([0.01, 0.3, 3.0])), shape)[..., None, None]
    noise = generator.exponential(draw(st.sampled_from([0.0, 0.1, 2.0])) or 1e-9, (*shape, *size))
    return (means + noise + generator.exponential(size=size[1])).astype(dtype)


@given(losses=grids(), scale=st.sampled_from([2.0**-12, 0.25, 1024.0]))
def test_a_choice_does_not_depend_on_the_unit(losses, scale):
    """Powers of two, which change no digit: the choice, the ridge and all shares must be the very same."""
    one, other = choose(losses), choose(losses * np.float32(scale))
    assert (one.best, one.chosen, one.helps, one.confidence) == (
        other.best,
        other.chosen,
        other.helps,
        other.confidence,
    )
    np.testing.assert_array_equal(one.ridge, other.ridge)
    np.testing.assert_array_equal(one.bootstrap_share, other.bootstrap_share)
    np.testing.assert_allclose(other.difference_se, scale * one.difference_se, rtol=1e-9)


@given(losses=grids())
def test_a_choice_keeps_its_promises(losses):
    choice = choose(losses)
    assert choice.loss[choice.best] == choice.loss.min()
    assert choice.ridge[choice.best]
    assert choice.chosen == (0, 0) or choice.ridge[choice.chosen]
    assert choice.helps == (choice.chosen != (0, 0))
    assert abs(choice.bootstrap_share.sum() - 1) < 1e-9
    assert 0 <= choice.confidence <= 1
    assert (choice.difference_se >= 0).all()


@given(losses=grids(), data=st.data())
def test_diverged_cells_are_never_chosen_and_never_best(losses, data):
    num_cells = losses.shape[0] * losses.shape[1]
    sick = data.draw(st.lists(st.integers(0, num_cells - 1), max_size=num_cells - 1, unique=True))
    cells = losses.reshape(num_cells, *losses.shape[2:])
    for cell in sick:
        seed, example = data.draw(st.integers(0, losses.shape[2] - 1)), data.draw(st.integers(0, losses.shape[3] - 1))
        cells[cell, seed, example] = np.nan
    choice = choose(losses)
    dead = np.isnan(choice.loss)
    assert dead.ravel()[sick].all()
    assert dead.sum() == len(sick)
    assert not dead[choice.best]
    assert not dead[choice.chosen]
    assert not choice.ridge[dead].any()
    assert choice.bootstrap_share[dead].sum() == 0


@given(losses=grids(np.float64), reference=st.integers(0, 5))
def test_a_difference_changes_its_sign_with_its_direction(losses, reference):
    cells = losses.reshape(-1, *losses.shape[2:])
    reference %= len(cells)
    other = (reference + 1) % len(cells)
    there, back = paired(cells, reference)[0][other], paired(cells, other)[0][reference]
    np.testing.assert_allclose(there, -back, atol=1e-12)
    assert paired(cells, reference)[0][reference] == 0
    assert paired(cells, reference)[1][reference] == 0


@settings(max_examples=50)
@given(losses=grids(np.float64), shift=st.floats(-5, 5))
def test_seed_variance_does_not_see_a_shift_and_scales_with_the_square(losses, shift):
    cells = losses.reshape(-1, *losses.shape[2:])
    np.testing.assert_allclose(seed_variance(cells + shift), seed_variance(cells), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(seed_variance(4 * cells), 16 * seed_variance(cells), rtol=1e-9, atol=1e-30)
    assert (seed_variance(cells) >= 0).all()
