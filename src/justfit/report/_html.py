"""The document as one HTML file: no script, no network, readable on paper, on a phone, and to a screen reader."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from justfit.records import FitResult
from justfit.report._build import build_document
from justfit.report._curves import draw_curves
from justfit.report._heatmap import draw_map
from justfit.report._path import draw_effect, draw_path
from justfit.report._probabilities import draw_probabilities

if TYPE_CHECKING:
    from jinja2 import Environment

_DRAW = {
    "curves": draw_curves,
    "path": draw_path,
    "map": draw_map,
    "effect": draw_effect,
    "probabilities": draw_probabilities,
}


def render_html(result: FitResult) -> str:
    """Render a result as one self-contained HTML page.

    The page holds no script and fetches nothing; a content security policy in it says so to the browser. Everything
    that came from the user's table is escaped.

    Args:
        result: What a fit found.

    Returns:
        The page, at most about 0.5 MB.

    Example:
        >>> from justfit.report import render_html, write_atomically
        >>> write_atomically("report.html", render_html(result))  # doctest: +SKIP
    """
    return _render("report.html.j2", result)


def render_html_fragment(result: FitResult) -> str:
    """Render a result as a piece of HTML with its own scoped styles, for `_repr_html_` in a notebook."""
    return _render("fragment.html.j2", result)


def _render(template: str, result: FitResult) -> str:
    from markupsafe import Markup

    # Safe: the drawings escape every text and attribute themselves.
    drawings = {key: [Markup(panel) for panel in draw(result)] for key, draw in _DRAW.items()}  # noqa: S704
    return page_environment().get_template(template).render(document=build_document(result), drawings=drawings)


@cache
def page_environment() -> Environment:
    """Make the templates, with autoescape; the same ones at every call."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("justfit.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tied"] = _tied
    return environment


def _tied(sentence: str) -> str:
    # "0.31 ± 0.02", "λ = 3" and "95 %" stay on one line. Not for commands: they are pasted.
    return re.sub(r" (?=[±=%])|(?<=[±=]) ", "\u00a0", sentence)
