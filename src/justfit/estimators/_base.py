"""What classifier and regressor share while they learn and predict."""

from __future__ import annotations

import copy
import numbers
import os
import warnings
from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from torch import nn

from justfit.cures import BLIND_SCHEMES
from justfit.errors import ArgumentError, DataError
from justfit.estimators._learn import Data, Learned, learn, require_rows
from justfit.estimators._standardize import complete_module
from justfit.records import FitVerdict, NetworkFacts, SweepRecord
from justfit.sweep import ACTIVATIONS, TwoFeatures, Wishes

MAX_FLOAT32 = float(np.finfo(np.float32).max)


class JustFitBase(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A multilayer perceptron whose l2 and dropout are chosen by cross-validation; see the subclasses."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": [StrOptions({"auto"}), "array-like", Interval(numbers.Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "l2": [StrOptions({"auto"}), Interval(numbers.Real, 0, None, closed="left")],
        "dropout": [StrOptions({"auto"}), Interval(numbers.Real, 0, 1, closed="left")],
        "alpha": [None, Interval(numbers.Real, 0, None, closed="left")],
        "init": [StrOptions(set(BLIND_SCHEMES))],
        "batch_size": [StrOptions({"auto"}), Interval(numbers.Integral, 1, None, closed="left")],
        "learning_rate_init": [Interval(numbers.Real, 0, None, closed="neither")],
        "max_iter": [StrOptions({"auto"}), Interval(numbers.Integral, 1, None, closed="left")],
        "cv": [StrOptions({"auto"}), Interval(numbers.Integral, 2, None, closed="left")],
        "num_seeds": [StrOptions({"auto"}), Interval(numbers.Integral, 1, None, closed="left")],
        "budget_seconds": [None, Interval(numbers.Real, 0, None, closed="neither")],
        "standardize": ["boolean"],
        "random_state": ["random_state"],
        "n_jobs": [None, numbers.Integral],
    }

    module_: nn.Sequential
    sweep_: SweepRecord | None
    verdict_: FitVerdict | None
    l2_: float
    dropout_: float
    n_features_in_: int
    n_iter_: int
    network_: NetworkFacts
    interruption_: str
    num_examples_: int
    target_scale_: float
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        hidden_layer_sizes: Any = "auto",
        activation: str = "relu",
        *,
        l2: Any = "auto",
        dropout: Any = "auto",
        alpha: float | None = None,
        init: str = "he",
        batch_size: Any = "auto",
        learning_rate_init: float = 5e-3,
        max_iter: Any = "auto",
        cv: Any = "auto",
        num_seeds: Any = "auto",
        budget_seconds: float | None = None,
        standardize: bool = True,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.l2 = l2
        self.dropout = dropout
        self.alpha = alpha
        self.init = init
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.cv = cv
        self.num_seeds = num_seeds
        self.budget_seconds = budget_seconds
        self.standardize = standardize
        self.random_state = random_state
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Choose l2 and dropout by cross-validation, judge the plain network, and train the chosen one on all rows.

        Args:
            X: [n, d] numbers.
            y: [n] targets.
            sample_weight: [n] non-negative weights; rows of weight 0 are left out.

        Returns:
            self.

        Raises:
            ArgumentError: `alpha` and `l2` are both given, a layer has no units, or `n_jobs` is 0.
            DataError: Fewer than 4 rows of positive weight, or numbers that 32-bit floats cannot hold.
            TargetError: One class only, or targets that 32-bit floats cannot hold.
            DivergedError: Every network ended in NaN or infinity.
            KeyboardInterrupt: Ctrl-C; what was trained until then is kept on the estimator.
        """
        checked = validate_data(self, X, y, dtype=[np.float64, np.float32], y_numeric=self._task == "regression")
        rows: NDArray[Any] = checked[0]
        labels: NDArray[Any] = checked[1]
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
            kept = weights > 0
            rows, labels, weights = rows[kept], labels[kept], weights[kept]
        require_rows(len(rows))
        wishes = self._wishes(len(rows))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        inputs, scaling = _scaled(rows, self.standardize)
        codes, num_outputs, target_scaling = self._encode_target(labels, weights)
        data = Data(
            inputs=inputs,
            targets=codes,
            weights=None if weights is None else (weights / weights.mean()).astype(np.float32),
            num_outputs=num_outputs,
            task=self._task,
            loss_scale=1.0 if target_scaling is None else target_scaling[1] ** 2,
            unit="nats" if target_scaling is None else "squared target",
            features=self._two_features(scaling, target_scaling) if inputs.shape[1] == 2 else None,
        )
        learned = learn(data, wishes, seed=seed, compare=False, limit_seconds=self.budget_seconds)
        self.adopt(learned, scaling, target_scaling, num_examples=len(rows), seed=seed)
        if learned.interrupted_by_user:  # the best so far stays on self, but a loop around this must stop
            raise KeyboardInterrupt(learned.interrupted)
        if learned.interrupted:
            message = f"justfit: {learned.interrupted}; its networks are not fully trained"
            warnings.warn(message, ConvergenceWarning, stacklevel=2)
        return self

    @property
    @abstractmethod
    def _task(self) -> Any: ...

    @abstractmethod
    def _encode_target(
        self, y: NDArray[Any], weights: NDArray[np.float64] | None
    ) -> tuple[NDArray[Any], int, tuple[float, float] | None]: ...

    def adopt(
        self,
        learned: Learned,
        scaling: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
        target_scaling: tuple[float, float] | None,
        *,
        num_examples: int,
        seed: int,
    ) -> Self:
        """Take over what was learned as fitted attributes."""
        tensors = None
        if scaling is not None:
            tensors = (torch.from_numpy(scaling[0]), torch.from_numpy(scaling[1]))
        self.module_ = complete_module(learned.after[0], tensors, target_scaling)
        self.sweep_ = learned.sweep
        self.verdict_ = learned.verdict
        self.l2_ = learned.l2
        self.dropout_ = learned.dropout
        self.n_iter_ = learned.epochs
        self.network_ = learned.network_facts(num_examples, seed)
        self.interruption_ = learned.interrupted
        self.num_examples_ = num_examples
        self.target_scale_ = 1.0 if target_scaling is None else target_scaling[1]
        return self

    def _two_features(
        self,
        scaling: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
        target_scaling: tuple[float, float] | None,
    ) -> TwoFeatures:
        first, second = getattr(self, "feature_names_in_", ("feature 1", "feature 2"))
        shifts, scales = ((0.0, 0.0), (1.0, 1.0)) if scaling is None else (values.tolist() for values in scaling)
        target_shift, target_scale = target_scaling or (0.0, 1.0)
        return TwoFeatures(
            names=(str(first), str(second)),
            shifts=(shifts[0], shifts[1]),
            scales=(scales[0], scales[1]),
            target_shift=target_shift,
            target_scale=target_scale,
            classes=tuple(str(label) for label in getattr(self, "classes_", ())),
        )

    def _outputs(self, X: ArrayLike) -> NDArray[np.float64]:
        """Outputs [n, O] of the module, computed in float64 so that they do not depend on the batch."""
        check_is_fitted(self, "module_")
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        inputs = torch.from_numpy(np.require(X, np.float64, ("C", "W")))  # torch warns of read-only memory
        module = copy.deepcopy(self.module_).double()
        with torch.no_grad():
            blocks = [module(block) for block in torch.split(inputs, 65_536)]
        return np.asarray(torch.cat(blocks).numpy())

    def _wishes(self, num_rows: int) -> Wishes:
        batch_size = None if self.batch_size == "auto" else int(self.batch_size)
        l2 = None if self.l2 == "auto" else float(self.l2)
        if self.alpha is not None:
            if l2 is not None:
                raise ArgumentError(
                    "Give `l2` or `alpha`, not both: they are the same penalty in two units.",
                    found=f"`l2={self.l2}` and `alpha={self.alpha}`",
                    way_out="`l2` is the λ of λ/(2n)·Σw²; `alpha` is scikit-learn's, l2 = alpha·n/batch_size (twice "
                    "that for regression).",
                )
            halved = 2.0 if self._task == "regression" else 1.0  # MLPRegressor's loss is half the squared error
            l2 = halved * float(self.alpha) * num_rows / min(batch_size or min(200, num_rows), num_rows)
        return Wishes(
            hidden=None if isinstance(self.hidden_layer_sizes, str) else _layer_sizes(self.hidden_layer_sizes),
            activation=self.activation,  # type: ignore[arg-type]  # checked by _parameter_constraints
            epochs=None if self.max_iter == "auto" else int(self.max_iter),
            batch_size=batch_size,
            learning_rate=float(self.learning_rate_init),
            num_folds=None if self.cv == "auto" else min(int(self.cv), max(2, num_rows // 2)),
            num_seeds=None if self.num_seeds == "auto" else int(self.num_seeds),
            l2=l2,
            dropout=None if self.dropout == "auto" else float(self.dropout),
            init=self.init,  # type: ignore[arg-type]  # checked by _parameter_constraints
            budget_seconds=self.budget_seconds,
            num_threads=_num_threads(self.n_jobs),
        )


def _scaled(
    rows: NDArray[Any], standardize: bool
) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], NDArray[np.float32]] | None]:
    """Inputs as the network sees them, and (mean, standard deviation) as the module holds them.

    Both are rounded to 32 bits before they are used, so that the network is trained on exactly what its module makes.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if not standardize:
            inputs, scaling = np.require(rows, np.float32, ("C", "W")), None
        else:
            mean, deviation = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
            varies = deviation > np.maximum(1e-12 * np.abs(mean), np.finfo(np.float32).tiny)
            constant = np.maximum(np.abs(mean), 1.0)  # so that rounding the mean of a constant column stays small
            scaling = (mean.astype(np.float32), np.where(varies, deviation, constant).astype(np.float32))
            inputs = ((rows - scaling[0].astype(np.float64)) / scaling[1].astype(np.float64)).astype(np.float32)
    if not np.isfinite(inputs).all() or (scaling is not None and not np.isfinite(scaling).all()):
        raise DataError(
            "Inputs and their variance must be numbers that a 32-bit float can hold.",
            found=f"values up to {np.abs(rows).max():.3g}",
            way_out="Divide the largest columns by a constant, or take their logarithm.",
        )
    return inputs, scaling


def _layer_sizes(sizes: Any) -> tuple[int, ...]:
    widths = np.atleast_1d(np.asarray(sizes))
    if widths.size and (widths.ndim != 1 or widths.dtype.kind not in "iu" or widths.min() < 1):
        raise ArgumentError(
            "`hidden_layer_sizes` must be whole numbers of units, each at least 1.",
            found=f"`hidden_layer_sizes={sizes!r}`",
            way_out='(64, 64) is two layers of 64 units; () is a linear model; "auto" chooses.',
        )
    return tuple(int(width) for width in widths)


def _num_threads(n_jobs: int | None) -> int:
    """Threads as joblib counts them: −1 all cores, −2 all but one."""
    if n_jobs == 0:
        raise ArgumentError("`n_jobs` must not be 0.", found="`n_jobs=0`", way_out="None and -1 use all cores.")
    cores = os.cpu_count() or 1
    jobs = -1 if n_jobs is None else int(n_jobs)
    return jobs if jobs > 0 else max(1, cores + 1 + jobs)
