"""The scikit-learn part of the encoder: filling, scaling and one feature per category."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from justfit.tables._columns import Column
from justfit.tables._plan import MAX_CATEGORIES, MIN_CATEGORY_ROWS

RARE = "(rare)"


def build_transformer(columns: Sequence[Column]) -> Any:
    """Build an unfitted ColumnTransformer for what `prepare` gives.

    Marks of missing values stay in {0, 1}: standardised, a mark that is set in one row of 100,000 would be 316.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import MissingIndicator, SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    parts = {
        "number": Pipeline([("fill", SimpleImputer(strategy="median")), ("scale", StandardScaler())]),
        "missing": MissingIndicator(features="all", error_on_new=False),
        "category": OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            min_frequency=MIN_CATEGORY_ROWS,
            max_categories=MAX_CATEGORIES,
            sparse_output=False,
            dtype=np.float32,
        ),
    }
    names = group_names(columns)
    return ColumnTransformer([(part, parts[part], names[part]) for part in parts if names[part]], sparse_threshold=0.0)


def group_names(columns: Sequence[Column]) -> dict[str, list[str]]:
    """Return the names of the columns that each part of the transformer takes."""
    return {
        "number": [c.name for c in columns if not c.is_category and c.is_filled],
        "missing": [c.name for c in columns if not c.is_category and c.is_marked],
        "category": [c.name for c in columns if c.is_category],
    }


def name_features(transformer: Any, columns: Sequence[Column]) -> tuple[str, ...]:
    """Name the features for people, in the order of the matrix."""
    names = group_names(columns)
    features = [*names["number"], *(f"{name} is missing" for name in names["missing"])]
    for name, categories, rare in _categories(transformer, columns):
        features += [f"{name} = {category}" for category in categories if category not in rare]
        features += [f"{name} = {RARE}"] if rare else []
    return tuple(features)


def fitted_scales(transformer: Any, columns: Sequence[Column]) -> dict[str, tuple[float, float]]:
    """Return (mean, standard deviation) by column of numbers, in the order of the features; dates are left out."""
    names = group_names(columns)["number"]
    if not names:
        return {}
    scaler = transformer.named_transformers_["number"].named_steps["scale"]
    dates = {column.name for column in columns if column.kind == "date"}
    scales = zip(names, scaler.mean_, scaler.scale_, strict=True)
    return {name: (float(mean), float(deviation)) for name, mean, deviation in scales if name not in dates}


def shown_categories(transformer: Any, columns: Sequence[Column]) -> dict[str, list[str]]:
    """Return all categories that were fitted, rare ones too, by column."""
    return {name: categories for name, categories, _ in _categories(transformer, columns)}


def _categories(transformer: Any, columns: Sequence[Column]) -> list[tuple[str, list[str], set[str]]]:
    names = group_names(columns)["category"]
    if not names:
        return []
    encoder = transformer.named_transformers_["category"]
    rare = [set() if words is None else set(words) for words in encoder.infrequent_categories_]
    return [(n, list(c), r) for n, c, r in zip(names, encoder.categories_, rare, strict=True)]
