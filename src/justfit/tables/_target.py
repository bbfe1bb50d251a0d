"""The column to learn: which task it sets, and its way to numbers and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from justfit.errors import StoredModelError, TargetError
from justfit.records import from_dict, to_dict
from justfit.tables._nearest import list_names
from justfit.tables._table import Task, require_columns
from justfit.tables._target_rules import choose_task, list_classes, numbers_of, plain

DTYPES = (
    *(f"{kind}{bits}" for kind in ("Int", "UInt") for bits in (8, 16, 32, 64, 128)),
    *("Float32", "Float64", "Boolean", "String"),
)
"""Names of the polars types that a decoded target can have."""


@dataclass(frozen=True)
class Target:
    """A target column, ready to be encoded and decoded.

    Attributes:
        task: What there is to learn.
        task_reason: Why, in words.
        classes: The classes as text, in ascending order; their positions are the codes. Empty for regression.
        mean: Mean that regression subtracts, in units of the target; 0 for classification.
        scale: Standard deviation that regression divides by, in units of the target; 1 for classification.
        name: The column's name.
        dtype: Name of the polars type that `decode` gives back: an integer, float, Boolean or String type.
    """

    task: Task
    task_reason: str
    classes: tuple[str, ...]
    mean: float
    scale: float
    name: str = "target"
    dtype: str = "String"

    def encode(self, series: pl.Series) -> NDArray[Any]:
        """Turn values into what a network learns.

        Args:
            series: [rows] values of the target, none missing.

        Returns:
            [rows] int64 class codes in [0, classes), or float64 standardised values (y − mean)/scale.

        Raises:
            TargetError: A value is missing, is no number (regression) or is no known class (classification).
        """
        if self.task == "regression":
            return (_all_present(numbers_of(series, self.name), self.name).to_numpy() - self.mean) / self.scale
        values = _all_present(plain(series), self.name)
        known = self._values()
        codes = _cast(values, known.dtype).replace_strict(
            known, pl.arange(len(known), eager=True), default=None, return_dtype=pl.Int64
        )
        if codes.null_count():
            unknown = values.filter(codes.is_null()).unique().cast(pl.String).sort().to_list()
            raise TargetError(
                f"`{self.name}` must hold the classes that are known, {list_names(self.classes)}.",
                found=list_names(unknown),
                way_out="Leave these rows out, or fit again with them.",
            )
        return codes.to_numpy()

    def decode(self, codes: NDArray[Any]) -> pl.Series:
        """Turn class codes, or standardised predictions, back into the target's own values.

        Args:
            codes: [rows] class codes in [0, classes), or predictions in units of standard deviations.

        Returns:
            [rows] The classes in the type of the column they came from (categories as text); regression gives
            64-bit floats in the target's unit, also where the target held integers.
        """
        if self.task == "regression":
            return pl.Series(self.name, np.asarray(codes, dtype=np.float64) * self.scale + self.mean)
        return self._values()[np.asarray(codes, dtype=np.int64)]

    def fit_scale(self, train_values: pl.Series) -> Self:
        """Return this target with the mean and standard deviation of the training rows; classes stay as they are.

        Raises:
            TargetError: A value is missing, or all are the same.
        """
        if self.task == "classification":
            return self
        mean, scale = _mean_and_scale(_all_present(numbers_of(train_values, self.name), self.name), self.name)
        return replace(self, mean=mean, scale=scale)

    def to_dict(self) -> dict[str, Any]:
        """Turn the target into plain values that JSON can hold."""
        fields: dict[str, Any] = to_dict(self)
        return fields

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Rebuild a target from what `to_dict` made.

        Raises:
            StoredModelError: A field is missing, unknown or of the wrong type.
        """
        target = from_dict(cls, fields)
        if target.dtype not in DTYPES:
            raise StoredModelError(
                "A stored target must name a type of polars.",
                found=f"`{target.dtype}`",
                way_out="Write the model again with `justfit fit`.",
            )
        return target

    def _values(self) -> pl.Series:
        text = pl.Series(self.name, self.classes, dtype=pl.String)
        if self.dtype == "Boolean":
            return text == "true"
        return text.cast(getattr(pl, self.dtype))


