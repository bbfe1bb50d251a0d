"""Each finding leads to its picture, its rule and its command, all on the same page."""

import re
from dataclasses import replace

import pytest

from justfit.report import render_checkup_html, render_html
from justfit.report._document import FigureKey
from justfit.report._rule_pages import pictures_of, rule_page
from justfit.rules import RULES, describe
from tests.unit.report import checkups, patients
from tests.unit.report.page import Page, assert_references_resolve


def found(*codes):
    result = patients.overfitting()
    first = result.verdict.findings[0]
    return replace(result, verdict=replace(result.verdict, findings=tuple(replace(first, code=code) for code in codes)))


def links(page):
    return [e.attributes["href"] for e in page.all("a") if "p" in e.parents and "article" in e.parents]


def test_a_finding_leads_to_its_picture_its_rule_and_its_command():
    page = Page(render_html(found("JF101")))
    assert links(page) == ["#jf-figure-path", "#rule-JF101-page"]
    assert_references_resolve(page)
    article = page.all("article")[0]
    assert "justfit explain JF101" in article.words
    assert "How JF101 is detected" in article.words


def test_a_rule_stands_on_the_page_once_however_often_it_fired():
    page = Page(render_html(found("JF104", "JF101", "JF101", "JF104")))
    ids = [e.attributes["id"] for e in page.all("details") if "id" in e.attributes]
    assert ids == ["rule-JF101", "rule-JF104"]
    assert len(links(page)) == 8
    page = Page(render_html(found()))
    assert "jf-rules" not in {e.attributes.get("id") for e in page.elements}


def test_the_target_of_the_link_lies_inside_the_folded_rule():
    """So that a browser unfolds it without a script."""
    page = Page(render_html(found("JF101")))
    target = next(e for e in page.elements if e.attributes.get("id") == "rule-JF101-page")
    assert "details" in target.parents
    for heading in ("How it is detected", "Why it matters", "When it is wrong", "What helps"):
        assert heading in target.words


def test_a_code_of_another_version_gets_no_link():
    page = Page(render_html(found("JF999")))
    assert links(page) == []
    assert "justfit explain JF999" not in page.all("body")[0].words
    assert "JF999" in page.all("body")[0].words


def test_a_figure_that_is_not_drawn_is_not_linked():
    result = found("JF101")
    page = Page(render_html(replace(result, sweep=replace(result.sweep, curves=()))))
    assert links(page)[0] == "#jf-figure-path"
    checkup = Page(render_checkup_html(checkups.checkup()))
    assert_references_resolve(checkup)


@pytest.mark.parametrize("code", RULES)
def test_the_page_of_a_rule_says_what_the_rule_says(code):
    page, rule = rule_page(code), describe(code)
    assert (page.name, page.severity) == (rule.name, rule.severity)
    assert [heading for heading, _ in page.sections] == list(rule.sections)
    for text in (page.summary, *(text for _, text in page.sections)):
        elements = {e.name for e in Page(text).elements}
        assert not elements & {"a", "script", "img", "svg", "style"}
    assert not re.search(r"on\w+=|style=|src=|href=", "".join(text for _, text in page.sections))


@pytest.mark.parametrize("code", RULES)
def test_every_rule_names_figures_that_exist(code):
    assert set(pictures_of(code)) <= set(FigureKey.__args__)
