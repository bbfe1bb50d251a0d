"""The classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.multiclass import check_classification_targets

from justfit.errors import TargetError
from justfit.estimators._estimator import JustFitEstimator


class JustFitClassifier(ClassifierMixin, JustFitEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A multilayer perceptron classifier that chooses its l2 and dropout, and says how well it fits.

    `fit` trains the whole grid of l2 × dropout × fold × seed in one vectorised program, chooses by paired
    cross-validation (kept only where distinguishably better than none), judges the network without regularization, and
    trains the chosen network on all rows. The objective is the mean cross entropy plus λ/(2n)·Σw² over weights (lecture
    eq. 1).

    Args:
        hidden_layer_sizes: Units per hidden layer; "auto" chooses by the number of rows.
        activation: "relu", "tanh", "logistic" or "identity".
        l2: λ ≥ 0, or "auto" to choose.
        dropout: Probability of dropping a hidden unit, in [0, 1), or "auto" to choose.
        alpha: MLPClassifier's l2, given instead of `l2`: l2 = alpha·n/batch_size, with MLPClassifier's own batch size,
            min(200, n), where `batch_size` is "auto".
        init: "he", "xavier", "glorot", "lecun", "orthogonal", "normal" or "zero".
        batch_size: Examples per step; "auto" chooses by the number of rows.
        learning_rate_init: Peak learning rate of Adam, decayed to 0 along a cosine.
        max_iter: Epochs; "auto" chooses by the number of rows.
        cv: Number of folds, ≥ 2; "auto" is 5 unless the budget is small.
        num_seeds: Seeds per cell and fold; "auto" is 2 unless the budget is small.
        budget_seconds: Wall time to aim at; None aims at two minutes and never stops by the clock.
        standardize: Scale inputs to mean 0 and variance 1 first; the scaling is part of `module_`.
        random_state: Seed; the same seed gives the same network, bit for bit, on one machine.
        n_jobs: Threads; None and -1 use all cores, -2 all but one. The result does not depend on it, bit for bit.

    Attributes:
        classes_: Class labels.
        module_: The trained network, a plain `torch.nn.Sequential` from raw inputs to class scores.
        sweep_: The grid, the choice and its uncertainty (`justfit.records.SweepRecord`); None if nothing was searched.
        verdict_: Fit verdict on the network without regularization; None if nothing was searched.
        l2_, dropout_: The values used.
        n_iter_: Epochs trained.
        n_features_in_, feature_names_in_: As in scikit-learn.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from justfit import JustFitClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = JustFitClassifier(max_iter=30, cv=3, num_seeds=1, random_state=0).fit(X, y)
        >>> model.score(X, y) > 0.9, model.predict_proba(X[:2]).shape
        (True, (2, 3))
    """

    classes_: NDArray[Any]

    @property
    def _task(self) -> str:
        return "classification"

    def _encode_target(
        self,
        y: NDArray[Any],
        weights: NDArray[np.float64] | None,  # noqa: ARG002 - a class code does not depend on weights
    ) -> tuple[NDArray[np.int64], int, None]:
        check_classification_targets(y)
        encoder = LabelEncoder().fit(y)
        self.classes_ = encoder.classes_
        if len(self.classes_) < 2:
            raise TargetError(
                "A classifier needs at least 2 classes.",
                found=f"one class, {self.classes_.tolist()[0]!r}",
                way_out="Check that the rows (and sample weights) leave more than one class.",
            )
        return encoder.transform(y).astype(np.int64), len(self.classes_), None

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the likeliest class of each row [n, d]."""
        codes = self._outputs(X).argmax(axis=1)  # first: it knows how to say "not fitted"
        return np.asarray(self.classes_[codes])

    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict log probabilities, [n, classes] in the order of `classes_`."""
        return np.asarray(log_softmax(self._outputs(X), axis=1))

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict probabilities, [n, classes] in the order of `classes_`."""
        return np.asarray(np.exp(self.predict_log_proba(X)))
