"""Tables that are in memory already: data frames, and the sets that scikit-learn ships."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl

from justfit.errors import ArgumentError
from justfit.tables._header import duplicate_names
from justfit.tables._table import Table


def from_frame(source: Any) -> pl.DataFrame:
    """Turn a data frame of any library that narwhals knows (polars, pandas, pyarrow, …) into a polars one.

    Raises:
        ArgumentError: It is no data frame.
        ColumnError: Two columns share a name.
    """
    import narwhals as nw

    if isinstance(source, pl.DataFrame):
        return source
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    names = [str(name) for name in getattr(source, "columns", [])]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise duplicate_names(repeated)
    try:
        frame = nw.from_native(source, eager_only=True)
    except TypeError as error:
        raise ArgumentError(
            "A table must be a path, the name of a shipped set, or a data frame.",
            found=f"a value of type {type(source).__name__}",
            way_out="Arrays have no column names: wrap them, for instance in a polars.DataFrame.",
        ) from error
    return pl.DataFrame([_to_polars(column).alias(str(column.name)) for column in frame.iter_columns()])


def load_set(name: str) -> Table:
    """Load one of scikit-learn's shipped sets; its target column is named "target"."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    features = {str(feature): bunch.data[:, i] for i, feature in enumerate(bunch.feature_names)}
    return Table(name, pl.DataFrame({**features, "target": bunch.target}), "target")


def _to_polars(series: Any) -> pl.Series:
    try:
        converted: pl.Series = series.to_polars()
    except ImportError:  # pandas' own text and category types go through pyarrow, which need not be installed
        pairs = zip(series.to_list(), series.is_null().to_list(), strict=True)
        values = [None if is_null else value for value, is_null in pairs]
        try:
            converted = pl.Series(values, strict=True)
        except TypeError:  # text and numbers in one column
            converted = pl.Series([None if value is None else str(value) for value in values])
    return converted
