"""Checkups and comparisons of schemes as one HTML file each, complete without the script in it: no network."""

from __future__ import annotations

from collections.abc import Mapping

from justfit.records import Checkup, SchemeComparison
from justfit.report._checkup_document import build_checkup_document, draw_checkup
from justfit.report._document import SignalDocument
from justfit.report._html import fill_page
from justfit.report._schemes import build_comparison_document, draw_comparison


def render_checkup_html(checkup: Checkup) -> str:
    """Render a checkup as one self-contained HTML page.

    Args:
        checkup: What was measured and found before training.

    Returns:
        The page, below 2 MB whatever the depth of the network. It fetches nothing and escapes
        everything that came from the user's network.

    Example:
        >>> from justfit.report import render_checkup_html, write_atomically
        >>> write_atomically("checkup.html", render_checkup_html(checkup))  # doctest: +SKIP
    """
    return render_signal_page(build_checkup_document(checkup), draw_checkup(checkup))


def render_comparison_html(comparison: SchemeComparison) -> str:
    """Render initialization schemes beside each other as one self-contained HTML page.

    Args:
        comparison: The same network on the same batch under each scheme.

    Returns:
        The page: a plot of the signal and one of the gradient with a line per scheme, and the numbers behind them.

    Example:
        >>> from justfit.report import render_comparison_html, write_atomically
        >>> write_atomically("schemes.html", render_comparison_html(comparison))  # doctest: +SKIP
    """
    return render_signal_page(build_comparison_document(comparison), draw_comparison(comparison))


def render_signal_page(document: SignalDocument, drawn: Mapping[str, tuple[str, ...]]) -> str:
    """Put a document and its drawings on one page."""
    return fill_page("signals.html.j2", document, drawn)
