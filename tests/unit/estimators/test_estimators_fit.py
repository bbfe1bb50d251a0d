"""What a fitted estimator is, and what it does not depend on."""

import itertools
import os
import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils._param_validation import InvalidParameterError

from justfit import JustFitClassifier, JustFitRegressor
from justfit.cures import BLIND_SCHEMES
from justfit.errors import ArgumentError, DataError, DivergedError, OutputError, TargetError
from justfit.sweep import Search, _decide, _plan
from tests.unit.estimators.conftest import SMALL

FIXED = {**SMALL, "l2": 0.3, "dropout": 0.2, "random_state": 0}


def weights_of(model):
    return {name: tensor.numpy().tobytes() for name, tensor in model.module_.state_dict().items()}


# --- the network ---------------------------------------------------------------------------------------------------


def test_module_is_a_plain_network_on_raw_inputs(swept_classifier, blobs):
    module, X = swept_classifier.module_, blobs[0]
    assert type(module) is torch.nn.Sequential
    assert not module.training
    with torch.no_grad():
        chances = module(torch.tensor(X, dtype=torch.float32)).softmax(1).numpy()
    assert np.allclose(chances, swept_classifier.predict_proba(X), atol=1e-5)
    assert swept_classifier.score(*blobs) > 0.85  # raw inputs in the thousands, so scaling is part of it


def test_module_of_a_regressor_speaks_the_target_s_unit(swept_regressor, slope):
    X, y = slope
    with torch.no_grad():
        outputs = swept_regressor.module_(torch.tensor(X, dtype=torch.float32)).numpy()
    assert outputs.shape == (150, 1)
    assert np.allclose(outputs[:, 0], swept_regressor.predict(X), atol=0.01)
    assert abs(swept_regressor.predict(X).mean() - y.mean()) < 5
    assert swept_regressor.score(X, y) > 0.9


def test_module_has_dropout_that_is_off(fixed_classifier, blobs):
    layers = [layer for layer in fixed_classifier.module_ if isinstance(layer, torch.nn.Dropout)]
    assert [layer.p for layer in layers] == [0.2]
    X = torch.tensor(blobs[0], dtype=torch.float32)
    quiet = fixed_classifier.module_(X)
    assert torch.equal(quiet, fixed_classifier.module_(X))
    noisy = pickle.loads(pickle.dumps(fixed_classifier.module_)).train()  # noqa: S301 - our own bytes
    assert not torch.equal(quiet, noisy(X))


def test_predictions_agree_with_each_other(swept_classifier, blobs):
    X = blobs[0]
    chances = swept_classifier.predict_proba(X)
    assert np.allclose(chances.sum(axis=1), 1.0, atol=1e-12)
    assert np.array_equal(swept_classifier.predict(X), swept_classifier.classes_[chances.argmax(axis=1)])
    assert np.allclose(np.exp(swept_classifier.predict_log_proba(X)), chances)


def test_a_row_s_prediction_does_not_depend_on_the_batch(swept_classifier, blobs):
    X = blobs[0]
    single = np.concatenate([swept_classifier.predict_proba(row[None]) for row in X[:10]])
    assert np.allclose(single, swept_classifier.predict_proba(X)[:10], rtol=0, atol=1e-12)


def test_log_probabilities_stay_finite_where_probabilities_vanish(fixed_classifier):
    far = np.array([[1e6, 1e8], [-1e6, 1e8]])
    assert np.isfinite(fixed_classifier.predict_log_proba(far)).all()
    assert fixed_classifier.predict_proba(far).min() == 0.0


def test_facts_and_verdict(swept_classifier, blobs):
    model = swept_classifier
    assert model.verdict_.state in ("overfitting", "underfitting", "just_right", "undecided")
    assert model.sweep_.num_examples == 150
    assert (model.l2_, model.dropout_) == (model.sweep_.chosen_l2, model.sweep_.chosen_dropout)
    assert model.n_iter_ == 12
    assert model.network_.num_parameters == 2 * 8 + 8 + 8 * 3 + 3
    page = model.to_html()
    assert page.lower().startswith("<!doctype html>")
    assert "150" in page


