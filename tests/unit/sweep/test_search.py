"""What the search keeps at every round."""

import numpy as np
import pytest
import torch

from justfit.records import Progress
from justfit.sweep import NEVER_HELD_OUT, Grid, Problem, Program, Recipe, Search, _search
from justfit.sweep._search import round_epochs
from tests.unit.sweep.samples import make_problem

RECIPE = Recipe(hidden=(8,), epochs=15, batch_size=16, learning_rate=1e-2)
GRID = Grid((0.0, 1.0, 20.0), (0.0, 0.4), num_folds=3, num_seeds=2)


def never():
    return False


def searched(problem=None, grid=GRID, recipe=RECIPE):
    search = Search(make_problem() if problem is None else problem, recipe, grid, seed=4, num_threads=1)
    return search, search.run(None, never)


@pytest.mark.parametrize("num_epochs", [1, 2, 4, 11, 12, 13, 60, 120, 2_500])
def test_rounds_end_at_the_last_epoch(num_epochs):
    rounds = round_epochs(num_epochs)
    assert rounds[-1] == num_epochs
    assert rounds[0] >= 1
    assert rounds == sorted(set(rounds))
    assert len(rounds) <= 12
    assert len(rounds) >= min(num_epochs, 8) - 2
    gaps = np.diff([0, *rounds])
    assert gaps[0] <= gaps[-1], "denser at the start"


