"""The pages in docs/rules say what the rules say."""

import json
import re
import runpy
from pathlib import Path

import pytest

from justfit.rules import RULES

DOCS = Path(__file__).resolve().parents[2] / "docs"
GENERATOR = runpy.run_path(str(DOCS / "generate_rules.py"))
PAGES = GENERATOR["pages"]()


def test_the_pages_are_current():
    written = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "rules").glob("*.md")}
    outdated = sorted(name for name in {*written, *PAGES} if written.get(name) != PAGES.get(name))
    assert not outdated, f"run `python docs/generate_rules.py`: {', '.join(outdated)}"


def test_the_pages_in_reports_are_current():
    written = GENERATOR["IN_REPORTS"].read_text(encoding="utf-8")
    assert written == GENERATOR["in_reports"](), "run `python docs/generate_rules.py`"
    assert list(json.loads(written)) == list(RULES)
    assert not re.search(r"[\\`]|:\w+:|//", "".join(html for page in json.loads(written).values()
                                                   for _, html in page["sections"]))  # fmt: skip


@pytest.mark.parametrize("code", RULES)
def test_a_page_has_all_that_the_reader_needs(code):
    page = PAGES[f"{code}.md"]
    headings = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert headings[:4] == ["How it is detected", "Why it matters", "When it is wrong", "What helps"]
    assert page.startswith(f"# {code}: ")
    assert ".. math::" not in page
    assert ":math:" not in page
    assert f"[{code}]({code}.md)" in PAGES["README.md"]
