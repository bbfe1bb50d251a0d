"""A record shows itself: as a page, as a piece of somebody else's page, as a widget, as text."""

import json
import os
import re
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest
from rich.console import Console

from justfit.errors import ArgumentError, MissingExtraError, OutputError
from justfit.records import FitVerdict, History
from justfit.report import render_fragment, render_page, render_record_text, render_widget
from tests.unit.report import judgements, patients
from tests.unit.report.every import ATTACKS, EVERY, ODD, judged_live
from tests.unit.report.page import Page

ALL = {**EVERY, **{f"{name}, hostile": make for name, make in ATTACKS.items()}, **ODD}


@cache
def piece_of(kind):
    piece = ALL[kind]()._repr_html_()
    return piece, Page(piece)  # raises where tags do not nest


@pytest.mark.parametrize("kind", ALL)
def test_a_piece_is_one_element_that_leaves_the_page_around_it_alone(kind):
    _, page = piece_of(kind)
    assert [element.name for element in page.elements if not element.parents] == ["div"]
    assert not page.all("script")
    assert not page.all("html") + page.all("body") + page.all("footer")
    assert not [e for e in page.elements for name in e.attributes if name.startswith("on")]
    for rule in re.findall(r"(?:^|[{};])\s*([^{};@]+)\{", page.all("style")[0].words):
        selectors = re.split(r",(?![^()]*\))", rule)  # not at the commas inside :is(…) and :not(…)
        assert all(".justfit" in selector for selector in selectors), rule


@pytest.mark.parametrize("kind", ALL)
def test_the_names_in_a_piece_are_its_own(kind):
    piece, page = piece_of(kind)
    other = "judgement" if kind != "judgement" else "cure"
    mine, theirs = (
        {e.attributes["id"] for e in piece_of(one)[1].elements if "id" in e.attributes} for one in (kind, other)
    )
    assert not mine & theirs
    named = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(named) == len(set(named))
    for element in page.elements:
        for name in element.attributes.get("aria-labelledby", "").split():
            assert name in mine
        if element.attributes.get("href", "").startswith("#"):
            assert element.attributes["href"][1:] in mine
    assert piece == ALL[kind]()._repr_html_(), "a notebook that is run again does not change"


@pytest.mark.parametrize("kind", EVERY)
def test_a_record_writes_its_page(kind, tmp_path):
    record = EVERY[kind]()
    page = record.to_html(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text("utf-8") == page == render_page(record) == record.to_html()
    assert page.startswith("<!doctype html>")
    assert len(page) < 2_000_000
    with pytest.raises(OutputError, match="must be a place where a file can be written"):
        record.to_html(tmp_path / "none" / "report.html")


@pytest.mark.parametrize("kind", ALL)
def test_a_record_prints_itself(kind):
    console = Console(width=100)
    with console.capture() as printed:
        render_record_text(ALL[kind](), console, verbose=True)
    assert len(printed.get()) > 20
    assert "\x1b[31m" not in printed.get()


def test_whatever_holds_a_record_shows_it():
    class Holder:
        record = EVERY["watch"]()

    assert render_page(Holder()) == render_page(Holder.record)
    assert render_fragment(Holder()) == render_fragment(Holder.record)


@pytest.mark.parametrize(
    "thing", [3, None, {"state": "overfitting"}, History(epochs=(), train_loss=(), validation_loss=())]
)
def test_what_is_no_record_is_refused(thing):
    with pytest.raises(ArgumentError, match=r"Only a record of justfit can be rendered\. Found a value of type \w+\."):
        render_page(thing)


def test_a_verdict_shows_the_history_that_it_was_judged_on():
    verdict = judged_live()
    page = verdict.to_html()
    assert "The network overfits from epoch 20 on" in page
    assert f"best epoch: {verdict.best_epoch}" in page
    alone = patients.overfitting().verdict
    assert isinstance(alone, FitVerdict)
    assert alone.history is None
    page = alone.to_html().replace("\u00a0", " ")
    assert "The network overfits (probability &gt; 0.99)" in page
    assert "mean per example, in eval mode" in page
    assert "Read: training" not in page
    assert "jf-curves" not in page
    assert judgements.overfitting().verdict.history is None, "a judgement keeps its history itself"


def test_a_widget_shows_the_piece_and_keeps_the_state():
    record = patients.overfitting()
    widget = record.widget()
    state = widget.get_state()
    assert state["html"] == record._repr_html_()
    assert state["state"] == {}
    assert state["data"]["kind"] == "report"
    assert "export" in state["_esm"]
    assert "default" in state["_esm"]
    widget.state = {"l2": 3, "dropout": 1}
    assert widget.get_state()["state"] == {"l2": 3, "dropout": 1}
    widget.set_state({"state": {"l2": 0, "dropout": 2}})  # as the browser does
    assert widget.state == {"l2": 0, "dropout": 2}
    assert json.loads(json.dumps(state["data"])) == state["data"]


def test_a_widget_is_what_notebooks_ask_for():
    first, second = judged_live().widget(), render_widget(judged_live())
    assert first.model_id != second.model_id
    assert first.get_state()["_esm"] == second.get_state()["_esm"]
    bundle = first._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in (bundle[0] if isinstance(bundle, tuple) else bundle)


def test_without_anywidget_the_extra_is_named(monkeypatch):
    from justfit.report._widget import _widget_class

    _widget_class.cache_clear()
    monkeypatch.setitem(sys.modules, "anywidget", None)
    message = r"A widget needs the package anywidget\. .*Install it with `pip install 'justfit\[notebook\]'`\."
    with pytest.raises(MissingExtraError, match=message):
        judged_live().widget()


def test_showing_needs_neither_torch_nor_what_it_does_not_draw_with():
    script = (
        "import sys; from tests.unit.report.judgements import overfitting; record = overfitting(); record.to_html(); "
        "record._repr_html_(); print({'torch', 'numpy', 'matplotlib', 'anywidget', 'polars'} & set(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": "."}
    root = Path(__file__).parents[3]
    call = [sys.executable, "-c", script]
    done = subprocess.run(call, check=True, cwd=root, env=environment, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_a_record_knows_no_renderer_before_it_is_asked():
    script = "import sys, justfit.records; print('justfit.report' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_a_large_record_shows_itself_in_time():
    record = judgements.long()
    started = time.process_time()
    piece = record._repr_html_()
    assert time.process_time() - started < 5.0
    assert len(piece) < 2_000_000