def test_report_goes_to_a_file_too(swept_classifier, tmp_path):
    page = swept_classifier.to_html(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text("utf-8") == page
    with pytest.raises(OutputError, match=r"must be a place where a file can be written"):
        swept_classifier.to_html(tmp_path / "none" / "report.html")


def test_regressor_s_losses_are_in_the_target_s_unit(swept_regressor, slope):
    verdict = swept_regressor.verdict_
    assert verdict.unit == "squared target"
    assert verdict.constant_loss == pytest.approx(slope[1].var(), rel=1e-5)
    assert verdict.validation_loss < 0.5 * verdict.constant_loss


def test_constant_inputs_do_no_harm(blobs):
    X, y = blobs
    wide = np.column_stack([X, np.full(len(X), 1.7e9), np.zeros(len(X))])
    assert JustFitClassifier(**FIXED).fit(wide, y).score(wide, y) > 0.85


def test_linear_model_without_hidden_layers(blobs):
    model = JustFitClassifier(**{**FIXED, "hidden_layer_sizes": (), "max_iter": 60}).fit(*blobs)
    assert [type(layer).__name__ for layer in model.module_] == ["Standardize", "Linear"]
    assert model.score(*blobs) > 0.8


def test_unscaled_inputs_are_left_alone(blobs):
    X, y = blobs
    X = (X - X.mean(0)) / X.std(0)
    model = JustFitClassifier(**FIXED, standardize=False).fit(X, y)
    assert isinstance(model.module_[0], torch.nn.Linear)
    assert model.score(X, y) > 0.85


def test_constant_target():
    X = np.random.default_rng(0).normal(size=(40, 2))
    model = JustFitRegressor(**{**SMALL, "max_iter": 300}, random_state=0).fit(X, np.full(40, 0.1))
    assert np.allclose(model.predict(X), 0.1, atol=0.05)


# --- what the result does not depend on ----------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", [{}, {"l2": 0.3, "dropout": 0.2}], ids=["swept", "fixed"])
def test_one_seed_one_network_whatever_the_threads(blobs, parameters):
    first = JustFitClassifier(**SMALL, **parameters, random_state=7, n_jobs=1).fit(*blobs)
    again = JustFitClassifier(**SMALL, **parameters, random_state=7, n_jobs=2).fit(*blobs)
    assert weights_of(first) == weights_of(again)
    assert first.sweep_ == again.sweep_
    assert first.verdict_ == again.verdict_
    other = JustFitClassifier(**SMALL, **parameters, random_state=8, n_jobs=1).fit(*blobs)
    assert weights_of(first) != weights_of(other)


def test_the_number_of_cores_does_not_change_the_plan(blobs, monkeypatch):
    thorough, brief = _plan.Effort(3, 1, 4, 1, 60), _plan.Effort(2, 1, 3, 1, 60)
    monkeypatch.setattr(_plan, "LADDER", (thorough, brief))
    # 12 networks × 2 epochs × 4 batches: 100 nominal seconds on one thread, 50 on two; 72 fit into the budget
    monkeypatch.setattr(_plan, "model_step_seconds", lambda *_: 100 / 96)
    settings = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
    folds = {}
    for cores in (1, 2, 16):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        folds[cores] = JustFitClassifier(**settings).fit(*blobs).sweep_.num_folds
    assert set(folds.values()) == {3}
    monkeypatch.setattr(_plan, "model_step_seconds", lambda *_: 200 / 96)
    assert JustFitClassifier(**settings).fit(*blobs).sweep_.num_folds == 2  # or the first rung would fit anything


def test_random_state_may_be_a_generator(blobs):
    fits = [JustFitClassifier(**{**FIXED, "random_state": np.random.RandomState(3)}).fit(*blobs) for _ in range(2)]
    assert weights_of(fits[0]) == weights_of(fits[1])


def test_global_generators_stay_as_they_are(blobs):
    np.random.seed(1)  # noqa: NPY002 - the very generator that must not be touched
    torch.manual_seed(1)
    numpy_before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    num_threads = torch.get_num_threads()
    model = JustFitClassifier(**SMALL, random_state=0).fit(*blobs)
    model.predict(blobs[0])
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert torch.get_num_threads() == num_threads


def test_without_a_seed_numpy_s_own_generator_decides(blobs):
    settings = {**FIXED, "random_state": None}
    np.random.seed(5)  # noqa: NPY002 - scikit-learn's convention for None
    first = JustFitClassifier(**settings).fit(*blobs)
    second = JustFitClassifier(**settings).fit(*blobs)
    np.random.seed(5)  # noqa: NPY002
    again = JustFitClassifier(**settings).fit(*blobs)
    assert weights_of(first) == weights_of(again) != weights_of(second)


@pytest.mark.parametrize("parameters", [{}, {"l2": 0.3, "dropout": 0.2}], ids=["swept", "fixed"])
def test_rows_of_weight_zero_are_no_rows(blobs, parameters):
    X, y = blobs
    kept = np.arange(len(y)) % 4 != 0
    few = JustFitClassifier(**SMALL, **parameters, random_state=0).fit(X[kept], y[kept], np.ones(kept.sum()))
    X_noise = np.where(kept[:, None], X, 1e6)
    none = JustFitClassifier(**SMALL, **parameters, random_state=0).fit(X_noise, y, kept.astype(float))
    assert weights_of(few) == weights_of(none)
    assert few.sweep_ == none.sweep_
    assert weights_of(few) != weights_of(JustFitClassifier(**SMALL, **parameters, random_state=0).fit(X, y))


@pytest.mark.parametrize("kind", [JustFitClassifier, JustFitRegressor])
def test_only_the_ratio_of_weights_counts(kind, blobs):
    X, y = blobs
    weights = np.random.default_rng(2).uniform(0.1, 3, len(y))
    once, twice = (kind(**SMALL, random_state=0).fit(X, y, factor * weights) for factor in (1.0, 2.0))
    assert weights_of(once) == weights_of(twice)
    assert once.sweep_ == twice.sweep_
    assert once.verdict_ == twice.verdict_
    assert weights_of(once) != weights_of(kind(**SMALL, random_state=0).fit(X, y))


def test_weights_draw_the_network_to_the_heavy_rows(blobs):
    X, y = blobs
    heavy = np.where(y == 0, 30.0, 1.0)
    plain, drawn = JustFitClassifier(**FIXED).fit(X, y), JustFitClassifier(**FIXED).fit(X, y, heavy)
    assert (drawn.predict(X) == 0).sum() > (plain.predict(X) == 0).sum() + 10


def test_classes_that_weigh_nothing_are_unknown(blobs):
    X, y = blobs
    model = JustFitClassifier(**FIXED).fit(X, y, (y != 2).astype(float))
    assert model.classes_.tolist() == [0, 1]


# --- inputs and parameters -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_frames_give_the_same_network_and_names(frame, blobs):
    X, y = blobs
    table = frame({"age": X[:, 0], "dose": X[:, 1]})
    target = pd.Series(y) if frame is pd.DataFrame else pl.Series(y)
    model = JustFitClassifier(**FIXED).fit(table, target)
    assert model.feature_names_in_.tolist() == ["age", "dose"]
    plain = JustFitClassifier(**FIXED).fit(X, y)
    assert weights_of(model) == weights_of(plain)
    assert not hasattr(plain, "feature_names_in_")
    assert np.array_equal(model.predict_proba(table), plain.predict_proba(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame({"dose": X[:, 1], "age": X[:, 0]}))


@pytest.mark.parametrize(
    "labels",
    [["low", "mid", "high"], [-5, 0, 10], [0.0, 1.0, 2.0], ["1", "2", "10"]],
    ids=["text", "int", "float", "digits"],
)
def test_classes_come_back_as_they_were(labels, blobs):
    X, y = blobs
    given = np.array(labels)[y]
    model = JustFitClassifier(**FIXED).fit(X, given)
    predicted = model.predict(X)
    assert predicted.dtype == given.dtype
    assert (predicted == given).mean() > 0.85
    assert model.classes_.tolist() == sorted(labels)


def test_booleans_are_classes(blobs):
    X, y = blobs
    model = JustFitClassifier(**FIXED).fit(X, y == 1)
    assert model.predict(X).dtype == bool
    assert model.predict_proba(X).shape == (150, 2)


def test_parameters_are_kept_untouched(blobs):
    given = {"hidden_layer_sizes": [8], "l2": np.float64(0.1), "dropout": 0, "batch_size": 32, "cv": "auto"}
    model = JustFitClassifier(**given, max_iter=2, random_state=0)
    before = model.get_params()
    model.fit(*blobs)
    assert all(model.get_params()[name] is before[name] for name in before)
    assert model.get_params()["hidden_layer_sizes"] is given["hidden_layer_sizes"]
    assert clone(model).get_params() == before
    assert repr(model).startswith("JustFitClassifier(")


def test_pickled_and_cloned(swept_classifier, blobs):
    revived = pickle.loads(pickle.dumps(swept_classifier))  # noqa: S301 - our own bytes
    assert np.array_equal(revived.predict_proba(blobs[0]), swept_classifier.predict_proba(blobs[0]))
    assert revived.sweep_ == swept_classifier.sweep_
    blank = clone(swept_classifier)
    assert not hasattr(blank, "module_")


@pytest.mark.parametrize(
    ("batch_size", "steps_of"),
    [(32, 32), ("auto", 150), (500, 150)],  # MLPClassifier's "auto" is min(200, n), and no batch is larger than n
)
def test_alpha_is_that_of_mlpclassifier(batch_size, steps_of, blobs):
    settings = {**SMALL, "dropout": 0.0, "random_state": 0}
    model = JustFitClassifier(**settings, alpha=0.02, batch_size=batch_size).fit(*blobs)
    assert model.l2_ == pytest.approx(0.02 * 150 / steps_of)


def test_alpha_means_the_same_penalty_as_in_mlpclassifier(blobs):
    """At the optimum of a linear model both must find the same weights; a factor of two would show."""
    X, y = blobs
    X, y = (X - X.mean(0)) / X.std(0), (y == 1).astype(int)
    alpha, long = 0.5, {"max_iter": 1500, "batch_size": 150, "learning_rate_init": 0.02, "random_state": 0}
    peer = MLPClassifier((), alpha=alpha, tol=0, n_iter_no_change=10**6, **long)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        peer.fit(X, y)
    ours = JustFitClassifier((), alpha=alpha, dropout=0.0, **long).fit(X, y)
    two_sided = ours.module_[1].weight.double().detach().numpy() / ours.module_[0].scale.double().numpy()
    # one logistic unit of weight w costs w²; two softmax columns ±w/2 cost half of it: compare where that is equal
    ours_twin = JustFitClassifier((), alpha=2 * alpha, dropout=0.0, **long).fit(X, y)
    twin = ours_twin.module_[1].weight.double().detach().numpy() / ours_twin.module_[0].scale.double().numpy()
    assert np.allclose(twin[1] - twin[0], peer.coefs_[0][:, 0], rtol=0.01)
    assert not np.allclose(two_sided[1] - two_sided[0], peer.coefs_[0][:, 0], rtol=0.1)


def test_alpha_means_the_same_penalty_as_in_mlpregressor(blobs):
    """MLPRegressor halves the squared error, so the same alpha is twice the l2; a factor of two would show."""
    X, _ = blobs
    X = (X - X.mean(0)) / X.std(0)
    y = X @ [0.8, -0.5] + np.random.default_rng(3).normal(0, 0.3, 150)
    y = (y - y.mean()) / y.std()
    alpha, long = 20.0, {"max_iter": 1500, "batch_size": 150, "learning_rate_init": 0.02, "random_state": 0}
    peer = MLPRegressor(hidden_layer_sizes=(), alpha=alpha, tol=0, n_iter_no_change=10**6, **long)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        peer.fit(X, y)
    ours = JustFitRegressor((), alpha=alpha, dropout=0.0, **long).fit(X, y)
    assert ours.l2_ == 2 * alpha
    assert np.allclose(ours.module_[1].weight.detach().numpy()[0], peer.coefs_[0][:, 0], rtol=0.01)
    halved = JustFitRegressor((), alpha=alpha / 2, dropout=0.0, **long).fit(X, y)
    assert not np.allclose(halved.module_[1].weight.detach().numpy()[0], peer.coefs_[0][:, 0], rtol=0.03)


# --- cut short -----------------------------------------------------------------------------------------------------


def test_ctrl_c_comes_through_and_leaves_the_best_so_far(blobs, monkeypatch):
    """A loop around `fit`, a grid search for one, must stop; the user at a prompt still has a network."""
    measure = Search._measure

    def interrupt_third(search, result):
        if len(result.epochs) == 2:
            raise KeyboardInterrupt
        measure(search, result)

    monkeypatch.setattr(Search, "_measure", interrupt_third)
    model = JustFitClassifier(**{**SMALL, "max_iter": 30}, random_state=0)
    with pytest.raises(KeyboardInterrupt, match=r"interrupted after epoch \d+ of 30"):
        model.fit(*blobs)
    assert model.score(*blobs) > 0.85
    assert model.interruption_.startswith("interrupted after epoch")
    assert "interrupted after epoch" in model.to_html().replace("\u00a0", " ")


def test_the_clock_is_said_as_scikit_learn_says_it(blobs, monkeypatch):
    clock = itertools.count(0, 1000)
    monkeypatch.setattr(_decide.time, "monotonic", lambda: next(clock))
    model = JustFitClassifier(**SMALL, random_state=0, budget_seconds=500)
    with pytest.warns(ConvergenceWarning, match=r"the time budget ended after epoch 1 of 12"):
        model.fit(*blobs)
    assert model.interruption_.startswith("the time budget ended")
    assert model.n_iter_ == 12  # the refit is whole
    assert not JustFitClassifier(**FIXED).fit(*blobs).interruption_


def test_diverged_networks_are_not_delivered(blobs):
    with pytest.raises(DivergedError, match=r"must end with finite weights. Found NaN or infinity after training on"):
        JustFitClassifier(**{**FIXED, "learning_rate_init": 1e38, "activation": "identity"}).fit(*blobs)


# --- refusals ------------------------------------------------------------------------------------------------------


def refusal(kind, message, X=None, y=None, **parameters):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(30, 2)) if X is None else X
    y = np.arange(len(X)) % 2 if y is None else y
    with pytest.raises(kind, match=message):
        JustFitClassifier(**{**SMALL, "l2": 0.1, "dropout": 0.0, **parameters}).fit(X, y)


def test_refuses_two_penalties():
    refusal(ArgumentError, r"Give `l2` or `alpha`, not both.*Found `l2=0.1` and `alpha=0.01`", alpha=0.01)


@pytest.mark.parametrize("sizes", [(8, 0), (8.5,), ((8, 8), (8, 8)), ("8",)])
def test_refuses_layers_that_are_none(sizes):
    refusal(ArgumentError, r"`hidden_layer_sizes` must be whole numbers of units", hidden_layer_sizes=sizes)


def test_refuses_zero_jobs():
    refusal(ArgumentError, r"`n_jobs` must not be 0", n_jobs=0)


def test_refuses_infinite_l2():
    refusal(InvalidParameterError, r"The 'l2' parameter .* in the range \[0.0, inf\). Got inf", l2=float("inf"))


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"dropout": 1.0}, "dropout"),
        ({"l2": -1.0}, "l2"),
        ({"l2": "big"}, "l2"),
        ({"activation": "gelu"}, "activation"),
        ({"init": "magic"}, "init"),
        ({"max_iter": 0}, "max_iter"),
        ({"cv": 1}, "cv"),
        ({"learning_rate_init": 0.0}, "learning_rate_init"),
        ({"budget_seconds": 0}, "budget_seconds"),
        ({"hidden_layer_sizes": "wide"}, "hidden_layer_sizes"),
    ],
)
def test_refuses_parameters_as_scikit_learn_does(parameters, name):
    refusal(InvalidParameterError, f"The '{name}' parameter of JustFitClassifier must be", **parameters)


