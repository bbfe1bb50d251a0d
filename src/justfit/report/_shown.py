"""Any record as a page, a piece of a page, a picture, a widget, or text: one table says who renders which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from justfit.errors import ArgumentError
from justfit.records import (
    Checkup,
    CureRecord,
    FitResult,
    FitVerdict,
    Judgement,
    LabRecord,
    ModuleSweepRecord,
    SchemeComparison,
    WatchRecord,
)
from justfit.report._checkup_text import render_checkup_text
from justfit.report._cure_html import render_cure_html
from justfit.report._cure_text import render_cure_text
from justfit.report._html import render_html
from justfit.report._judgement_html import render_judgement_html
from justfit.report._judgement_text import render_verdict_text
from justfit.report._judgement_words import judgement_of
from justfit.report._lab_html import render_lab_html
from justfit.report._lab_text import render_lab_text
from justfit.report._module_sweep_html import render_module_sweep_html
from justfit.report._module_sweep_text import render_module_sweep_text
from justfit.report._piece import take_apart
from justfit.report._plot import open_axes
from justfit.report._plot_cure import cure_rows, plot_cure
from justfit.report._plot_fit import fit_rows, plot_fit
from justfit.report._plot_history import plot_judgement
from justfit.report._plot_lab import lab_rows, plot_lab
from justfit.report._plot_run import plot_watch
from justfit.report._plot_signals import plot_checkup, plot_comparison
from justfit.report._plot_sweep import plot_module_sweep
from justfit.report._schemes_text import render_comparison_text
from justfit.report._signal_html import render_checkup_html, render_comparison_html
from justfit.report._text import render_text
from justfit.report._watch_html import render_watch_html
from justfit.report._watch_text import render_watch_text
from justfit.report._widget import make_widget

if TYPE_CHECKING:
    from rich.console import Console

Text = Callable[[Any, "Console", bool], None]
Picture = Callable[[Any, list[Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renderer:
    """What one kind of record is rendered by.

    Attributes:
        page: Makes the HTML page.
        text: Prints for people; the last argument asks for all of it.
        picture: Draws on matplotlib axes.
        rows: How many axes the picture needs in each of its rows.
    """

    page: Callable[[Any], str]
    text: Text
    picture: Picture
    rows: Callable[[Any], Sequence[int]]


def _brief(render: Callable[[Any, Console], None]) -> Text:
    return lambda record, console, _: render(record, console)


def _full(render: Callable[..., None]) -> Text:
    return lambda record, console, verbose: render(record, console, verbose=verbose)


def _one(_: object) -> tuple[int, ...]:
    return (1,)


def _two(_: object) -> tuple[int, ...]:
    return (2,)


def _judged_text(judgement: Judgement, console: Console, verbose: bool) -> None:
    render_verdict_text(judgement.verdict, judgement.history, console, verbose=verbose)


_RENDERERS: dict[type, Renderer] = {
    Checkup: Renderer(page=render_checkup_html, text=_full(render_checkup_text), picture=plot_checkup, rows=_two),
    CureRecord: Renderer(page=render_cure_html, text=_full(render_cure_text), picture=plot_cure, rows=cure_rows),
    FitResult: Renderer(page=render_html, text=_brief(render_text), picture=plot_fit, rows=fit_rows),
    FitVerdict: Renderer(
        page=lambda verdict: render_judgement_html(judgement_of(verdict)),
        text=lambda verdict, console, verbose: _judged_text(judgement_of(verdict), console, verbose),
        picture=lambda verdict, axes: plot_judgement(judgement_of(verdict), axes),
        rows=_one,
    ),
    Judgement: Renderer(page=render_judgement_html, text=_judged_text, picture=plot_judgement, rows=_one),
    LabRecord: Renderer(
        page=render_lab_html,
        text=_brief(render_lab_text),
        picture=plot_lab,
        rows=lab_rows,
    ),
    ModuleSweepRecord: Renderer(
        page=render_module_sweep_html,
        text=_brief(render_module_sweep_text),
        picture=plot_module_sweep,
        rows=_two,
    ),
    SchemeComparison: Renderer(
        page=render_comparison_html, text=_brief(render_comparison_text), picture=plot_comparison, rows=_two
    ),
    WatchRecord: Renderer(page=render_watch_html, text=_full(render_watch_text), picture=plot_watch, rows=_two),
}


def render_page(shown: object) -> str:
    """Render any record as one self-contained HTML page.

    Args:
        shown: A record, or what holds one as `record`: a finished sweep, a cure, a watched run.

    Returns:
        The page, at most 2 MB.

    Raises:
        ArgumentError: It is no record that has a page.

    Example:
        >>> from justfit.report import render_page, write_atomically
        >>> write_atomically("report.html", render_page(record))  # doctest: +SKIP
    """
    record, renderer = _found(shown)
    return renderer.page(record)


def render_fragment(shown: object) -> str:
    """Render any record as one element with its own styles and without a script, for `_repr_html_` in a notebook."""
    return take_apart(render_page(shown)).html


def render_plot(shown: object, axes: Any = None) -> Any:
    """Draw any record with matplotlib; see `Shown.plot`."""
    record, renderer = _found(shown)
    given, panels = open_axes(renderer.rows(record), axes)
    renderer.picture(record, panels)
    return given


def render_widget(shown: object) -> Any:
    """Make any record a widget; see `Shown.widget`."""
    return make_widget(take_apart(render_page(shown)))


def render_record_text(shown: object, console: Console, *, verbose: bool = False) -> None:
    """Print any record for people.

    Args:
        shown: As in `render_page`.
        console: Where to print; rich obeys NO_COLOR, FORCE_COLOR, COLUMNS and TERM there.
        verbose: Print all of it, where there is more than fits a screen.
    """
    record, renderer = _found(shown)
    renderer.text(record, console, verbose)


def _found(shown: object) -> tuple[Any, Renderer]:
    record = shown if type(shown) in _RENDERERS else getattr(shown, "record", shown)
    renderer = _RENDERERS.get(type(record))
    if renderer is None:
        raise ArgumentError(
            "Only a record of justfit can be rendered.",
            found=f"a value of type {type(shown).__name__}",
            way_out=f"Give one of {', '.join(kind.__name__ for kind in _RENDERERS)}.",
        )
    return record, renderer