def infer_target(
    series: pl.Series, *, task: Literal["auto", "classification", "regression"] = "auto", name: str | None = None
) -> Target:
    """Find out what a target column asks for.

    Text, booleans and categories are classes. Numbers with fractions are a quantity. Whole numbers are classes if
    there are two of them, or at most 20 with ten rows or more for each on average: fewer rows teach no class, and
    more than 20 whole numbers are nearly always counts. `task` overrules this.

    Args:
        series: The target of **all** rows that have one, so that a rare class is known although no training row shows
            it; missing values are skipped (see `drop_unlabelled`).
        task: "auto", or the task itself.
        name: The column's name for messages; by default that of `series`.

    Returns:
        The target. Its mean and scale are those of `series`; take `fit_scale` to have those of the training rows.

    Raises:
        TargetError: Nothing can be learned: no values, one value, infinities, a class with a single row, nearly as
            many classes as rows, text where numbers are needed, or dates.
        ArgumentError: There is no such task.

    >>> infer_target(pl.Series("grade", ["a", "b", "a", "b"])).classes
    ('a', 'b')
    """
    name = series.name if name is None else name
    values = plain(series).drop_nulls()
    if not values.len():
        raise TargetError(
            f"The target `{name}` must have values.",
            found=f"{series.len()} rows, all missing",
            way_out="Name another column with `--target`.",
        )
    chosen, reason = choose_task(values, task, name)
    if chosen == "regression":
        mean, scale = _mean_and_scale(numbers_of(values, name), name)
        return Target(chosen, reason, (), mean, scale, name, "Float64")
    return Target(chosen, reason, list_classes(values, name), 0.0, 1.0, name, str(values.dtype))


def drop_unlabelled(frame: pl.DataFrame, target: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Leave out the rows whose target is missing (null or NaN).

    Returns:
        The other rows, in their order, and a note that counts what was left out (empty if nothing was).

    Raises:
        ColumnError: There is no such column.
        TargetError: The target is missing in every row.
    """
    require_columns(frame, [target])
    present = plain(frame[target]).is_not_null()
    num_missing = int((~present).sum())
    if num_missing == frame.height:
        infer_target(frame[target])  # raises with the right words
    if not num_missing:
        return frame, ()
    return frame.filter(present), (f"{num_missing} of {frame.height} rows have no `{target}` and were left out.",)


def _cast(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    try:
        return values.cast(dtype, strict=False)
    except pl.exceptions.PolarsError:  # text to booleans, for one: no value is a known class
        return pl.Series(values.name, [None] * values.len(), dtype=dtype)


def _all_present(values: pl.Series, name: str) -> pl.Series:
    if values.null_count():
        raise TargetError(
            f"Every row must have a value of `{name}`.",
            found=f"{values.null_count()} missing values",
            way_out="Leave those rows out with `drop_unlabelled`.",
        )
    return values


def _mean_and_scale(numbers: pl.Series, name: str) -> tuple[float, float]:
    values = numbers.to_numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        mean, scale = float(values.mean()), float(values.std())
    if not np.isfinite([mean, scale]).all():
        raise TargetError(
            f"`{name}` must have a mean and a variance that a 64-bit float can hold.",
            found=f"values up to {np.abs(values).max():.3g}",
            way_out="Divide it by a large constant, or take its logarithm.",
        )
    if scale <= 1e-12 * abs(mean):  # closer together than the rounding of their own mean
        raise TargetError(
            f"The target `{name}` must vary.",
            found=f"only the value {mean:.6g}",
            way_out="There is nothing to learn from one value; name another column with `--target`.",
        )
    return mean, scale
