"""The networks of a sweep, opened, as the estimators and `fit_table` give them."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import make_moons

from justfit import JustFitClassifier
from justfit.estimators import fit_table
from tests.unit.estimators.conftest import SMALL, small_ladder

SIDE = 32


def places(plane):
    columns = ((np.array(plane.x) - plane.x_low) / (plane.x_high - plane.x_low) * SIDE).astype(int)
    rows = ((np.array(plane.y) - plane.y_low) / (plane.y_high - plane.y_low) * SIDE).astype(int)
    return rows, columns


def middles(plane):
    steps = (np.arange(SIDE) + 0.5) / SIDE
    x, y = plane.x_low + steps * (plane.x_high - plane.x_low), plane.y_low + steps * (plane.y_high - plane.y_low)
    return np.array([(a, b) for b in y for a in x])


@pytest.fixture(scope="module")
def moons():
    """Make moons as a table: two numbers of very different size, the classes are words."""
    X, y = make_moons(240, noise=0.2, random_state=0)
    labels = np.array(["upper", "lower"])[y]
    return pd.DataFrame({"north <km>": 1e-3 * X[:, 1] - 7, "moon": labels, "east": 1e4 * X[:, 0] + 3e5})


@pytest.fixture(scope="module")
def fitted_moons(moons, tmp_path_factory):
    path = tmp_path_factory.mktemp("moons")
    moons.to_csv(path / "moons.csv", index=False)
    with small_ladder():
        return fit_table(path / "moons.csv", target="moon", out=path / "out", hidden_layer_sizes=(16,))


def test_a_table_of_two_numbers_has_surfaces_in_its_own_units(fitted_moons, moons):
    explored = fitted_moons.result.sweep.explored
    plane = explored.plane
    assert (plane.x_name, plane.y_name) == ("north <km>", "east")
    assert plane.classes == ("lower", "upper")
    assert plane.x_low < moons["north <km>"].min() + 3e-4 < moons["north <km>"].max() - 3e-4 < plane.x_high
    assert plane.y_low < moons["east"].min() + 3e3 < moons["east"].max() - 3e3 < plane.y_high
    table = {(round(a, 6), round(b, 1)) for a, b in moons[["north <km>", "east"]].to_numpy()}
    drawn = {(round(a, 6), round(b, 1)) for a, b in zip(plane.x, plane.y, strict=True)}
    assert len(drawn) == fitted_moons.result.dataset.num_train
    for a, b in drawn:
        assert min(abs(a - c) / 1e-3 + abs(b - d) / 1e4 for c, d in table) < 0.01


def test_its_surfaces_say_what_the_delivered_network_says(fitted_moons):
    """Another training of the same cell, on four fifths of the rows: alike, and nothing like any transposed one."""
    sweep, plane = fitted_moons.result.sweep, fitted_moons.result.sweep.explored.plane
    view = next(v for v in sweep.explored.views if (v.l2, v.dropout) == (sweep.chosen_l2, sweep.chosen_dropout))
    table = pd.DataFrame(middles(plane), columns=[plane.x_name, plane.y_name])
    encoded = fitted_moons.encoder.transform(pl.from_pandas(table))
    delivered = fitted_moons.estimator.predict_proba(encoded)[:, 1].reshape(SIDE, SIDE)
    surface = np.array(view.surface)
    apart = np.abs(surface - delivered).mean()
    assert apart < 0.15
    assert np.abs(surface.T - delivered).mean() > 2 * apart
    assert np.abs(surface[::-1] - delivered).mean() > 2 * apart


def test_the_result_file_keeps_them(fitted_moons):
    stored = json.loads(fitted_moons.files["result.json"].read_text("utf-8"))["sweep"]
    cells = len(stored["l2"]) * len(stored["dropout"])
    assert len(stored["curves"]) == len(stored["explored"]["views"]) == cells
    assert fitted_moons.files["result.json"].stat().st_size < 10_000 * cells + 40_000
    assert type(fitted_moons.estimator).load(fitted_moons.files["model.json"].parent).sweep_.explored.views


def test_a_classifier_has_surfaces_over_its_features(swept_classifier, blobs):
    X, y = blobs
    explored = swept_classifier.sweep_.explored
    plane = explored.plane
    assert (plane.x_name, plane.y_name, plane.classes) == ("feature 1", "feature 2", ("0", "1", "2"))
    np.testing.assert_allclose(np.column_stack([plane.x, plane.y]), X, atol=np.ptp(X, axis=0).max() / 500)
    np.testing.assert_array_equal(plane.target, y)
    rows, columns = places(plane)
    assert (np.array(explored.views[0].likeliest)[rows, columns] == y).mean() > 0.8


def test_a_regressor_has_surfaces_in_the_unit_of_its_target(swept_regressor, slope):
    _, y = slope
    explored = swept_regressor.sweep_.explored
    rows, columns = places(explored.plane)
    assert explored.plane.classes == ()
    np.testing.assert_allclose(explored.plane.target, y, atol=np.ptp(y) / 500)
    surface = np.array(explored.views[0].surface)
    assert np.corrcoef(surface[rows, columns], y)[0, 1] > 0.7, "its training is short"
    assert np.corrcoef(surface[::-1, ::-1][rows, columns], y)[0, 1] < 0
    assert np.array(explored.views[0].surface).mean() == pytest.approx(y.mean(), abs=2 * y.std())


def test_names_of_a_data_frame_and_inputs_left_as_they_are(blobs):
    X, y = blobs
    frame = pd.DataFrame(X / [1.0, 100.0], columns=["a", "b"])
    plane = JustFitClassifier(**SMALL, standardize=False, random_state=0).fit(frame, y).sweep_.explored.plane
    assert (plane.x_name, plane.y_name) == ("a", "b")
    np.testing.assert_allclose(np.column_stack([plane.x, plane.y]), frame, atol=0.05)


def test_other_tables_have_none(fitted, patients_csv):
    explored = fitted.result.sweep.explored
    assert explored.plane is None
    assert len(explored.views) == len(fitted.result.sweep.l2) * len(fitted.result.sweep.dropout)
    assert {view.surface for view in explored.views} == {()}


def test_one_number_and_its_gaps_are_no_plane(tmp_path):
    """Two features, but one of them says only where the other is missing."""
    generator = np.random.default_rng(0)
    size = generator.normal(size=90).round(3)
    frame = pd.DataFrame({"size": size, "kind": np.where(size > 0, "big", "small")})
    frame.loc[::7, "size"] = np.nan
    fit = fit_table(frame, target="kind", out=tmp_path / "out")
    assert fit.encoder.feature_names == ("size", "size is missing")
    assert fit.result.sweep.explored.plane is None
