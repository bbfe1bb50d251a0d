"""The regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin

from justfit.errors import TargetError
from justfit.estimators._base import MAX_FLOAT32
from justfit.estimators._estimator import JustFitEstimator


class JustFitRegressor(RegressorMixin, JustFitEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A multilayer perceptron regressor that chooses its l2 and dropout, and says how well it fits.

    As `JustFitClassifier`, with the mean squared error of the standardised target as loss, so λ means the same
    whatever the target's unit; losses are reported in the target's own squared unit.

    Args:
        hidden_layer_sizes, activation, l2, dropout, alpha, init, batch_size, learning_rate_init, max_iter, cv,
            num_seeds, budget_seconds, standardize, random_state, n_jobs: As in `JustFitClassifier`.

    Attributes:
        module_: The trained network, a plain `torch.nn.Sequential` from raw inputs to the target's own unit.
        sweep_, verdict_, l2_, dropout_, n_iter_, n_features_in_, feature_names_in_: As in `JustFitClassifier`.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> from justfit import JustFitRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = JustFitRegressor(max_iter=30, cv=3, num_seeds=1, random_state=0).fit(X, y)
        >>> model.predict(X[:2]).shape, model.verdict_.unit
        ((2,), 'squared target')
    """

    @property
    def _task(self) -> str:
        return "regression"

    def _encode_target(
        self, y: NDArray[Any], weights: NDArray[np.float64] | None
    ) -> tuple[NDArray[np.float32], int, tuple[float, float]]:
        numbers = y.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(np.average(numbers, weights=weights))
            deviation = float(np.sqrt(np.average((numbers - mean) ** 2, weights=weights)))
        if not (abs(mean) <= MAX_FLOAT32 and deviation <= MAX_FLOAT32):
            raise TargetError(
                "The target must have a mean and a variance that a 32-bit float can hold.",
                found=f"values up to {np.abs(numbers).max():.3g}",
                way_out="Divide it by a large constant, or take its logarithm.",
            )
        deviation = deviation if deviation > 1e-12 * max(abs(mean), 1e-300) else 1.0
        return ((numbers - mean) / deviation).astype(np.float32), 1, (mean, deviation)

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict the target of each row [n, d]."""
        return np.asarray(self._outputs(X)[:, 0])
