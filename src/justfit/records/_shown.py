"""What every record can do with itself: be a page, a picture, a widget.

A record lies below the room that draws it and must not import it; so it finds the renderers by name, when it is asked
to show itself and not before (docs/design/0020-a-record-shows-itself.md).
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any


class Shown:
    """A record that shows itself; also whatever holds one as `record`, such as a finished sweep or a cure."""

    __slots__ = ()

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the report as one self-contained HTML page: it fetches nothing and works from a file.

        Args:
            path: Also write it to this file, if one is given; an existing one is replaced.

        Returns:
            The page, at most 2 MB.

        Raises:
            OutputError: `path` cannot be written.
        """
        report = _report()
        page = str(report.render_page(self))
        if path is not None:
            report.write_atomically(path, page)
        return page

    def plot(self, axes: Any = None) -> Any:
        """Draw the picture that tells most, with matplotlib; for papers and slides.

        Titles say what was found, axes have units, and colours and line styles are told apart by the colour-blind and
        in black and white. Save it with `axes.figure.savefig("figure.pdf")`.

        Args:
            axes: One axes, or a sequence of them, to draw on; made where none are given.

        Returns:
            The axes; an array of them where the picture has several panels.

        Raises:
            MissingExtraError: matplotlib is not installed (the extra `plot`).
            ArgumentError: `axes` are fewer or more than the picture has panels.
        """
        return _report().render_plot(self, axes)

    def widget(self) -> Any:
        """Make the report a widget for Jupyter, marimo, Colab and VS Code, with its sliders and read-outs.

        Returns:
            An `anywidget.AnyWidget`; its `state` holds what the sliders are at.

        Raises:
            MissingExtraError: anywidget is not installed (the extra `notebook`).
        """
        return _report().render_widget(self)

    def _repr_html_(self) -> str:
        return str(_report().render_fragment(self))


def _report() -> Any:
    return import_module("justfit.report")
