"""The lab as one HTML file: no network, complete without its script."""

from __future__ import annotations

from justfit.records import LabFigure, LabRecord
from justfit.report._html import fill_page
from justfit.report._lab_document import build_lab_document
from justfit.report._lab_picture import draw_surface
from justfit.report._lab_plot import draw_plot
from justfit.report._wiring import draw_wiring


def render_lab_html(record: LabRecord, *, served: bool = False) -> str:
    """Render the lab as one self-contained HTML page, each claim a section with its anchor (#C1 to #C17).

    Args:
        record: What the lab measured.
        served: Whether the live lab shows it: the page then leads back there.

    Returns:
        The page, below 1 MB. Its script only adds to it. It fetches nothing, and escapes everything that came from the
        table.

    Example:
        >>> from justfit.report import render_lab_html, write_atomically
        >>> write_atomically("lab.html", render_lab_html(record))  # doctest: +SKIP
    """
    drawings = {claim.id: _draw(claim.figure) for claim in record.claims}
    return fill_page("lab.html.j2", build_lab_document(record), drawings, served="yes" if served else "")


def _draw(figure: LabFigure) -> list[str]:
    narrow = len(figure.plots) + len(figure.surfaces) + len(figure.wirings) > 1
    return [
        *(draw_surface(surface) for surface in figure.surfaces),
        *(draw_wiring(wiring) for wiring in figure.wirings),
        *(draw_plot(plot, narrow=narrow) for plot in figure.plots),
    ]
