"""One document from a record, three outputs: terminal text, one HTML file, JSON.

The words and numbers are made once, in `Document`; text and HTML only lay them out, so they never differ. This room
never imports torch: a record that was stored years ago can be rendered on a machine without it.

Render a stored result, once more:

.. code-block:: python

    from justfit.records import FitResult, from_json
    from justfit.report import render_html, render_text, write_atomically
    from rich.console import Console

    result = from_json(FitResult, Path("justfit-digits/result.json").read_text("utf-8"))
    render_text(result, Console())
    write_atomically("report.html", render_html(result))

Every number is written with the digits that its standard error leaves, and every name from the user's table is made
safe to show, before either enters a sentence:

>>> from justfit.report._names import quoted
>>> from justfit.report._numbers import with_se
>>> f"Dropping {quoted('price' + chr(10) + '[EUR]')} costs {with_se(0.2934, 0.0213, 'nats')}."
'Dropping “price [EUR]” costs 0.293 ± 0.021 nats.'

The modules inside: `_numbers` and `_names` write a number and a name; `_verdict`, `_choice`, `_comparison` and `_facts`
say what was found, `_titles` what each figure shows, and `_build` puts it in order; `_svg`, `_axes` and the figures
draw; `_html`, `_text` and `_output` are the outputs.
"""

from __future__ import annotations

from justfit.report._build import build_document
from justfit.report._document import Document
from justfit.report._html import render_html, render_html_fragment
from justfit.report._output import render_json, write_atomically
from justfit.report._text import render_text

__all__ = [
    "Document",
    "build_document",
    "render_html",
    "render_html_fragment",
    "render_json",
    "render_text",
    "write_atomically",
]
