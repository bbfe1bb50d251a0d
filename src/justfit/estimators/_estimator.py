"""What a fitted classifier or regressor hands out: files and a report."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from sklearn.utils.validation import check_is_fitted

from justfit.estimators._base import JustFitBase
from justfit.estimators._report import estimator_result
from justfit.estimators._storage import load_estimator, save_estimator
from justfit.report import render_fragment


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
        return estimator_result(self).to_html(path)

    def plot(self, axes: Any = None) -> Any:
        """Draw the learning curves and the regularization path with matplotlib, for papers and slides.

        Args:
            axes: The axes to draw on; made where none are given.

        Returns:
            The axes: curves and path, and of two features what up to three of the networks answer over their plane.

        Raises:
            ArgumentError: l2 and dropout were both fixed, or `axes` are too few or too many.
            MissingExtraError: matplotlib is not installed (the extra `plot`).
        """
        check_is_fitted(self, "module_")
        return estimator_result(self).plot(axes)

    def widget(self) -> Any:
        """Make the report a widget for Jupyter, marimo, Colab and VS Code, with its sliders and read-outs.

        Returns:
            An `anywidget.AnyWidget`; its `state` holds what the sliders are at.

        Raises:
            ArgumentError: l2 and dropout were both fixed, so there was no sweep.
            MissingExtraError: anywidget is not installed (the extra `notebook`).
        """
        check_is_fitted(self, "module_")
        return estimator_result(self).widget()

    # scikit-learn shows a diagram of the parameters. It stays where there is no sweep to show, and its setting
    # `display="text"` is obeyed.

    @property
    def _repr_html_(self) -> Callable[[], str]:
        diagram: Callable[[], str] = super()._repr_html_
        return self._fragment if self._is_swept else diagram

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        bundle: dict[str, str] = super()._repr_mimebundle_(**options)
        if self._is_swept and "text/html" in bundle:
            bundle["text/html"] = self._fragment()
        return bundle

    @property
    def _is_swept(self) -> bool:
        return getattr(self, "sweep_", None) is not None

    def _fragment(self) -> str:
        return render_fragment(estimator_result(self))
