"""The pages of the rules."""

import inspect

import pytest

from justfit import rules
from justfit.errors import ArgumentError
from justfit.rules import RULES, HistoryRule, RankCollapse, Rule, SignalRule, WatchRule, describe

HEADINGS = ["How it is detected", "Why it matters", "When it is wrong", "What helps", "References"]


def test_codes_are_unique_sorted_and_those_of_the_rules():
    assert list(RULES) == sorted(RULES)
    assert all(rule.code == code for code, rule in RULES.items())
    kinds = (Rule, SignalRule, HistoryRule, WatchRule)
    public = {rule for rule in vars(rules).values() if inspect.isclass(rule) and issubclass(rule, kinds)}
    assert set(RULES.values()) == public - set(kinds)


@pytest.mark.parametrize("code", list(RULES))
def test_every_rule_has_a_complete_page(code):
    page = describe(code)
    assert (page.code, page.name, page.severity) == (code, RULES[code].name, RULES[code].severity)
    assert list(page.sections) == HEADINGS
    assert all(len(text) > 5 and not text.startswith(" ") for text in page.sections.values())
    assert page.summary.endswith(".")
    assert "\n" not in page.summary


def test_the_page_shows_the_numbers():
    page = describe("jf205")
    assert page.thresholds["cosine"] == RankCollapse().cosine
    assert f"cosine between examples > {RankCollapse().cosine:g}" in page.sections["How it is detected"].replace(
        "\n", " "
    )


@pytest.mark.parametrize(
    ("code", "nearest"), [("JF209", "JF[12]0."), ("204", "JF204"), ("JF3O1", "JF301"), ("", "JF101")]
)
def test_an_unknown_code_names_the_nearest(code, nearest):
    with pytest.raises(
        ArgumentError,
        match=rf"^`code` must be that of a rule\. Found `code='{code}'`\. The nearest is {nearest} \([\w ]+\); "
        r"`justfit rules` lists all\.$",
    ):
        describe(code)
