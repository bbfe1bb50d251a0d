"""The record of an estimator that was fitted on arrays."""

from __future__ import annotations

import importlib.metadata
import platform

from justfit.errors import ArgumentError
from justfit.estimators._base import JustFitBase
from justfit.records import DatasetFacts, FitResult
from justfit.rules import next_steps


def package_versions() -> dict[str, str]:
    """Versions of everything that decides the numbers."""
    packages = ("justfit", "torch", "numpy", "scikit-learn")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in packages}}


def estimator_result(estimator: JustFitBase) -> FitResult:
    """Make the record of a fitted estimator, as `justfit fit` makes it of a table.

    Raises:
        ArgumentError: l2 and dropout were both fixed, so there was no sweep.
    """
    sweep, verdict = estimator.sweep_, estimator.verdict_
    if sweep is None or verdict is None:
        raise ArgumentError(
            "A report shows a sweep.",
            found="`l2` and `dropout` both fixed, so nothing was swept",
            way_out='Leave at least one of them at "auto".',
        )
    classes = getattr(estimator, "classes_", None)
    dataset = DatasetFacts(
        name="the training data",
        num_rows=estimator.num_examples_,
        num_columns=estimator.n_features_in_ + 1,
        num_features=estimator.n_features_in_,
        num_train=estimator.num_examples_,
        num_test=0,
        num_sweep=sweep.num_examples,
        target="y",
        task="regression" if classes is None else "classification",
        task_reason=f"a {type(estimator).__name__} was fitted",
        classes=() if classes is None else tuple(str(label) for label in classes),
        target_scale=estimator.target_scale_,
        dropped_columns=(),
        notes=("No test part was held out: the numbers are cross-validated on the training data.",),
    )
    return FitResult(
        dataset=dataset,
        network=estimator.network_,
        verdict=verdict,
        sweep=sweep,
        test=None,
        next_steps=next_steps(verdict, sweep),
        interrupted=bool(estimator.interruption_),
        interruption=estimator.interruption_,
        elapsed_seconds={},
        versions=package_versions(),
    )
