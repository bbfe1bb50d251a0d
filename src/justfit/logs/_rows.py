"""Rows of names and values to columns: what JSON, JSON lines and databases hold.

>>> columns_of([{"step": 1, "train": {"loss": 0.5}}, {"step": 1, "val": {"loss": "NaN"}}]).to_dict(as_series=False)
{'step': [1.0, 1.0], 'train.loss': [0.5, None], 'val.loss': [None, nan]}
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

_DEEPEST = 4  # of values inside values; a metric has a name, perhaps with a group or two


def columns_of(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Make a column of each name; numbers and words that are numbers become floats, other text stays text.

    Args:
        rows: Each with its own names; values inside values are joined with a dot.

    Returns:
        As many rows; null where a row has no such name. Truth values, lists and None are left out.
    """
    columns: dict[str, tuple[list[int], list[float | str]]] = {}
    for k, row in enumerate(rows):
        is_flat = not any(type(value) is dict for value in row.values())
        for name, value in row.items() if is_flat else _flat(row):
            usable = value if type(value) is float else _number_or_word(value)
            if usable is None:
                continue
            if name not in columns:
                columns[name] = [], []
            places, values = columns[name]
            places.append(k)
            values.append(usable)
    return pl.DataFrame([_column(name, places, values, len(rows)) for name, (places, values) in columns.items()])


def columns_of_lists(lists: Mapping[str, Any]) -> pl.DataFrame:
    """Make a column of each list, as in `{"loss": […], "val_loss": […]}`; a shorter one ends in nulls."""
    kept = {name: values for name, values in lists.items() if isinstance(values, list) and values}
    height = max(map(len, kept.values()), default=0)
    return columns_of(
        [
            {name: values[k] for name, values in kept.items() if k < len(values) and not isinstance(values[k], dict)}
            for k in range(height)
        ]
    )


def wide(series: Mapping[str, Sequence[tuple[float, float]]]) -> pl.DataFrame:
    """Join series of (step, value) on their steps; of several values at one step the last is kept.

    >>> wide({"loss": [(1, 0.5), (2, 0.4)], "val/loss": [(2, 0.6)]}).to_dict(as_series=False)
    {'step': [1.0, 2.0], 'loss': [0.5, 0.4], 'val/loss': [None, 0.6]}
    """
    steps = sorted({step for points in series.values() for step, _ in points})
    columns = [pl.Series("step", steps, dtype=pl.Float64)]
    for name, points in series.items():
        if name != "step":
            by_step = dict(points)
            columns.append(pl.Series(name, [by_step.get(step) for step in steps], dtype=pl.Float64))
    return pl.DataFrame(columns)


def as_number(value: Any) -> float | None:
    """Take a value as a number; None where it is none.

    >>> as_number("NaN"), as_number("1e-3"), as_number(True), as_number("fast"), as_number(10**400)
    (nan, 0.001, None, None, inf)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:
        return math.inf


def _number_or_word(value: Any) -> float | str | None:
    number = as_number(value)
    return value if number is None and isinstance(value, str) else number


def _flat(row: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _flat(value, f"{name}.", depth + 1)
        else:
            yield name, value


def _column(name: str, places: Iterable[int], values: list[float | str], height: int) -> pl.Series:
    import numpy as np

    index = np.asarray(places, dtype=np.int64)
    if any(isinstance(value, str) for value in values):
        words: list[str | None] = [None] * height
        for k, value in zip(places, values, strict=True):
            words[k] = str(value)
        return pl.Series(name, words, dtype=pl.String)
    numbers = np.zeros(height)
    numbers[index] = values
    known = np.zeros(height, dtype=bool)
    known[index] = True
    return pl.Series(name, numbers).set(pl.Series(~known), None)
