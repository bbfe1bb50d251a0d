"""The page and the text of the lab: one file, no network, accessible, and no name can break them."""

import io
import re

import pytest
from rich.console import Console

from justfit.report import render_json, render_lab_html, render_lab_text
from justfit.report._lab_document import MARK_SIGNS, build_lab_document
from tests.unit.report import labs
from tests.unit.report.page import (
    Page,
    assert_fetches_nothing_and_runs_only_its_own,
    assert_headings_descend,
    assert_no_coordinate_is_missing,
    assert_references_resolve,
)

ALL = {"healthy": labs.healthy, "hostile": labs.hostile, "empty": labs.empty}
EVERY = pytest.mark.parametrize("name", ALL)


@pytest.fixture(scope="module")
def pages():
    return {name: render_lab_html(make()) for name, make in ALL.items()}


@EVERY
def test_the_page_fetches_nothing_and_runs_only_its_own_script(pages, name):
    page = Page(pages[name])
    assert_fetches_nothing_and_runs_only_its_own(page)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", pages[name])
    pages[name].encode("utf-8")
    assert len(pages[name]) < 300_000


@EVERY
def test_headings_names_anchors_and_references(pages, name):
    page = Page(pages[name])
    assert_headings_descend(page)
    assert_references_resolve(page)
    drawings = [e for e in page.all("svg") if "svg" not in e.parents]
    assert all(e.attributes["role"] == "img" and e.attributes["aria-label"] for e in drawings)
    assert len(page.all("desc")) == len(drawings)
    assert len(page.all("caption")) == len(page.all("table"))


@EVERY
def test_no_coordinate_and_no_word_is_missing(pages, name):
    page = Page(pages[name])
    assert_no_coordinate_is_missing(page)
    assert not re.search(r"\bnan\b|\bNone\b", page.all("body")[0].words)


def test_the_page_says_marks_numbers_ranges_and_what_to_try(pages):
    page = Page(pages["healthy"])
    assert page.all("h1")[0].words == "1 claim of 2 not confirmed: C2"
    (first,) = [e for e in page.all("section") if e.attributes.get("id") == "C1"]
    for words in (
        "The gap is 0.31 nats", "≈ refined", "gap = a − b", "0.310 ± 0.020 nats", "above 0.050 nats", "1.00·10⁻¹⁶",
        "0 ± 1.0·10⁻¹³", "exactly 0", "below 0.10", "no: the literal words", "Not the variance.", "justfit fit TABLE",
    ):  # fmt: skip
        assert words in first.words, words
    contents = [e.words for e in page.all("li")]
    assert contents == ["C1 Overfitting ≈ refined", "C2 Overfitting ✕ refuted"]


def test_a_whole_lab_is_praised_in_its_headline():
    record = labs.healthy()
    whole = build_lab_document(type(record)(claims=record.claims[:1] * 17, data="d", seed=0, quick=True, seconds=1.0))
    assert whole.headline == "All 17 claims hold: 0 as they stand, 17 in a refined form"
    assert whole.tone == "good"


@EVERY
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_text_prints_in_any_encoding_and_width(name, encoding):
    for width in (40, 120):
        file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
        render_lab_text(ALL[name](), Console(file=file, width=width), files={"Page": "x.html"})
        text = file.buffer.getvalue().decode(encoding)
        assert "\x1b[31m" not in text
        assert "\u202e" not in text
        assert "x.html" in text


def test_the_text_names_every_claim_and_what_does_not_hold():
    file = io.StringIO()
    render_lab_text(labs.healthy(), Console(file=file, width=100))
    text = file.getvalue()
    assert "≈ refined" in text
    assert "C2: Outside: too large." in text
    assert set(MARK_SIGNS) == {"confirmed", "confirmed with a condition", "refined", "refuted"}


def test_json_reads_back():
    from justfit.records import LabRecord, from_json

    text = render_json(labs.hostile())
    assert render_json(from_json(LabRecord, text)) == text
