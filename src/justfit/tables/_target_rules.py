"""Which task a target column sets, and what makes it unlearnable."""

from __future__ import annotations

from typing import Literal

import polars as pl

from justfit.errors import ArgumentError, TargetError
from justfit.tables._nearest import list_names
from justfit.tables._table import Task
from justfit.tables._text import parse_numbers

MAX_NUMBER_CLASSES = 20
ROWS_PER_NUMBER_CLASS = 10


def plain(series: pl.Series) -> pl.Series:
    """Bring a target to one of the types that `Target.decode` gives back; NaN becomes null, categories text.

    Raises:
        TargetError: It holds dates or nested values.
    """
    dtype = series.dtype
    if dtype.is_decimal():
        series = series.cast(pl.Float64)
    elif isinstance(dtype, pl.Categorical | pl.Enum):
        series = series.cast(pl.String)
    elif dtype.is_temporal() or dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        raise TargetError(
            f"The target `{series.name}` must hold numbers, text or booleans.",
            found=f"values of type {dtype}",
            way_out="Turn it into a number first, for instance days since a date.",
        )
    return series.fill_nan(None) if series.dtype.is_float() else series


def numbers_of(series: pl.Series, name: str) -> pl.Series:
    """Read a regression target as finite 64-bit floats; missing values stay null.

    Raises:
        TargetError: A value is no number, or infinite.
    """
    values = plain(series)
    if values.dtype == pl.String:
        numbers = parse_numbers(values).fill_nan(None)
        wrong = values.filter(numbers.is_null() & values.is_not_null())
    else:
        numbers = values.cast(pl.Float64)
        wrong = values.head(1) if values.dtype == pl.Boolean else values.clear()
    if wrong.len():
        raise TargetError(
            f"Regression needs a target of numbers, and `{name}` holds something else.",
            found=f"`{name}={wrong[0]}`",
            way_out="Take `--task classification`, or clean the column.",
        )
    num_infinite = int(numbers.is_infinite().sum())
    if num_infinite:
        raise _infinite(name, num_infinite)
    return numbers


def choose_task(
    values: pl.Series, task: Literal["auto", "classification", "regression"], name: str
) -> tuple[Task, str]:
    """Choose the task for the present values of a target, and say why.

    Raises:
        TargetError: Some values are infinite.
        ArgumentError: There is no such task.
    """
    if task not in ("auto", "classification", "regression"):
        raise ArgumentError(
            "`task` must be auto, classification or regression.",
            found=f"`task={task!r}`",
            way_out="auto looks at the target and says what it took.",
        )
    if task != "auto":
        return task, "you asked for it"
    if not values.dtype.is_numeric():
        kind = "booleans" if values.dtype == pl.Boolean else "text"
        return "classification", f"`{name}` holds {kind}"
    if values.dtype.is_float():
        num_infinite = int(values.is_infinite().sum())
        if num_infinite:
            raise _infinite(name, num_infinite)
        if (values != values.round()).any():
            return "regression", f"`{name}` holds numbers with fractions"
    num_distinct, num_rows = values.n_unique(), values.len()
    what = f"`{name}` holds {num_distinct} different whole numbers in {num_rows} rows"
    if num_distinct <= 2:
        return "classification", what
    if num_distinct > MAX_NUMBER_CLASSES:
        return "regression", f"{what}, more than the {MAX_NUMBER_CLASSES} that could be classes"
    if num_rows < ROWS_PER_NUMBER_CLASS * num_distinct:
        return "regression", f"{what}, fewer than {ROWS_PER_NUMBER_CLASS} rows for each"
    return "classification", f"{what}, at most {MAX_NUMBER_CLASSES} and {ROWS_PER_NUMBER_CLASS} rows or more for each"


def list_classes(values: pl.Series, name: str) -> tuple[str, ...]:
    """List the classes of a target as text, in ascending order of the values.

    Raises:
        TargetError: There is one class only, nearly as many classes as rows, or a class with a single row.
    """
    counts = values.value_counts(name="rows").sort(values.name)
    classes = tuple(_as_text(value) for value in counts[values.name])
    if len(classes) == 1:
        raise TargetError(
            f"The target `{name}` must have two classes or more.",
            found=f"only `{classes[0]}`",
            way_out="Name another column with `--target`, or add rows of another class.",
        )
    if len(classes) > values.len() / 2:
        raise _too_many(values, name, len(classes))
    single = [name_ for name_, rows in zip(classes, counts["rows"], strict=True) if rows == 1]
    if single:
        raise TargetError(
            "Every class must have two rows or more, one to learn from and one to test on.",
            found=f"a single row of {list_names(single, limit=12)} in `{name}`",
            way_out="Leave these rows out, or merge rare classes into one.",
        )
    return classes


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _too_many(values: pl.Series, name: str, num_classes: int) -> TargetError:
    way_out = "It looks like an identifier: name another column with `--target`."
    if values.dtype.is_numeric():
        way_out = "It looks like a quantity: take `--task regression`."
    elif values.dtype == pl.String:
        numbers = parse_numbers(values)
        if numbers.null_count() < values.len() / 2:
            words = values.filter(numbers.is_null()).unique(maintain_order=True)
            way_out = f"Most of them are numbers: clean {list_names(words.to_list(), limit=3)}."
            way_out = way_out if words.len() else "All of them are numbers: take `--task regression`."
    return TargetError(
        "A class must have two rows or more on average.",
        found=f"{num_classes} classes in {values.len()} rows of `{name}`",
        way_out=way_out,
    )


def _infinite(name: str, num_rows: int) -> TargetError:
    return TargetError(
        f"The target `{name}` must be finite.",
        found=f"{num_rows} infinite values",
        way_out="Leave those rows out, or replace the infinities.",
    )
