"""What the tests of the estimators share: a small plan, small arrays, a small table with all its troubles."""

from contextlib import contextmanager

import numpy as np
import polars as pl
import pytest

from justfit import JustFitClassifier, JustFitRegressor
from justfit.estimators import fit_table
from justfit.sweep import _grid, _plan

SMALL = {"hidden_layer_sizes": (8,), "max_iter": 12, "learning_rate_init": 0.02, "cv": 2, "num_seeds": 1}


@contextmanager
def small_ladder():
    """A plan of one small rung, so that a whole fit takes a quarter of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_plan, "LADDER", (_plan.Effort(2, 1, 4, 2, 60),))
        patch.setattr(_grid, "PROBE_STEPS", 60)  # else the search for the largest l2 would take most of the time
        yield


@pytest.fixture(autouse=True)
def _small_plan():
    with small_ladder():
        yield


@pytest.fixture(scope="session")
def blobs():
    """150 rows of three overlapping classes in the plane, on features of very different size."""
    generator = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 50)
    X = generator.normal(size=(150, 2)) + np.array([[0, 0], [3, 0], [0, 3]])[y]
    order = generator.permutation(150)
    return (X * [1.0, 100.0] + [5.0, -2000.0])[order], y[order]


@pytest.fixture(scope="session")
def slope(blobs):
    """The same rows with a number to predict, in the thousands."""
    X, _ = blobs
    return X, 1000.0 + 30.0 * X[:, 0] + 0.2 * X[:, 1] + np.random.default_rng(1).normal(size=150)


@pytest.fixture(scope="session")
def swept_classifier(blobs):
    with small_ladder():
        return JustFitClassifier(**SMALL, random_state=0).fit(*blobs)


@pytest.fixture(scope="session")
def fixed_classifier(blobs):
    return JustFitClassifier(**SMALL, l2=0.3, dropout=0.2, random_state=0).fit(*blobs)


@pytest.fixture(scope="session")
def swept_regressor(slope):
    with small_ladder():
        return JustFitRegressor(**SMALL, random_state=0).fit(*slope)


def make_table(num_rows=120, seed=0):
    """Missing numbers, categories, a constant column, an identifier, a text target."""
    generator = np.random.default_rng(seed)
    age = generator.normal(50, 10, num_rows)
    town = generator.choice(["Oslo", "Rome", "Bern"], num_rows)
    sick = age + 10 * (town == "Rome") + generator.normal(0, 4, num_rows) > 53
    frame = pl.DataFrame(
        {
            "patient": [f"p{number:05d}" for number in range(num_rows)],
            "age": age.round(2),
            "town": town,
            "hospital": ["central"] * num_rows,
            "diagnosis": np.where(sick, "sick", "well"),
            "stay": (age / 10 + 3 * sick + generator.normal(0, 0.5, num_rows)).round(3),
        }
    )
    some = np.arange(num_rows) % 9 == 4
    return frame.with_columns(
        age=pl.when(pl.Series(some)).then(None).otherwise(pl.col("age")),
        town=pl.when(pl.Series(np.roll(some, 1))).then(None).otherwise(pl.col("town")),
    )


@pytest.fixture(scope="session")
def patients():
    return make_table()


@pytest.fixture(scope="session")
def patients_csv(patients, tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "patients.csv"
    patients.write_csv(path)
    return path


@pytest.fixture(scope="session")
def fitted(patients_csv, tmp_path_factory):
    """A classification of the patients, written to disk; tests only read it."""
    with small_ladder():
        return fit_table(patients_csv, target="diagnosis", out=tmp_path_factory.mktemp("fits") / "diagnosis")


@pytest.fixture(scope="session")
def fitted_number(patients_csv, tmp_path_factory):
    """A regression on the patients, written to disk; tests only read it."""
    with small_ladder():
        return fit_table(patients_csv, target="stay", out=tmp_path_factory.mktemp("fits") / "stay")


@pytest.fixture
def folder_of(fitted):
    """Where the classification lies."""
    return fitted.files["result.json"].parent
