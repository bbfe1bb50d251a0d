"""A judged run as one HTML file, complete without the script in it: no network."""

from __future__ import annotations

from justfit.records import FitVerdict, History, Judgement
from justfit.report._judgement_document import build_judgement_document, draw_judgement
from justfit.report._signal_html import render_signal_page


def render_verdict_html(verdict: FitVerdict, history: History) -> str:
    """Render a fit verdict on a history as one self-contained HTML page.

    Args:
        verdict: What was judged.
        history: What it was judged of.

    Returns:
        The page: the learning curves with the best epoch and where overfitting began, the probabilities, the numbers
        behind them, the findings. It fetches nothing and escapes all names.

    Example:
        >>> from justfit.report import render_verdict_html, write_atomically
        >>> write_atomically("verdict.html", render_verdict_html(verdict, history))  # doctest: +SKIP
    """
    judgement = Judgement(history=history, verdict=verdict)
    return render_judgement_html(judgement)


def render_judgement_html(judgement: Judgement) -> str:
    """Render a judged run, or a verdict beside an empty history, as one self-contained HTML page."""
    return render_signal_page(build_judgement_document(judgement), draw_judgement(judgement))
