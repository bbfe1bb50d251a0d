"""`justfit predict`: a stored model applied to a table."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from justfit.errors import StoredModelError
from justfit.estimators._classifier import JustFitClassifier
from justfit.estimators._folder import read_target
from justfit.estimators._regressor import JustFitRegressor
from justfit.estimators._storage import MODEL_FILE, read_description
from justfit.tables import Encoder, Target, read_table, write_table


@dataclass(frozen=True, kw_only=True)
class TablePrediction:
    """Predictions for a table.

    Attributes:
        frame: One row per row of the table: the prediction, and for classes one probability column each.
        notes: What was ignored or treated as unknown.
    """

    frame: pl.DataFrame
    notes: tuple[str, ...]


def predict_table(
    directory: str | os.PathLike[str], source: Any, *, out: str | os.PathLike[str] | None = None
) -> TablePrediction:
    """Predict with a model that `fit_table` wrote.

    Args:
        directory: What `justfit fit --out` wrote.
        source: A table with the training table's columns (the target may be missing, further columns are ignored).
        out: File to write; its suffix decides the format.

    Returns:
        `<target>` holds the prediction; `probability of <class>` the chances, each in [0, 1].

    Raises:
        StoredModelError: The directory is not one that `justfit fit` wrote, or its files do not belong together.
        ColumnError: A column is missing, or holds text where numbers are needed.
        OutputError: `out` cannot be written.
    """
    folder = Path(directory)
    kinds: dict[Any, type[JustFitClassifier] | type[JustFitRegressor]] = {
        kind.__name__: kind for kind in (JustFitClassifier, JustFitRegressor)
    }
    name = read_description(folder).get("estimator")
    if name not in kinds:
        raise StoredModelError(
            f"`{folder / MODEL_FILE}` must hold one of {', '.join(kinds)}.",
            found=repr(name),
            way_out="Name the directory that `justfit fit` wrote.",
        )
    estimator, encoder, target = kinds[name].load(folder), Encoder.load(folder), read_target(folder)
    _hold_together(folder, estimator, encoder, target)
    frame = read_table(source).frame
    inputs = encoder.transform(frame)
    prediction = TablePrediction(frame=_predictions(estimator, inputs, target), notes=encoder.check(frame))
    if out is not None:
        write_table(prediction.frame, Path(out))
    return prediction


def _predictions(
    estimator: JustFitClassifier | JustFitRegressor, inputs: np.ndarray[Any, np.dtype[np.float32]], target: Target
) -> pl.DataFrame:
    if isinstance(estimator, JustFitRegressor):
        return pl.DataFrame({target.name: estimator.predict(inputs)})
    chances = estimator.predict_proba(inputs)
    columns = {f"probability of {label}": chances[:, code] for code, label in enumerate(target.classes)}
    return pl.DataFrame({target.name: target.decode(chances.argmax(axis=1)), **columns})


def _hold_together(
    folder: Path, estimator: JustFitClassifier | JustFitRegressor, encoder: Encoder, target: Target
) -> None:
    num_classes = len(estimator.classes_) if isinstance(estimator, JustFitClassifier) else 0
    task = "classification" if num_classes else "regression"
    ours = (estimator.n_features_in_, task, num_classes)
    theirs = (len(encoder.feature_names), target.task, len(target.classes))
    if ours != theirs:
        raise StoredModelError(
            f"The model, the preprocessing and the target in `{folder}` must come from one fit.",
            found=f"a model of (features, task, classes) {ours} beside files of {theirs}",
            way_out="Fit again, and copy the whole directory.",
        )
