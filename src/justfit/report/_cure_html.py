"""A repair as one HTML file, complete without the script in it: no network."""

from __future__ import annotations

from justfit.records import CureRecord
from justfit.report._cure_document import build_cure_document, draw_cure
from justfit.report._html import fill_page


def render_cure_html(record: CureRecord) -> str:
    """Render a repair as one self-contained HTML page.

    Args:
        record: What was found out.

    Returns:
        The page: the patch, the training before and after, every change that was tried with its interval. It fetches
        nothing, and escapes everything that came from the user.

    Example:
        >>> from justfit.report import render_cure_html, write_atomically
        >>> write_atomically("report.html", render_cure_html(cure.record))  # doctest: +SKIP
    """
    return fill_page("run.html.j2", build_cure_document(record), draw_cure(record))
