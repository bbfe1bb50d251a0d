"""A page of every kind of record, healthy, attacked and odd, in a browser: no complaint, and all can read it."""

from __future__ import annotations

import pytest

from justfit.report import render_page
from tests.unit.report.every import ATTACKS, EVERY, ODD

GROUPS = {"healthy": EVERY, "attacked": ATTACKS, "odd": ODD}
PHONE = {"viewport": {"width": 375, "height": 800}}


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    folder = tmp_path_factory.mktemp("every")
    found = {}
    for group, records in GROUPS.items():
        for k, (name, make) in enumerate(records.items()):
            path = folder / f"{group}-{k}.html"
            path.write_text(render_page(make()), encoding="utf-8", errors="backslashreplace")
            found[group, name] = path.as_uri()
    return found


def of(addresses, group):
    return [(name, address) for (found, name), address in addresses.items() if found == group]


@pytest.mark.parametrize("group", GROUPS)
def test_no_page_complains_or_reaches_beyond_a_phone(new_page, addresses, complaints, group):
    page = new_page(**PHONE)
    page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
    for name, address in of(addresses, group):
        page.goto(address)
        assert page.get_by_role("group", name="Colours").count() == 1, name  # the script ran
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, name
        assert not complaints, name


def test_no_page_has_a_serious_violation_of_accessibility(new_page, addresses, axe):
    page = new_page(color_scheme="dark")
    for name in ("checkup", "schemes", "judgement", "verdict with history"):  # the others have tests of their own
        page.goto(addresses["healthy", name])
        try:
            axe(page)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None
