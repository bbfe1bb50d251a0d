"""However large the sweep, its page is at most 2 MB and made within 5 s."""

import time

import pytest

from justfit.report import render_html
from tests.unit.report import opened
from tests.unit.report.page import Page, assert_no_coordinate_is_missing, assert_references_resolve


@pytest.mark.parametrize(("num_l2", "num_dropout"), [(100, 100), (10_000, 1), (2, 5_000)])
def test_ten_thousand_cells(num_l2, num_dropout):
    result = opened.many_cells(num_l2, num_dropout)
    started = time.process_time()
    html = render_html(result)
    seconds = time.process_time() - started
    assert len(html.encode()) <= 2_000_000
    assert seconds <= 5.0
    page = Page(html)
    assert_references_resolve(page)
    assert_no_coordinate_is_missing(page)
    assert len(page.elements) < 12_000
    near = sum(map(sum, result.sweep.ridge))
    assert f"{near} of 10,000 cells cannot be told from the best" in page.all("body")[0].words
