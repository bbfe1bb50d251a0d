"""The page: one file, no network, accessible, and nothing in the user's data can break it."""

import re
from dataclasses import replace

import pytest

from justfit.report import build_document, render_fragment, render_html
from tests.unit.report import patients
from tests.unit.report.fits import ALL, html_of, page_of, result_of
from tests.unit.report.page import (
    Page,
    assert_fetches_nothing_and_runs_only_its_own,
    assert_headings_descend,
    assert_no_coordinate_is_missing,
    assert_references_resolve,
)

EVERY = pytest.mark.parametrize("name", ALL)


@EVERY
def test_the_page_fetches_nothing_and_runs_only_its_own_script(name):
    assert_fetches_nothing_and_runs_only_its_own(page_of(name))


@EVERY
def test_the_page_is_small(name):
    has_plane = name in ("two_features", "many_classes", "plane_of_a_number", "hostile_opened")
    assert len(html_of(name).encode()) <= (800_000 if has_plane else 500_000)


@EVERY
def test_headings_descend_one_step_at_a_time_below_one_h1(name):
    page = page_of(name)
    assert_headings_descend(page)
    assert next(e.name for e in page.elements if re.fullmatch("h[1-6]", e.name)) == "h1"


@EVERY
def test_every_drawing_and_table_has_a_name(name):
    page = page_of(name)
    drawings = [e for e in page.all("svg") if "svg" not in e.parents]
    assert drawings
    for element in drawings:
        assert element.attributes["role"] == "img"
        assert element.attributes["aria-label"]
    positions = [k for k, e in enumerate(page.elements) if e in drawings]
    for k in positions:
        assert [e.name for e in page.elements[k + 1 : k + 3]] == ["title", "desc"]
        assert all(e.words for e in page.elements[k + 1 : k + 3])
    assert len(page.all("caption")) == len(page.all("table")) > 0
    assert all(e.attributes.get("scope") in ("col", "row") for e in page.all("th"))
    assert {e.name for e in page.elements} >= {"header", "main", "footer"}
    assert page.all("html")[0].attributes["lang"] == "en"


@EVERY
def test_ids_are_unique_and_references_resolve(name):
    assert_references_resolve(page_of(name))


@EVERY
def test_no_coordinate_is_missing(name):
    assert_no_coordinate_is_missing(page_of(name))


def test_hostile_names_are_shown_not_obeyed():
    html = html_of("hostile") + html_of("hostile_opened")
    page = page_of("hostile")
    words = page.all("body")[0].words
    for text in (
        "<script>alert('x')</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7*7 }}{% include 'x' %}",
        "a & b < c",
    ):
        assert text in words
    assert "W" * 500 not in words, "a name of 10,000 letters is cut"
    assert "\u202e" not in html
    assert "\x1b" not in html
    html.encode("utf-8")  # no lone surrogate is left
    for attacked, plain in (("hostile", "overfitting"), ("hostile_opened", "many_classes")):
        elements, expected = ({e.name for e in page_of(name).elements} for name in (attacked, plain))
        assert elements == expected, "no element came from the data"


def test_many_columns_and_classes_do_not_make_the_page_grow_without_end():
    result = patients.overfitting()
    many = replace(
        result.dataset,
        dropped_columns=tuple((f"column {k}", "constant") for k in range(5000)),
        classes=tuple(f"class {k}" for k in range(5000)),
    )
    html = render_html(replace(result, dataset=many))
    assert len(html) < len(render_html(result)) + 10_000
    assert "5,000 columns not used. The first 20; 4,980 more are in the JSON." in html
    assert "and 4,980 more" in html


def test_the_page_says_what_the_document_says():
    for name in ALL:
        document = build_document(result_of(name))
        words = page_of(name).all("body")[0].words
        sentences = [document.headline, document.verdict, *document.choice, *document.notices, *document.test.sentences]
        sentences += [text for section in document.sections for text in (*section.sentences, *section.points)]
        sentences += [text for section in document.sections for figure in section.figures for text in [figure.caption]
                      if figure.key != "curves" and (figure.key != "effect" or name != "all_diverged")]  # fmt: skip
        for sentence in sentences:
            assert " ".join(sentence.split()) in words


def test_interruption_stands_above_the_verdict():
    words = page_of("interrupted").all("body")[0].words
    assert words.index("This run was cut short") < words.index("The network overfits")
    assert "cut short" not in page_of("overfitting").all("body")[0].words


def test_diverged_cells_are_hatched_and_only_they():
    assert len([e for e in page_of("diverged").of_class("hatch") if e.name == "rect"]) == 5
    assert len([e for e in page_of("overfitting").of_class("hatch") if e.name == "rect"]) == 0
    assert "diverged at once" in html_of("diverged")


def test_near_best_cells_are_outlined_and_the_choice_has_a_mark():
    for name in ALL:
        record = result_of(name).sweep
        page = page_of(name)
        near = sum(
            near and difference == difference  # not NaN
            for row, values in zip(record.ridge, record.difference, strict=True)
            for near, difference in zip(row, values, strict=True)
        )
        assert len(page.of_class("outline")) == near
        chosen = [e for e in page.of_class("diamond") if "verdict-mark" not in e.attributes["class"]]
        assert len(chosen) == (name != "all_diverged")
        cells = [e.words for e in page.of_class("cell")]
        assert sum("◆" in words for words in cells) == (name != "all_diverged")


def test_long_curves_are_thinned():
    lines = [e for e in page_of("large_grid").of_class("line") if e.name == "path" and len(e.attributes["d"]) > 100]
    assert len(lines) >= 6
    assert max(e.attributes["d"].count("L") + 1 for e in lines) == 1000


def test_the_words_on_a_cell_can_be_read():
    """Contrast of each number in the map against its cell, as WCAG 2 computes it, is at least 4.5."""
    html = render_html(patients.overfitting())

    def luminance(colour):
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    pairs = re.findall(r'fill="(#[0-9a-f]{6})"></rect>(?:<rect[^>]*></rect>)?<text[^>]*fill="(#[0f]{3})"', html)
    assert len(pairs) == 36
    for cell, ink in pairs:
        light, dark = sorted((luminance(cell), 1.0 if ink == "#fff" else 0.0), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_fragment_is_the_same_without_the_page_around_it():
    html = render_fragment(patients.overfitting())
    page = Page(html)
    assert page.elements[0].attributes["class"] == "justfit piece"
    assert not {"html", "head", "body", "meta"} & {e.name for e in page.elements}
    assert page.all("h1")[0].words == "The network overfits, and regularization helps."
    rules = re.findall(r"(?:^|[{}])\s*([^{}@]+)\{", page.all("style")[0].words)
    scoped = all(".justfit" in part for rule in rules for part in re.split(r",(?![^()]*\))", rule))
    assert scoped, "a style would leak into the notebook"


def test_rendering_twice_gives_the_same_page():
    assert render_html(patients.overfitting()) == render_html(patients.overfitting())
