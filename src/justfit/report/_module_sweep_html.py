"""A sweep over any network as one HTML file, complete without the script in it: no network."""

from __future__ import annotations

from justfit.records import ModuleSweepRecord
from justfit.report._cell_explorer import cell_explorer
from justfit.report._html import fill_page
from justfit.report._module_sweep_document import build_module_sweep_document, draw_module_sweep


def render_module_sweep_html(record: ModuleSweepRecord) -> str:
    """Render a sweep over any network as one self-contained HTML page.

    Args:
        record: What was measured and chosen.

    Returns:
        The page, below 2 MB however many settings were trained: learning curves, the loss along each setting, the map
        of two, the choice. Its script adds sliders through the trained settings. It fetches nothing, and escapes
        everything that came from the user.

    Example:
        >>> from justfit.report import render_module_sweep_html, write_atomically
        >>> write_atomically("report.html", render_module_sweep_html(sweep.record))  # doctest: +SKIP
    """
    explorer = cell_explorer(record)
    data = {"kind": "report"} if explorer is None else {"kind": "report", "explorer": explorer}
    return fill_page("run.html.j2", build_module_sweep_document(record), draw_module_sweep(record), data=data)
