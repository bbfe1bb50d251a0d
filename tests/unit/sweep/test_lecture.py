"""Claims C7 and C8 of the lecture, measured on a real table: diabetes, 442 rows, as shipped with scikit-learn."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes

from justfit.sweep import Grid, Problem, Recipe, Search, assign_folds
from justfit.sweep._choice import paired
from justfit.sweep._explore import explore
from justfit.sweep._path import path_at
from tests.unit.sweep.samples import linears

L2 = (0.0, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
DROPOUTS = (0.0, 0.3)


@pytest.fixture(scope="module")
def search():
    """Trained networks along l2, wide enough to learn the rows by heart."""
    inputs, targets = load_diabetes(return_X_y=True)
    inputs, targets = (
        torch.tensor((values - values.mean(0)) / values.std(0), dtype=torch.float32) for values in (inputs, targets)
    )
    problem = Problem(inputs, targets, assign_folds(targets, "regression", 3, 0), "regression", 1)
    recipe = Recipe(hidden=(32, 32), epochs=60, batch_size=32, learning_rate=5e-3)
    return Search(problem, recipe, Grid(L2, DROPOUTS, 3, 2), seed=0, num_threads=1)


@pytest.fixture(scope="module")
def result(search):
    return search.run(None, lambda: False)


def test_c8_validation_loss_along_l2_is_a_u(result):
    cells = result.validation_losses[:, 0]
    floor = int(result.validation_loss[-1][:, 0].argmin())
    difference, error = paired(cells, floor)
    assert 0 < floor < len(L2) - 1
    assert difference[0] > 3 * error[0], "left end: overfitting"
    assert difference[-1] > 3 * error[-1], "right end: underfitting"
    losses = result.validation_loss[-1][:, 0]
    for index, (left, right) in enumerate(pairwise(losses)):
        assert (right - left) * (1 if index >= floor else -1) > -error[1:].min()


def test_c8_training_loss_never_falls_with_l2(result):
    losses, errors = result.train_loss[-1][:, 0], result.train_loss_se[-1][:, 0]
    assert all(right > left - 0.1 * error for (left, right), error in zip(pairwise(losses), errors, strict=False))
    assert losses[-1] > losses[0] + 10 * errors[-1]


def test_c8_the_gap_closes(result):
    gaps = (result.validation_loss[-1] - result.train_loss[-1])[:, 0]
    errors = result.validation_loss_se[-1][:, 0]
    assert gaps[0] > 5 * errors[0]
    assert gaps[-1] < errors[-1]


def test_c8_dropout_does_it_too(result):
    """Negative control of the axis: with dropout the left end overfits less, so the U is flatter there."""
    drop = result.validation_loss[-1]
    assert drop[0, 1] < drop[0, 0] - result.validation_loss_se[-1][0, 0]
    assert result.train_loss[-1][0, 1] > result.train_loss[-1][0, 0]


def test_c7_large_l2_makes_weights_small_and_the_network_linear(search, result):
    path = path_at(explore(search.program, 0.0), 0.0)
    assert tuple(point.l2 for point in path) == L2
    squares = [point.weight_sum_squares for point in path]
    linearity = [point.linearity_r2 for point in path]
    assert all(right < left for left, right in pairwise(squares))
    assert all(right > left for left, right in pairwise(linearity))
    assert squares[-1] < squares[0] / 100
    assert linearity[0] < 0.85, "without l2 it is far from linear"
    assert linearity[-1] > 0.99


@pytest.mark.parametrize("dropout", DROPOUTS)
def test_c7_the_path_is_measured_on_the_networks_themselves(search, result, dropout):
    inputs = search.problem.inputs
    points = path_at(explore(search.program, 0.0), dropout)
    indices = [
        index for index, v in enumerate(search.program.variants) if (v.fold, v.seed, v.dropout) == (0, 0, dropout)
    ]
    for index, point in zip(indices, points, strict=True):
        module = search.program.module(index)
        weights = [layer.weight.detach().double() for layer in linears(module)]
        assert point.weight_sum_squares == pytest.approx(sum((weight**2).sum().item() for weight in weights))
        with torch.no_grad():
            first = module[:2](inputs)
            second = torch.relu(linears(module)[1](first))
            outputs = module(inputs).double().numpy()
        active = torch.cat([first, second], dim=1) > 0
        assert point.active_fraction == pytest.approx(active.double().mean().item(), abs=1e-9)
        design = np.column_stack([inputs.double().numpy(), np.ones(len(inputs))])
        misfit = outputs - design @ np.linalg.lstsq(design, outputs, rcond=None)[0]
        adjusted = 1 - (misfit**2).sum() / (len(inputs) - 11) / (outputs.var() * len(inputs) / (len(inputs) - 1))
        assert point.linearity_r2 == pytest.approx(adjusted, abs=1e-6)


def test_a_diverged_network_is_left_out_of_the_path(search, result):
    kernel_place = search.program._place[0]
    bias = search.program._chunks[kernel_place[0]].kernel.biases[0]
    kept = bias[kernel_place[1]].clone()
    bias[kernel_place[1]] = float("nan")
    try:
        assert tuple(point.l2 for point in path_at(explore(search.program, 0.0), 0.0)) == L2[1:]
    finally:
        bias[kernel_place[1]] = kept
