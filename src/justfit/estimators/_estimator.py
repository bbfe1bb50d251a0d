"""What a fitted classifier or regressor hands out: files and a report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from sklearn.utils.validation import check_is_fitted

from justfit.estimators._base import JustFitBase
from justfit.estimators._report import estimator_report
from justfit.estimators._storage import load_estimator, save_estimator
from justfit.report import write_atomically


class JustFitEstimator(JustFitBase):
    """An estimator that can be stored and shown; see the subclasses."""

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Write `model.json` and `model.safetensors` (no pickle) into a directory, made if missing.

        Args:
            directory: Where to.

        Returns:
            The directory.

        Raises:
            OutputError: It cannot be written.
        """
        check_is_fitted(self, "module_")
        return save_estimator(self, Path(directory))

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote; nothing in the files can run code.

        Args:
            directory: Where from.

        Returns:
            A fitted estimator.

        Raises:
            StoredModelError: A file is missing, damaged, or holds another kind of estimator.
        """
        return load_estimator(cls, Path(directory))

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the report of the sweep as one self-contained HTML page.

        Args:
            path: Also write it to this file, if one is given.

        Returns:
            The page.

        Raises:
            ArgumentError: l2 and dropout were both fixed, so there was no sweep.
            OutputError: `path` cannot be written.
        """
        check_is_fitted(self, "module_")
        page = estimator_report(self)
        if path is not None:
            write_atomically(path, page)
        return page
