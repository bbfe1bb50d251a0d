"""Pages of fits, each rendered and read once for all tests: nothing changes them."""

from __future__ import annotations

from functools import cache

from justfit.records import FitResult
from justfit.report import render_html
from tests.unit.report import opened, patients
from tests.unit.report.page import Page

ALL = patients.ALL | opened.ALL


@cache
def result_of(name: str) -> FitResult:
    return ALL[name]()


@cache
def html_of(name: str) -> str:
    return render_html(result_of(name))


@cache
def page_of(name: str) -> Page:
    return Page(html_of(name))
