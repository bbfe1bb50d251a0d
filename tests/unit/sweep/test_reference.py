"""The reference of another kind: only on rows it never saw, and never a crash."""

import numpy as np
import pytest
import torch

from justfit.sweep import Problem, _reference, assign_folds, constant_losses
from justfit.sweep._reference import boosting_losses
from tests.unit.sweep.samples import make_problem


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_it_learns_and_is_judged_on_the_held_out_rows_of_fold_0(task):
    problem = make_problem(task, num_rows=400, num_classes=2)
    losses = boosting_losses(problem, seed=0)
    held_out = problem.validation_rows(0)
    assert losses.shape == (len(held_out),)
    assert losses.dtype == np.float64
    assert losses.mean() < 0.9 * constant_losses(problem)[held_out].mean()
    targets = problem.targets.clone()
    targets[held_out] = targets[held_out].flip(0)
    garbled = Problem(problem.inputs, targets, problem.fold_of_rows, task, problem.num_outputs)
    assert boosting_losses(garbled, seed=0).mean() > 1.3 * losses.mean(), "trained on the same rows, judged on others"


def test_it_is_decided_by_the_seed():
    problem = make_problem(num_rows=300)
    np.testing.assert_array_equal(boosting_losses(problem, 3), boosting_losses(problem, 3))


def test_losses_are_in_their_own_unit_and_weighted():
    problem = make_problem("regression", num_rows=200, weighted=True)
    plain = boosting_losses(problem, 0)
    scaled = Problem(
        problem.inputs, problem.targets, problem.fold_of_rows, "regression", 1, problem.weights, loss_scale=100.0
    )
    np.testing.assert_allclose(boosting_losses(scaled, 0), 100 * plain)
    heavier = Problem(problem.inputs, problem.targets, problem.fold_of_rows, "regression", 1, 2 * problem.weights)
    np.testing.assert_allclose(boosting_losses(heavier, 0), plain, rtol=1e-6)


def test_weights_are_those_of_the_held_out_rows():
    """Weights of mean 1 there: a fold of heavy rows is not a fold of large losses."""
    problem = make_problem("regression", num_rows=200, weighted=True)
    weights, held_out = problem.weights.clone(), problem.validation_rows(0)
    weights[held_out] *= 3
    heavy = Problem(problem.inputs, problem.targets, problem.fold_of_rows, "regression", 1, weights)
    np.testing.assert_allclose(boosting_losses(heavy, 0), boosting_losses(problem, 0), rtol=1e-6)
    weights[held_out[0]] *= 2
    assert not np.allclose(boosting_losses(heavy, 0), boosting_losses(problem, 0)), "negative control"


@pytest.mark.parametrize("num_rows", [4, 60, 89])
def test_too_few_rows_give_none(num_rows):
    assert boosting_losses(make_problem(num_rows=num_rows, num_classes=2), 0) is None
    assert boosting_losses(make_problem(num_rows=90, num_classes=2), 0) is not None


def test_too_much_work_gives_none(monkeypatch):
    monkeypatch.setattr(_reference, "MAX_WORK", 1_000)
    assert boosting_losses(make_problem(num_rows=200), 0) is None


def test_more_classes_than_a_tenth_of_the_rows():
    """Early stopping would need a row of each class among a tenth of the rows; scikit-learn refuses that."""
    problem = make_problem(num_rows=120, num_classes=17)
    assert np.isfinite(boosting_losses(problem, 0)).all()


def test_a_class_of_one_training_row():
    problem = make_problem(num_rows=200, num_classes=2)
    targets = problem.targets.clone()
    targets[1] = 2
    rare = Problem(problem.inputs, targets, problem.fold_of_rows, "classification", 3)
    assert problem.fold_of_rows[1] != 0
    assert np.isfinite(boosting_losses(rare, 0)).all()


def test_a_class_without_training_row_gives_none():
    problem = make_problem(num_rows=200, num_classes=2)
    targets = problem.targets.clone()
    targets[0] = 2
    unseen = Problem(problem.inputs, targets, problem.fold_of_rows, "classification", 3)
    assert problem.fold_of_rows[0] == 0
    assert boosting_losses(unseen, 0) is None


def test_a_sorted_table_is_not_cut_in_the_middle(monkeypatch):
    """The part it trains on is drawn at random, so a table sorted by its target keeps all its classes."""
    monkeypatch.setattr(_reference, "MAX_TRAIN_ROWS", 100)
    problem = make_problem(num_rows=600, num_classes=2)
    order = problem.targets.argsort(stable=True)
    targets = problem.targets[order]
    ordered = Problem(
        problem.inputs[order], targets, assign_folds(targets, "classification", 3, 0), "classification", 2
    )
    losses = boosting_losses(ordered, 0)
    assert losses is not None
    assert losses.mean() < torch.tensor(2.0).log().item()
