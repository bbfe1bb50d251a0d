"""Planted over- and underfitting, each beside the same network on the same rows where it is healthy."""

import numpy as np
import polars as pl
import pytest

from justfit.estimators import fit_table

WIDTH = (64, 64)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.fixture(scope="module")
def examine(tmp_path_factory):
    """Fit a network to rows and hand back what was found out."""

    def examine(X, y, hidden=WIDTH):
        table = pl.DataFrame({**{f"x{i}": column for i, column in enumerate(X.T)}, "y": y})
        out = tmp_path_factory.mktemp("patient") / "out"
        return fit_table(table, target="y", out=out, hidden_layer_sizes=hidden).result

    return examine


# --- labels that say nothing / labels that say all ------------------------------------------------------------------

ROWS = normal(1500, 6)


@pytest.fixture(scope="module")
def noise(examine):
    return examine(ROWS, np.random.default_rng(1).integers(0, 2, 1500))


@pytest.fixture(scope="module")
def signal(examine):
    return examine(ROWS, (ROWS @ [1.0, -1.0, 0.3, 0, 0, 0] > 0).astype(int))


def test_noise_is_overfitting(noise):
    verdict = noise.verdict
    assert verdict.state == "overfitting"
    assert verdict.generalization_gap > 10 * verdict.generalization_gap_se
    assert verdict.validation_loss > verdict.constant_loss  # worse than knowing nothing
    assert {"JF101", "JF104"} <= {finding.code for finding in verdict.findings}  # it overfits, and nothing is there


def test_noise_asks_for_strong_regularization(noise):
    sweep, test = noise.sweep, noise.test
    assert sweep.helps
    assert sweep.chosen_l2 >= sweep.l2[-1] / 10
    assert test.loss_interval[1] < 0  # better, beyond chance, on rows nobody saw
    # what is left above the constant predictor is a small part of what the plain network loses
    assert test.loss_after - test.constant_loss < 0.15 * (test.loss_before - test.constant_loss)


def test_signal_is_no_overfitting(signal):
    verdict = signal.verdict
    assert verdict.state != "overfitting"
    assert verdict.generalization_gap < 0.1 * verdict.constant_loss
    assert not {"JF101", "JF104"} & {finding.code for finding in verdict.findings}


def test_signal_needs_little_regularization(signal, noise):
    assert signal.test.delivered_score > 0.97
    # strong l2 or dropout would cost more than a hundredth of what there is to learn
    i, j = signal.sweep.chosen
    assert signal.sweep.validation_loss[i][j] <= signal.sweep.validation_loss[0][0]
    assert signal.sweep.chosen_l2 < 0.1 * signal.sweep.l2[-1]
    assert signal.verdict.probabilities["overfitting"] < 0.5 < 0.95 < noise.verdict.probabilities["overfitting"]


# --- few noisy rows / many of them ---------------------------------------------------------------------------------


def blurred(num_rows):
    X = normal(num_rows, 6, seed=2)
    return X, (X[:, 0] + 0.7 * X[:, 1] + normal(num_rows, seed=3) > 0).astype(int)


def test_few_noisy_rows_are_overfitted_and_many_are_not(examine):
    few, many = examine(*blurred(200)), examine(*blurred(8000), hidden=(16,))
    assert few.verdict.state == "overfitting"
    assert few.sweep.helps
    assert few.test.loss_after < few.test.loss_before
    assert many.verdict.state != "overfitting"
    assert many.verdict.generalization_gap < 0.1 * few.verdict.generalization_gap


# --- too narrow / wide enough ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def waves():
    X = normal(1200, 4, seed=4)
    return X, np.sin(2 * X[:, 0]) * X[:, 1] + X[:, 2] ** 2 + 0.1 * normal(1200, seed=5)


@pytest.fixture(scope="module")
def narrow(examine, waves):
    return examine(*waves, hidden=(1,))


def test_one_unit_underfits(narrow):
    verdict = narrow.verdict
    assert verdict.state == "underfitting"
    assert verdict.avoidable_bias > 3 * verdict.avoidable_bias_se
    assert "JF102" in {finding.code for finding in verdict.findings}
    assert any("wider" in step for step in narrow.next_steps)


def test_many_units_do_not(examine, waves):
    wide = examine(*waves)
    assert wide.verdict.state != "underfitting"
    assert "JF102" not in {finding.code for finding in wide.verdict.findings}
    assert wide.verdict.avoidable_bias < 0
    assert wide.test.delivered_score > 0.8


def test_regularization_is_not_prescribed_to_the_narrow_one(narrow):
    """It has nothing to spare: λ = 0 and dropout = 0 are kept, and before equals after."""
    assert narrow.sweep.chosen == (0, 0)
    assert not narrow.sweep.helps
    assert narrow.test.loss_difference == 0
    assert narrow.test.loss_interval == (0, 0)