def test_refuses_the_scheme_that_measures_and_names_the_others():
    words = r"The 'init' parameter of JustFitClassifier must be a str among {[^}]*}\. Got 'auto' instead\."
    with pytest.raises(InvalidParameterError, match=words) as caught:
        JustFitClassifier(init="auto").fit(np.zeros((30, 2)), np.arange(30) % 2)
    assert set(re.findall(r"'(\w+)'", re.search("{.*}", str(caught.value))[0])) == set(BLIND_SCHEMES)


def test_refuses_one_class():
    refusal(TargetError, r"at least 2 classes. Found one class, 1", y=np.ones(30, int))


def test_refuses_quantities_as_classes():
    refusal(ValueError, "Unknown label type", y=np.linspace(0, 1, 30))


def test_refuses_too_few_rows():
    refusal(DataError, r"At least 4 training rows.*Found 3 samples", X=np.zeros((3, 2)))


def test_refuses_weights_that_leave_no_rows(blobs):
    with pytest.raises(ValueError, match=r"At least 4 training rows|at least one non-zero number"):
        JustFitClassifier(**FIXED).fit(*blobs, np.zeros(150))
    with pytest.raises(ValueError, match="Negative values in data"):
        JustFitClassifier(**FIXED).fit(*blobs, -np.ones(150))


