"""The formulas on the lab's page are those of its texts."""

import json
import re
import runpy
from dataclasses import replace
from pathlib import Path

from justfit.lab._texts import TEXTS
from justfit.records import LabRecord
from justfit.report import render_lab_html
from tests.unit.report import labs
from tests.unit.report.page import Page

GENERATOR = runpy.run_path(str(Path(__file__).resolve().parents[2] / "docs" / "generate_formulas.py"))


def with_formula(formula) -> LabRecord:
    record = labs.healthy()
    return replace(record, claims=tuple(replace(claim, formula=formula) for claim in record.claims))


def test_the_formulas_in_reports_are_current():
    written = GENERATOR["IN_REPORTS"].read_text(encoding="utf-8")
    assert written == GENERATOR["in_reports"](), "run `python docs/generate_formulas.py`"


def test_every_formula_became_mathml_without_leftovers():
    written = json.loads(GENERATOR["IN_REPORTS"].read_text(encoding="utf-8"))
    assert len(written) >= 12
    assert set(written) <= {text.formula for text in TEXTS.values()}
    for lines in written.values():
        assert all(re.fullmatch(r'<math display="block">.*</math>', line) for line in lines)
        assert not any(re.search(r"[\\$]|&#x0007E;</mi>|//", line) for line in lines)


def test_a_page_shows_mathml_where_there_is_some_and_else_the_text():
    page = Page(render_lab_html(with_formula(TEXTS["C17"].formula)))
    assert len(page.all("math")) == 2 * len(labs.healthy().claims)
    older = Page(render_lab_html(with_formula("Var(w) = <3>")))
    assert older.all("math") == []
    assert [e.words for e in older.of_class("formula")] == ["Var(w) = <3>"] * len(labs.healthy().claims)
