"""A watched run as one HTML file, its flight record, complete without the script in it: no network."""

from __future__ import annotations

from justfit.records import WatchRecord
from justfit.report._html import fill_page
from justfit.report._watch_document import build_watch_document, draw_watch


def render_watch_html(record: WatchRecord) -> str:
    """Render a watched run as one self-contained HTML page.

    Args:
        record: What was measured and found.

    Returns:
        The page, below 2 MB however long the run: loss, gradients and updates over the steps, where it broke, the last
        steps, findings. It fetches nothing, and escapes everything that came from the user.

    Example:
        >>> from justfit.report import render_watch_html, write_atomically
        >>> write_atomically("report.html", render_watch_html(run.record))  # doctest: +SKIP
    """
    return fill_page("run.html.j2", build_watch_document(record), draw_watch(record))
