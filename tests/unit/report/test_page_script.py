"""The script of a page: nothing in its data can become markup, and its policy lets only itself run."""

import base64
import hashlib
import json
import math
import re

import pytest

from justfit.report._script import json_block, module_source, page_script
from tests.unit.report.fits import page_of
from tests.unit.report.page import data_of, policy_of

TRICKY = (
    "\u202e",
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "\u2028\u2029",
    "&lt;",
    "\udcff",
    "\u202e",
    "🦩",
    "'\"\\",
)


@pytest.mark.parametrize("text", TRICKY)
def test_no_text_ends_the_block_or_opens_an_element(text):
    written = json_block({"name": text, text: [text]})
    assert not re.search("[<>&\u2028\u2029]", written)
    assert written.isascii()
    assert json.loads(written) == {"name": text, text: [text]}


def test_numbers_are_short_and_finite():
    written = json_block({"a": (0.1234567, 1.0, -2, True, math.nan, -math.inf, 1.23456e-7, 123456.7, 1e300)})
    assert written == '{"a":[0.1235,1,-2,true,null,null,1.235e-07,123500,1e+300]}'


def test_the_policy_holds_the_hash_of_exactly_what_stands_in_the_page():
    page = page_of("opened")
    module = next(e for e in page.all("script") if e.attributes["type"] == "module")
    text = "".join(module.text)
    assert text == module_source()
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert policy_of(page).endswith(f"script-src 'sha256-{digest}'")
    assert "'unsafe-inline'" not in policy_of(page).partition("script-src")[2]
    assert "unsafe-eval" not in policy_of(page)


def test_the_module_can_stand_in_a_page():
    source = module_source()
    assert "</script" not in source.lower()
    assert "<!--" not in source
    assert "\r" not in source
    assert not re.search(r"\beval\(|new Function\(|https?:", source)


def test_hostile_names_reach_the_script_as_words():
    page = page_of("hostile_opened")
    plane = data_of(page)["explorer"]["plane"]
    assert plane["classes"][0] == "<script>alert('x')</script>"
    assert all(len(name) <= 40 for name in plane["classes"])
    assert "\u202e" not in "".join(plane["classes"])
    assert plane["xName"] == "<script>alert('x')</script>"
    assert len(page.all("script")) == 2


def test_the_script_of_a_page_is_the_same_whenever_it_is_made():
    data = {"kind": "report", "b": [1.0], "a": "x"}
    assert page_script(data) == page_script(dict(data))
    assert data_of(page_of("overfitting")) == {"kind": "report"}
