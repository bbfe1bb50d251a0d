"""Pages of fits in a real browser: narrow, dark, on paper, without a script, and with names that attack."""

import pytest

from tests.unit.report.fits import html_of

NAMES = ("overfitting", "all_diverged", "two_features", "hostile_opened")
PHONE = {"viewport": {"width": 375, "height": 800}}


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fits")
    for name in NAMES:
        (folder / f"{name}.html").write_text(html_of(name), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in NAMES}


@pytest.mark.parametrize(
    ("name", "scripts"),
    [("two_features", True), ("hostile_opened", True), ("hostile_opened", False), ("all_diverged", False)],
)
def test_nothing_reaches_beyond_a_phone(new_page, addresses, name, scripts):
    page = new_page(**PHONE, color_scheme="dark", java_script_enabled=scripts)
    page.goto(addresses[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_attacks_are_words(new_page, addresses):
    page = new_page()
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(addresses["hostile_opened"])
    page.wait_for_selector(".justfit header")
    assert "<script>alert('x')</script>" in page.inner_text("body")
    for slider in page.query_selector_all("input[type=range]"):
        slider.focus()
        page.keyboard.press("End")
    assert page.evaluate("[...document.querySelectorAll('script')].map((one) => one.type)") == [
        "application/json",
        "module",
    ]
    assert page.evaluate("document.querySelectorAll('img, iframe, object, [onerror], [onload], [onclick]').length") == 0
    assert dialogs == []


def test_an_injected_script_is_stopped_by_the_policy(browser, addresses, tmp_path):
    """The negative control of the escape: markup that did get in would not run either."""
    attacked = html_of("overfitting").replace("</main>", "<script>document.title = 'taken'</script></main>")
    path = tmp_path / "attacked.html"
    path.write_text(attacked, encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(path.as_uri())
    assert page.title() != "taken"
    assert any("Content Security Policy" in text for text in refused)
    context.close()


def test_a_finding_leads_to_its_rule_without_a_script(new_page, addresses):
    page = new_page(java_script_enabled=False)
    page.goto(addresses["overfitting"])
    assert not page.is_visible("#rule-JF101-page")
    page.click("text=How JF101 is detected")
    assert page.is_visible("#rule-JF101-page")
    assert page.is_visible("#rule-JF101-page math")
    page.click("text=See it in the picture")
    assert page.url.endswith("#jf-figure-path")


def test_paper_is_light_and_shows_the_rules(new_page, addresses):
    page = new_page(color_scheme="dark")
    page.goto(addresses["two_features"])
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.is_visible("#rule-JF101-page")
    tops = page.evaluate(
        "[...document.querySelectorAll('#jf-figure-networks .panels svg[aria-label^=Decision]')]"
        ".map((one) => Math.round(one.getBoundingClientRect().top))"
    )
    assert len(tops) == 3
    assert len(set(tops)) == 1, "under, right and over stand side by side"


def test_no_serious_violation_of_accessibility_with_all_unfolded(new_page, addresses, axe):
    page = new_page(color_scheme="dark")
    page.goto(addresses["overfitting"])
    for details in page.query_selector_all("details"):
        details.evaluate("(one) => { one.open = true }")
    axe(page)
