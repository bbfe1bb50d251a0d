"""The widget: a report in Jupyter, marimo, Colab or VS Code, with the same script as the page."""

from __future__ import annotations

from functools import cache
from typing import Any

from justfit.errors import MissingExtraError
from justfit.report._piece import Piece
from justfit.report._script import module_source


def make_widget(piece: Piece) -> Any:
    """Make an anywidget that shows a piece of a page and adds what the page's script adds.

    Args:
        piece: What it shows, and the numbers behind it.

    Returns:
        The widget. Its traits `html` and `data` are what it shows; `state` is what its sliders are at, such as
        `{"l2": 3, "dropout": 1}` (indices of the two axes), empty until they are there. It is kept up to date both
        ways.

    Raises:
        MissingExtraError: anywidget is not installed.
    """
    return _widget_class()(html=piece.html, data=piece.data or {"kind": "report"})


@cache
def _widget_class() -> type[Any]:
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise MissingExtraError(
            "A widget needs the package anywidget.",
            found=f"no module `{error.name}`",
            way_out="Install it with `pip install 'justfit[notebook]'`.",
        ) from error

    class ReportWidget(anywidget.AnyWidget):
        """A report with its sliders."""

        _esm = module_source()
        html = traitlets.Unicode().tag(sync=True)
        data = traitlets.Dict().tag(sync=True)
        state = traitlets.Dict().tag(sync=True)

    return ReportWidget
