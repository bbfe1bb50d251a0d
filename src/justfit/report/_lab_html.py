"""The lab as one HTML file: no script, no network."""

from __future__ import annotations

from justfit.records import LabFigure, LabRecord
from justfit.report._html import page_environment
from justfit.report._lab_document import build_lab_document
from justfit.report._lab_picture import draw_surface, draw_wiring
from justfit.report._lab_plot import draw_plot


def render_lab_html(record: LabRecord) -> str:
    """Render the lab as one self-contained HTML page, each claim a section with its anchor (#C1 to #C17).

    Args:
        record: What the lab measured.

    Returns:
        The page, below 1 MB. It holds no script, fetches nothing, and escapes everything that came from the table.

    Example:
        >>> from justfit.report import render_lab_html, write_atomically
        >>> write_atomically("lab.html", render_lab_html(record))  # doctest: +SKIP
    """
    from markupsafe import Markup

    document = build_lab_document(record)
    # Safe: the drawings escape every text and attribute themselves.
    drawings = {claim.id: [Markup(panel) for panel in _draw(claim.figure)] for claim in record.claims}  # noqa: S704
    return page_environment().get_template("lab.html.j2").render(document=document, drawings=drawings)


def _draw(figure: LabFigure) -> list[str]:
    narrow = len(figure.plots) + len(figure.surfaces) + len(figure.wirings) > 1
    return [
        *(draw_surface(surface) for surface in figure.surfaces),
        *(draw_wiring(wiring) for wiring in figure.wirings),
        *(draw_plot(plot, narrow=narrow) for plot in figure.plots),
    ]
