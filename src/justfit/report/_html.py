"""The document as one HTML file: no network, readable without its script, on paper, on a phone, to a screen reader."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from justfit.records import FitResult
from justfit.report._build import build_document
from justfit.report._curves import draw_curves
from justfit.report._document import FigureKey
from justfit.report._explorer_data import sweep_explorer
from justfit.report._heatmap import draw_map
from justfit.report._networks import draw_networks, draw_thinned
from justfit.report._path import draw_effect, draw_path
from justfit.report._probabilities import draw_probabilities
from justfit.report._rule_pages import picture_of, rule_page, rule_pages
from justfit.report._script import STATIC_POLICY, page_script

if TYPE_CHECKING:
    from jinja2 import Environment

_DRAW: dict[FigureKey, Callable[[FitResult], tuple[str, ...]]] = {
    "curves": draw_curves,
    "path": draw_path,
    "map": draw_map,
    "effect": draw_effect,
    "probabilities": draw_probabilities,
    "networks": draw_networks,
    "thinned": draw_thinned,
}


def render_html(result: FitResult) -> str:
    """Render a result as one self-contained HTML page.

    The page is complete without its script, which adds a slider through the trained networks. It fetches nothing, and
    a content security policy in it says so to the browser. Everything that came from the user's table is escaped.

    Args:
        result: What a fit found.

    Returns:
        The page, at most about 0.5 MB; 2 MB for a sweep of ten thousand cells.

    Example:
        >>> from justfit.report import render_html, write_atomically
        >>> write_atomically("report.html", render_html(result))  # doctest: +SKIP
    """
    return fill_page("report.html.j2", build_document(result), _drawn(result), data=page_data(result))


def page_data(result: FitResult) -> dict[str, Any]:
    """Collect what the script of the page reads."""
    explorer = sweep_explorer(result.sweep)
    return {"kind": "report"} if explorer is None else {"kind": "report", "explorer": explorer}


def fill_page(
    template: str, document: Any, drawn: Mapping[str, Any], *, data: Mapping[str, Any] | None = None, **more: str
) -> str:
    """Put a document and its drawings on a page that brings its script.

    Args:
        template: Which page; it extends `report.html.j2`.
        document: What is said.
        drawn: Drawings by name of the figure, each markup already.
        data: What the script reads; by default only that the page is a report.
        more: What else the template asks for.
    """
    from markupsafe import Markup

    made = page_script(data or {"kind": "report"})
    # Safe: the module is ours, and the data are escaped where they are written.
    return fill(template, document, drawn, policy=made.policy, script=Markup(made.markup), **more)  # noqa: S704


def fill(template: str, document: Any, drawn: Mapping[str, Any], **more: str) -> str:
    """Put a document and its drawings into a template, without a script."""
    from markupsafe import Markup

    # Safe: the drawings escape every text and attribute themselves.
    drawings = {key: [Markup(panel) for panel in panels] for key, panels in drawn.items()}  # noqa: S704
    return page_environment().get_template(template).render(document=document, drawings=drawings, **more)


def _drawn(result: FitResult) -> dict[str, tuple[str, ...]]:
    return {key: draw(result) for key, draw in _DRAW.items()}


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
    environment.globals.update(
        picture_of=picture_of, rule_page=rule_page, rule_pages=rule_pages, static_policy=STATIC_POLICY
    )
    return environment


def _tied(sentence: str) -> str:
    # "0.31 ± 0.02", "λ = 3" and "95 %" stay on one line. Not for commands: they are pasted.
    return re.sub(r" (?=[±=%])|(?<=[±=]) ", "\u00a0", sentence)