@pytest.mark.parametrize("weighted", [False, True])
def test_measurements_are_those_of_the_program(weighted):
    problem = make_problem(weighted=weighted)
    problem = Problem(
        problem.inputs, problem.targets, problem.fold_of_rows, problem.task, 3, problem.weights, loss_scale=2.5
    )
    _, result = searched(problem)
    program = Program(problem, RECIPE, GRID.variants(4))
    program.advance(15)
    validation, train = program.losses(problem.validation_rows), program.losses(problem.training_rows)
    weights = torch.ones(103) if problem.weights is None else problem.weights
    expected = np.full((3, 2, 2, 103), np.nan)
    train_sums, train_counts = np.zeros((3, 2, 2, 103)), np.zeros(103)
    for index, (i, j, seed, fold) in enumerate(np.ndindex(3, 2, 2, 3)):
        rows, others = problem.validation_rows(fold), problem.training_rows(fold)
        expected[i, j, seed, rows] = (2.5 * weights[rows] * validation[index]).numpy()
        train_sums[i, j, seed, others] += (2.5 * weights[others] * train[index]).numpy()
        train_counts[others] += (i, j, seed) == (0, 0, 0)
    train = train_sums / train_counts
    np.testing.assert_allclose(result.validation_losses, expected, rtol=1e-5, atol=1e-6)
    assert result.validation_losses.dtype == np.float32
    np.testing.assert_allclose(result.validation_loss[-1], expected.mean((2, 3)), rtol=1e-5)
    np.testing.assert_allclose(result.train_sample_losses, train[0, 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(result.train_loss[-1], train.mean((2, 3)), rtol=1e-5)
    for errors, losses in ((result.validation_loss_se, expected), (result.train_loss_se, train)):
        standard_error = losses.mean(2).std(-1, ddof=1) / 103**0.5
        np.testing.assert_allclose(errors[-1], standard_error, rtol=1e-4)
    assert result.num_diverged == 0
    assert result.interrupted == ""


def test_one_entry_per_round_and_training_goes_down():
    _, result = searched()
    lists = (result.validation_loss, result.validation_loss_se, result.train_loss, result.train_loss_se)
    assert result.epochs == round_epochs(15)
    assert all(len(values) == len(result.epochs) for values in lists)
    assert all(grid.shape == (3, 2) for values in lists for grid in values)
    assert result.train_loss[-1][0, 0] < 0.8 * result.train_loss[0][0, 0]
    assert result.train_loss[-1][0, 0] < result.train_loss[-1][2, 0]


def test_a_training_row_counts_once_however_many_folds_trained_on_it():
    """With 5 folds each row is in 4 training parts; counted as 4 examples, its standard error would be halved."""
    grid = Grid((0.0,), (0.0,), num_folds=5, num_seeds=1)
    search, result = searched(make_problem(num_folds=5), grid)
    assert result.train_sample_losses.shape == (1, 103)
    losses = search.program.losses(search.problem.training_rows)
    pooled = torch.cat(losses).double()
    assert len(pooled) == 4 * 103
    naive = (pooled.std() / len(pooled) ** 0.5).item()
    assert result.train_loss_se[-1][0, 0] > 1.5 * naive
    assert result.train_loss[-1][0, 0] == pytest.approx(pooled.mean().item(), rel=1e-5)


def test_the_training_sample_of_a_large_table(monkeypatch):
    monkeypatch.setattr(_search, "TRAIN_SAMPLE_ROWS", 20)
    search = Search(make_problem(), RECIPE, GRID, seed=4, num_threads=1)
    for fold, rows in search._train_rows.items():
        assert len(rows.unique()) == len(rows) == 20
        assert (search.problem.fold_of_rows[rows] != fold).all()
    again = Search(make_problem(), RECIPE, GRID, seed=4, num_threads=1)
    assert all(torch.equal(rows, again._train_rows[fold]) for fold, rows in search._train_rows.items())
    result = search.run(None, never)
    assert 20 < result.train_sample_losses.shape[1] <= 60


def test_rows_never_held_out_are_trained_on_but_not_judged():
    problem = make_problem()
    folds = problem.fold_of_rows.clone()
    folds[80:] = NEVER_HELD_OUT
    _, result = searched(Problem(problem.inputs, problem.targets, folds, problem.task, 3))
    assert result.validation_losses.shape == (3, 2, 2, 80)
    assert np.isfinite(result.validation_losses).all()
    assert result.train_sample_losses.shape[1] == 103


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_diverged_variant_makes_its_cell_nan_and_no_other(recwarn, poison):
    search = Search(make_problem(), RECIPE, GRID, seed=4, num_threads=1)
    index = list(np.ndindex(3, 2, 2, 3)).index((1, 1, 0, 2))
    chunk, position = search.program._place[index]
    search.program._chunks[chunk].kernel.weights[0][position] = poison
    result = search.run(None, never)
    sick = np.zeros((3, 2), dtype=bool)
    sick[1, 1] = True
    assert result.num_diverged == 1
    for grids in (result.validation_loss, result.validation_loss_se, result.train_loss, result.train_loss_se):
        assert (np.isnan(grids[-1]) == sick).all()
        assert np.isfinite(grids[-1][~sick]).all()
    assert np.isnan(result.validation_losses[1, 1, 0, search.problem.validation_rows(2).numpy()]).all()
    assert np.isfinite(result.validation_losses[1, 1, 1]).all()
    healthy = searched()[1]
    np.testing.assert_array_equal(result.validation_losses[~sick], healthy.validation_losses[~sick])
    assert not recwarn.list


def test_infinite_losses_are_kept_as_nan():
    problem = make_problem("regression")
    huge = Problem(problem.inputs, problem.targets * 1e19, problem.fold_of_rows, "regression", 1, loss_scale=1e10)
    _, result = searched(huge)
    assert result.num_diverged == 36
    assert np.isnan(result.validation_losses).all()


def test_should_stop_is_asked_after_each_round():
    asked = []
    search = Search(make_problem(), RECIPE, GRID, seed=4, num_threads=1)
    result = search.run(None, lambda: asked.append(search.program.epoch) or len(asked) == 3)
    third = round_epochs(15)[2]
    assert result.epochs == round_epochs(15)[:3]
    assert search.program.epoch == third
    assert result.interrupted == f"the time budget ended after epoch {third} of 15"
    np.testing.assert_array_equal(result.validation_loss[1], searched()[1].validation_loss[1])


def test_a_search_that_is_done_is_not_called_interrupted():
    search = Search(make_problem(), Recipe(hidden=(4,), epochs=1), GRID, seed=4, num_threads=1)
    assert search.run(None, lambda: True).interrupted == ""


class Interrupt:
    """Raise KeyboardInterrupt at the given tick."""

    def __init__(self, at):
        self.left = at

    def __call__(self, progress):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


def test_control_c_before_the_first_round_is_raised():
    with pytest.raises(KeyboardInterrupt):
        Search(make_problem(), RECIPE, GRID, seed=4, num_threads=1).run(Interrupt(at=1), never)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_control_c_later_keeps_the_last_round(num_threads):
    search = Search(make_problem(), RECIPE, GRID, seed=4, num_threads=num_threads)
    result = search.run(Interrupt(at=5 * search.program.num_chunks), never)
    last = result.epochs[-1]
    assert result.interrupted == f"interrupted after epoch {last} of 15"
    whole = searched()[1]
    np.testing.assert_array_equal(result.validation_loss[-1], whole.validation_loss[len(result.epochs) - 1])
    assert np.isfinite(result.validation_losses).all()


def test_control_c_while_measuring_leaves_whole_rounds(monkeypatch):
    search = Search(make_problem(), RECIPE, GRID, seed=4, num_threads=1)
    losses, calls = search.program.losses, []

    def interrupted_losses(rows_of_fold):
        calls.append(1)
        if len(calls) == 6:  # the training losses of the third round
            raise KeyboardInterrupt
        return losses(rows_of_fold)

    monkeypatch.setattr(search.program, "losses", interrupted_losses)
    result = search.run(None, never)
    lists = (result.validation_loss, result.validation_loss_se, result.train_loss, result.train_loss_se)
    assert [len(values) for values in (result.epochs, *lists)] == [2] * 5
    np.testing.assert_array_equal(result.validation_losses.mean((2, 3), dtype=np.float64), result.validation_loss[-1])


def test_progress_reaches_one_and_never_goes_back():
    seen = []
    search = Search(make_problem(), RECIPE, GRID, seed=4, num_threads=2)
    search.run(seen.append, never)
    fractions = [progress.fraction for progress in seen]
    assert all(isinstance(progress, Progress) for progress in seen)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert seen[-1].stage == "sweep: 36 networks"
    assert seen[-1].detail.startswith("epoch ")


def test_the_number_of_threads_never_changes_a_number():
    problem = make_problem()
    one, two = (Search(problem, RECIPE, GRID, seed=4, num_threads=threads).run(None, never) for threads in (1, 2))
    np.testing.assert_array_equal(one.validation_losses, two.validation_losses)
    np.testing.assert_array_equal(one.train_loss, two.train_loss)
