"""scikit-learn estimators, and the table-to-network job that `justfit fit` runs.

>>> from sklearn.datasets import load_wine
>>> from justfit.estimators import JustFitClassifier
>>> X, y = load_wine(return_X_y=True)
>>> model = JustFitClassifier(hidden_layer_sizes=(32,), max_iter=40, cv=3, num_seeds=1, random_state=0).fit(X, y)
>>> model.verdict_.state in ("overfitting", "just_right", "undecided"), model.score(X, y) > 0.95
(True, True)

`fit_table` does the whole of it for a file: hold out a test part, encode, sweep, choose, judge, refit, compare, write.
"""

from __future__ import annotations

from justfit.estimators._classifier import JustFitClassifier
from justfit.estimators._predict import TablePrediction, predict_table
from justfit.estimators._regressor import JustFitRegressor
from justfit.estimators._table_fit import TableFit, fit_table

__all__ = ["JustFitClassifier", "JustFitRegressor", "TableFit", "TablePrediction", "fit_table", "predict_table"]
