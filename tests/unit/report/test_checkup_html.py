"""The page of a checkup and that of a comparison: one file, no network, accessible, and nothing can break them."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from justfit.report import render_checkup_html, render_comparison_html
from justfit.report._checkup_words import verdict
from justfit.report._scheme_words import best_sentence, comparison_title
from justfit.report._signal_figure import Line, common_range, draw_lines
from tests.unit.report import checkups
from tests.unit.report.page import (
    Page,
    assert_fetches_nothing_and_runs_only_its_own,
    assert_headings_descend,
    assert_no_coordinate_is_missing,
)

ALL = {
    **{name: (render_checkup_html, maker) for name, maker in checkups.ALL.items()},
    **{f"compare {name}": (render_comparison_html, maker) for name, maker in checkups.COMPARISONS.items()},
}
EVERY = pytest.mark.parametrize("name", ALL)


@pytest.fixture(scope="module")
def pages():
    return {name: render(maker()) for name, (render, maker) in ALL.items()}


@EVERY
def test_the_page_fetches_nothing_and_runs_only_its_own_script(pages, name):
    page = Page(pages[name])
    assert_fetches_nothing_and_runs_only_its_own(page)
    pages[name].encode("utf-8")  # no lone surrogate is left


@EVERY
def test_headings_names_and_references(pages, name):
    page = Page(pages[name])
    assert_headings_descend(page)
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    assert {e.attributes["aria-labelledby"] for e in page.elements if "aria-labelledby" in e.attributes} <= set(ids)
    for element in page.all("svg"):
        assert "svg" in element.parents or (element.attributes["role"] == "img" and element.attributes["aria-label"])
    assert len(page.all("caption")) == len(page.all("table"))


@EVERY
def test_no_coordinate_and_no_word_is_missing(pages, name):
    page = Page(pages[name])
    assert_no_coordinate_is_missing(page)
    assert not re.search(r"\bnan\b|\bNone\b", page.all("body")[0].words)


def test_the_page_says_the_verdict_and_the_finding_of_each_figure(pages):
    page = Page(pages["vanishing"])
    assert page.all("h1")[0].words == verdict(checkups.vanishing())
    titles = [e.words for e in page.all("h3")]
    # 0.92^99 and 0.5^99: of 100 layers the last makes the output, which is not compared.
    assert "The signal vanishes: 0.00026 of it is left from the first place to the last." in titles
    assert "The gradient vanishes: 1.6·10⁻³⁰ of it is left on its way back to the first place." in titles
    assert "error net.py:44: JF201 vanishing gradient in features.3" in titles
    assert len(page.of_class("finding-mark")) == 8, "four findings name a layer, on each of two plots"
    assert "JF210: the network has no attention" in page.all("body")[0].words


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        (
            "healthy",
            ["The signal keeps its size, from 1.0 to 0.95.", "The gradient keeps its size, from 0.30 to 0.32."],
        ),
        (
            "transformer",
            ["The signal goes from 1.0 to 14; a normalisation reads every place, so its size does not matter."],
        ),
        (
            "zero",
            [
                "Nothing is left of the signal from the first place to the last.",
                "Nothing is left of the gradient on its way back to the first place.",
            ],
        ),
        ("unmeasured", ["The signal becomes infinite from the first place to the last."]),
    ],
)
def test_titles_of_figures(pages, name, titles):
    found = [e.words for e in Page(pages[name]).all("h3")]
    assert set(titles) <= set(found)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "vanishing",
            "Run justfit.initialize_(module, *inputs, scheme='auto'). (JF201 vanishing gradient in features.3 and",
        ),
        ("healthy", "Nothing: train it as it is."),
        ("compare six", "Initialize with auto: justfit.initialize_(module, *inputs, scheme='auto', seed=0)."),
    ],
)
def test_what_to_do_stands_first(pages, name, words):
    sections = [e for e in Page(pages[name]).all("section") if e.attributes["id"].startswith("jf-")]
    assert sections[0].attributes["id"] == "jf-todo"
    assert words in sections[0].words


def test_where_nothing_is_known_nothing_is_advised(pages):
    for name in ("empty", "compare unmeasured", "compare failed", "compare none"):
        assert 'id="jf-todo"' not in pages[name]
    doubtful = render_checkup_html(checkups.checkup(3, score=0.2))
    assert "Compare initializations: add `--compare xavier,he,auto`" in Page(doubtful).all("section")[0].words
    six = checkups.comparison()
    doubtful = replace(six, schemes=six.schemes[:4])
    assert "Change the network or its inputs" in Page(render_comparison_html(doubtful)).all("section")[0].words
    given = replace(six, schemes=(replace(six.schemes[4], scheme="normal:0.05"),))
    words = Page(render_comparison_html(given)).all("section")[0].words
    assert "justfit.initialize_(module, *inputs, scheme='normal', std=0.05, seed=0)" in words


def test_a_comparison_has_a_line_and_a_label_for_each_scheme(pages):
    page = Page(pages["compare six"])
    assert page.all("h1")[0].words == best_sentence(checkups.comparison())
    assert comparison_title(checkups.comparison(), "gradient") in page.all("header")[0].words
    labels = [e.words for e in page.of_class("series-label")]
    assert sorted(labels) == sorted(2 * ["zero", "normal:1.0", "normal:0.01", "xavier", "he", "auto"])
    assert len({e.attributes["class"] for e in page.of_class("line")}) == 6
    assert "typo: `typo` is not a scheme." in page.all("body")[0].words


def test_labels_do_not_touch_and_stay_inside():
    lines = [Line(name=f"scheme {k}", values=(1.0, 1.0 + k * 1e-3), style=k) for k in range(12)]
    (html,) = draw_lines(lines, "signal", title="t", description="d")
    heights = sorted(float(e.attributes["y"]) for e in Page(html).of_class("series-label"))
    assert min(b - a for a, b in pairwise(heights)) >= 14.9
    assert heights[0] > 0
    assert heights[-1] < 300


def test_hostile_names_are_shown_not_obeyed(pages):
    for name, plain in (("hostile", "vanishing"), ("compare hostile", "compare six")):
        page = Page(pages[name])
        words = page.all("body")[0].words
        assert "<script>alert('x')</script>" in words
        assert '"><img src=x onerror=alert(1)>' in words
        assert "W" * 500 not in words
        assert "\u202e" not in pages[name]
        assert "\x1b" not in pages[name]
        assert {e.name for e in page.elements} <= {e.name for e in Page(pages[plain]).elements} | {"ul", "li"}


def test_ten_thousand_layers_stay_below_two_megabytes():
    made = checkups.checkup(10_000, findings=[checkups.finding(k=k) for k in range(10_000)])
    html = render_checkup_html(made)
    assert len(html.encode()) < 2_000_000
    assert "The worst 200; 9,800 more are in the JSON output." in html
    assert "500 of 10,000 layers, evenly spaced; the JSON output has all of them." in html
    deep = checkups.comparison(10_000)
    assert len(render_comparison_html(deep).encode()) < 2_000_000


def test_the_axis_is_at_least_a_decade_and_not_torn_by_one_line():
    low, high = common_range([[1.0, 1.1]], 16.0)
    assert high / low == pytest.approx(10.0)
    low, high = common_range([[1.0] * 9, [1e-300, 1e300]], 16.0)
    assert (low, high) == pytest.approx((1e-16, 1e16))
    assert common_range([[0.0, float("nan")]], 16.0) is None
    (html,) = draw_lines([Line(values=(5e-324, 1.7e308))], "signal", title="t", description="d")
    assert "nan" not in html
    assert draw_lines([Line(values=(0.0, float("nan")))], "signal", title="t", description="d") == ()


def test_every_series_is_coloured_in_light_dark_and_print():
    styles = Page(render_comparison_html(checkups.comparison())).all("style")[0].words
    for k in range(8):
        assert styles.count(f"--series-{k}:") == 4, "light, dark by the system or by choice, print"
        assert styles.count(f".series-{k}.line") == 1


def test_the_caption_explains_the_marks_where_there_are_some(pages):
    for page in map(Page, pages.values()):
        marked = bool(page.of_class("finding-mark"))
        captions = " ".join(e.words for e in page.all("figcaption"))
        assert ("Diamonds mark places with a finding." in captions) == marked
