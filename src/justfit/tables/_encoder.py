"""A frame of any columns to one float32 matrix, the same way every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self, final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from justfit.errors import ArgumentError, ColumnError
from justfit.tables._columns import Column, prepare, refuse_infinite, refuse_missing_columns
from justfit.tables._nearest import list_names
from justfit.tables._plan import plan_columns
from justfit.tables._storage import StoredEncoder, read_encoder, write_encoder
from justfit.tables._table import require_columns
from justfit.tables._transformer import build_transformer, fitted_scales, name_features, shown_categories

SAMPLE_ROWS = 200_000  # standard errors of medians and means are then below 0.3 % of the spread
CHUNK_ROWS = 50_000


@final
class Encoder:
    """Turns the columns of a table into the numbers a network takes in; fitted on training rows only.

    Numbers are filled with the median, marked where they were missing, and standardised to mean 0 and variance 1;
    dates are numbers of days; each frequent category is a feature in {0, 1}, the rare ones (in fewer than 5 rows, or
    beyond the 30 most frequent) share one, and a missing category is one of its own. Columns that cannot teach
    anything are dropped and named. Statistics come from at most 200,000 rows, drawn with a fixed seed.

    Attributes:
        columns: Names of the columns that new rows must have.
        dropped: (column, reason) of the others.
        feature_names: Names of the features, in the order of the matrix.
        notes: What was noticed while fitting, one sentence each.

    >>> frame = pl.DataFrame({"age": [30, None, 50] * 9, "city": ["Rome", "Oslo", "Rome"] * 9})
    >>> encoder = Encoder().fit(frame)
    >>> encoder.feature_names
    ('age', 'age is missing', 'city = Oslo', 'city = Rome')
    >>> encoder.transform(pl.DataFrame({"age": [40], "city": ["Bern"]})).shape
    (1, 4)
    """

    def __init__(self) -> None:
        self._columns: tuple[Column, ...] = ()
        self._transformer: Any = None
        self.columns: tuple[str, ...] = ()
        self.dropped: tuple[tuple[str, str], ...] = ()
        self.feature_names: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()

    def fit(self, frame: pl.DataFrame, exclude: str | None = None) -> Self:
        """Look at the training rows.

        Args:
            frame: Training rows, in the order of the table.
            exclude: A column that is no feature: the target.

        Raises:
            ColumnError: A number is infinite or too large, no column is left, or there is no column `exclude`.
        """
        require_columns(frame, [] if exclude is None else [exclude])  # a typing error would make the target a feature
        names = [name for name in frame.columns if name != exclude]
        refuse_infinite(frame, names)
        sample = _draw_rows(frame)
        plan = plan_columns(frame, sample, names)
        self._columns, self.dropped, self.notes = plan.columns, plan.dropped, plan.notes
        self.columns = tuple(column.name for column in plan.columns)
        self._transformer = build_transformer(plan.columns).fit(prepare(sample, plan.columns))
        self.feature_names = name_features(self._transformer, plan.columns)
        return self

    def transform(self, frame: pl.DataFrame) -> NDArray[np.float32]:
        """Encode rows.

        Args:
            frame: Rows with the columns `columns`; others are ignored. Categories that were not in the training rows
                take the feature of the rare ones, or no feature where there is none.

        Returns:
            [rows, features] float32, C-contiguous, all finite.

        Raises:
            ColumnError: Columns are missing, or a value is infinite, too large, or not of its column's kind.
            ArgumentError: The encoder is not fitted.
        """
        self._refuse_unfitted()
        refuse_missing_columns(frame, self._columns)
        refuse_infinite(frame, self.columns)
        features = np.empty((frame.height, len(self.feature_names)), dtype=np.float32)
        for start in range(0, frame.height, CHUNK_ROWS):
            chunk = prepare(frame.slice(start, CHUNK_ROWS), self._columns)
            with np.errstate(over="ignore"):
                features[start : start + chunk.height] = self._transformer.transform(chunk)
            self._refuse_overflow(features[start : start + chunk.height])
        return features

    def number_scales(self) -> dict[str, tuple[float, float]]:
        """Say what was subtracted from each column of numbers, and what it was then divided by; dates are left out.

        Raises:
            ArgumentError: The encoder is not fitted.
        """
        self._refuse_unfitted()
        return fitted_scales(self._transformer, self._columns)

    def check(self, frame: pl.DataFrame) -> tuple[str, ...]:
        """Say what `transform` will pass over in these rows: extra columns, and categories it never saw.

        Raises:
            ColumnError: Columns are missing, or a value is not of its column's kind.
            ArgumentError: The encoder is not fitted.
        """
        self._refuse_unfitted()
        refuse_missing_columns(frame, self._columns)
        notes = []
        known = {*self.columns, *(name for name, _ in self.dropped)}
        extra = [name for name in frame.columns if name not in known]
        if extra:
            notes.append(f"Columns that the network never saw are ignored: {list_names(extra)}.")
        for name, categories in shown_categories(self._transformer, self._columns).items():
            column = next(column for column in self._columns if column.name == name)
            values = prepare(frame, [column])[name]
            unseen = values.filter(~values.is_in(categories))
            if unseen.len():
                words = list_names(unseen.unique().sort().to_list(), limit=3)
                notes.append(f"`{name}` has categories that were not fitted, in {unseen.len()} rows: {words}.")
        return tuple(notes)

    def save(self, directory: str | Path) -> None:
        """Write preprocessing.json and preprocessing.skops to an existing directory, without pickle.

        Raises:
            OutputError: They cannot be written.
            ArgumentError: The encoder is not fitted.
        """
        self._refuse_unfitted()
        stored = StoredEncoder(
            columns=self._columns, dropped=self.dropped, notes=self.notes, feature_names=self.feature_names
        )
        write_encoder(Path(directory), stored, self._transformer)

    @classmethod
    def load(cls, directory: str | Path) -> Self:
        """Read what `save` wrote; files of another make are refused, and no code in them is run.

        Raises:
            StoredModelError: A file is missing, damaged, changed, or not from here.
        """
        stored, transformer = read_encoder(Path(directory))
        encoder = cls()
        encoder._columns, encoder._transformer = stored.columns, transformer
        encoder.columns = tuple(column.name for column in stored.columns)
        encoder.dropped, encoder.notes = stored.dropped, stored.notes
        encoder.feature_names = stored.feature_names
        return encoder

    def _refuse_unfitted(self) -> None:
        if self._transformer is None:
            raise ArgumentError(
                "An encoder must be fitted before it is used.",
                found="an encoder that has seen no rows",
                way_out="Call `fit` with the training rows, or `Encoder.load`.",
            )

    def _refuse_overflow(self, features: NDArray[np.float32]) -> None:
        num_bad = np.count_nonzero(~np.isfinite(features), axis=0)
        if num_bad.any():
            worst = int(num_bad.argmax())
            raise ColumnError(
                "Every number must lie near enough to the fitted ones to be standardised in 32 bits.",
                found=f"{num_bad[worst]} values of `{self.feature_names[worst]}` that are far too large",
                way_out="Correct these values, or leave the cells empty.",
            )


def _draw_rows(frame: pl.DataFrame) -> pl.DataFrame:
    if frame.height == 0:
        raise ColumnError(
            "An encoder needs training rows.", found="a frame without rows", way_out="Give it the rows to learn from."
        )
    if frame.height <= SAMPLE_ROWS:
        return frame
    chosen = np.random.default_rng(0).choice(frame.height, SAMPLE_ROWS, replace=False)
    return frame[np.sort(chosen)]