@pytest.mark.parametrize("standardize", [True, False])
def test_refuses_numbers_beyond_32_bits(standardize, recwarn):
    X = np.random.default_rng(0).normal(size=(30, 2)) * [1.0, 1e200]
    refusal(DataError, r"a 32-bit float can hold. Found values up to \d\.\d+e\+200", X=X, standardize=standardize)
    assert not recwarn.list


def test_refuses_targets_beyond_32_bits(recwarn):
    X, y = np.random.default_rng(0).normal(size=(30, 2)), np.arange(30) * 1e160
    with pytest.raises(TargetError, match=r"a 32-bit float can hold. Found values up to 2.9e\+161"):
        JustFitRegressor(**FIXED).fit(X, y)
    assert not recwarn.list


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "save", "to_html"])
def test_refuses_before_fit(method, tmp_path):
    model = JustFitClassifier()
    with pytest.raises(NotFittedError, match="This JustFitClassifier instance is not fitted yet"):
        getattr(model, method)(*{"save": [tmp_path], "to_html": []}.get(method, [np.zeros((1, 2))]))


def test_report_needs_a_sweep(fixed_classifier):
    assert fixed_classifier.sweep_ is None
    assert fixed_classifier.verdict_ is None
    with pytest.raises(ArgumentError, match=r"A report shows a sweep. Found `l2` and `dropout` both fixed"):
        fixed_classifier.to_html()
