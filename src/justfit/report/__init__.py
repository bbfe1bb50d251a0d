"""One document from a record, several outputs: terminal text, one HTML file, JSON; SARIF and more of a checkup.

The words and numbers are made once, in `Document`; text and HTML only lay them out, so they never differ. This room
never imports torch: a record that was stored years ago can be rendered on a machine without it.

Render whatever was stored, once more; a record does the same itself, by `to_html`, `plot` and `widget`:

.. code-block:: python

    from justfit.report import load_records, render_page, render_record_text, write_atomically
    from rich.console import Console

    (record,) = load_records("justfit-digits").records
    render_record_text(record, Console())
    write_atomically("report.html", render_page(record))

Every number is written with the digits that its standard error leaves, and every name from the user's table is made
safe to show, before either enters a sentence:

>>> from justfit.report._names import quoted
>>> from justfit.report._numbers import with_se
>>> f"Dropping {quoted('price' + chr(10) + '[EUR]')} costs {with_se(0.2934, 0.0213, 'nats')}."
'Dropping “price [EUR]” costs 0.293 ± 0.021 nats.'

A checkup of a network before training, a comparison of initialization schemes, and the verdict on a history are
rendered the same way (`render_checkup_text`, `render_comparison_html`, `render_verdict_text`, …); checkup and verdict
also as what other programs read:

>>> from justfit.report._place import place_of
>>> place_of("models/net.py:41").line
41

The modules inside: `_numbers` and `_names` write a number and a name; `_verdict`, `_choice`, `_comparison` and
`_facts` say what was found, `_titles` what each figure shows, and `_build` puts it in order; `_svg`, `_axes` and the
figures draw; `_html`, `_text` and `_output` are the outputs. `_shown` says which kind of record is rendered by what,
`_piece` takes a page apart for notebooks and widgets (`_widget`), `_plot` and its neighbours draw for papers. Of a
checkup, `_trunk`, `_checkup_words`, `_checkup_layers` and `_schemes` hold the words, `_signal_figure` the plot,
`_checkup_text`, `_schemes_text`, `_signal_html`, `_sarif`, `_github` and `_junit` the outputs. Of a judged run,
`_judgement_words` and `_judgement_document` hold the words, `_history_figure` the plot, `_judgement_text` and
`_judgement_html` the outputs; `_listing` is what the outputs for programs have in common. Of a watched run,
`_watch_words` and `_watch_document` hold the words, `_loss_figure`, `_gradient_figure`, `_update_figure`,
`_off_figure` and `_last_steps` draw over steps (`_step_axis`, `_layer_rows`); of a cure, `_cure_words` and
`_cure_document`, `_learned_figure`, `_tried_figure` and `_structure_table`; of a module sweep, `_module_sweep_words`
and `_module_sweep_document`, `_cell_path`, `_cell_map` and `_cell_explorer` (`_cell_axes`). Of the lab,
`_lab_document` holds the words, `_lab_plot` and `_lab_picture` draw, `_lab_html` and `_lab_text` are the outputs.
"""

from __future__ import annotations

from justfit.report._build import build_document
from justfit.report._checkup_text import render_checkup_text
from justfit.report._cure_html import render_cure_html
from justfit.report._cure_text import render_cure_text
from justfit.report._document import Document
from justfit.report._github import render_github
from justfit.report._html import render_html
from justfit.report._judgement_html import render_verdict_html
from justfit.report._judgement_text import render_verdict_text
from justfit.report._judgement_words import headline
from justfit.report._junit import render_junit
from justfit.report._lab_html import render_lab_html
from justfit.report._lab_text import render_lab_text
from justfit.report._listing import codes_in
from justfit.report._load import load_records
from justfit.report._module_sweep_html import render_module_sweep_html
from justfit.report._module_sweep_text import render_module_sweep_text
from justfit.report._names import shown
from justfit.report._numbers import number, percent, setting, with_se
from justfit.report._output import render_json, write_atomically
from justfit.report._sarif import render_sarif
from justfit.report._schemes_text import render_comparison_text
from justfit.report._served_html import ClaimShown, render_claims_html, render_door_html, render_playground_html
from justfit.report._shown import render_fragment, render_page, render_plot, render_record_text, render_widget
from justfit.report._signal_html import render_checkup_html, render_comparison_html
from justfit.report._text import render_text
from justfit.report._watch_html import render_watch_html
from justfit.report._watch_text import render_watch_text

__all__ = [
    "ClaimShown",
    "Document",
    "build_document",
    "codes_in",
    "headline",
    "load_records",
    "number",
    "percent",
    "render_checkup_html",
    "render_checkup_text",
    "render_claims_html",
    "render_comparison_html",
    "render_comparison_text",
    "render_cure_html",
    "render_cure_text",
    "render_door_html",
    "render_fragment",
    "render_github",
    "render_html",
    "render_json",
    "render_junit",
    "render_lab_html",
    "render_lab_text",
    "render_module_sweep_html",
    "render_module_sweep_text",
    "render_page",
    "render_playground_html",
    "render_plot",
    "render_record_text",
    "render_sarif",
    "render_text",
    "render_verdict_html",
    "render_verdict_text",
    "render_watch_html",
    "render_watch_text",
    "render_widget",
    "setting",
    "shown",
    "with_se",
    "write_atomically",
]
