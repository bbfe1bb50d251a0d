"""Pages of a watched run, a cure and a module sweep in a browser: wide, on a phone, dark, printed, without script."""

import pytest

from justfit.report import render_cure_html, render_module_sweep_html, render_watch_html
from tests.unit.report import cures, test_module_sweep_html, watched

PAGES = {
    "watch, sick": lambda: render_watch_html(watched.sick()),
    "watch, broken": lambda: render_watch_html(watched.broken()),
    "watch, hostile": lambda: render_watch_html(watched.hostile()),
    "cure": lambda: render_cure_html(cures.new_layers()),
    "cure, hostile": lambda: render_cure_html(cures.hostile()),
    "sweep": lambda: render_module_sweep_html(test_module_sweep_html.two()),
    "sweep, hostile": lambda: render_module_sweep_html(test_module_sweep_html.hostile()),
}
EVERY = pytest.mark.parametrize("name", PAGES)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    made = {}
    for name, render in PAGES.items():
        made[name] = folder / f"{name.replace(', ', '-')}.html"
        made[name].write_text(render(), encoding="utf-8")
    return {name: path.as_uri() for name, path in made.items()}


def widest(page):
    """How far the page reaches beyond the window, and what of it does."""
    return page.evaluate("[document.documentElement.scrollWidth - window.innerWidth, window.innerWidth]")


@EVERY
def test_it_opens_without_complaint_and_is_accessible(files, page, axe, name):
    page.goto(files[name])
    assert page.locator("h1").count() == 1
    assert page.evaluate("window.hacked === undefined")
    axe(page)
    assert widest(page)[0] <= 0


@pytest.mark.parametrize("name", ["watch, hostile", "watch, broken", "cure", "sweep"])
def test_it_fits_a_phone_in_the_dark(files, new_page, axe, name):
    page = new_page(viewport={"width": 375, "height": 700}, color_scheme="dark")
    page.goto(files[name])
    axe(page)
    assert widest(page)[0] <= 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"


@pytest.mark.parametrize("name", ["watch, broken", "cure", "sweep"])
def test_it_is_whole_without_its_script_and_on_paper(files, new_page, name):
    page = new_page(java_script_enabled=False)
    page.goto(files[name])
    drawings = page.locator("figure svg[role=img]")
    assert drawings.count() >= 3
    assert all(drawings.nth(k).is_visible() for k in range(drawings.count()))
    page.emulate_media(media="print")
    assert page.locator("figure svg[role=img]").first.is_visible()


def test_sliders_go_through_the_trained_settings_and_into_the_address(files, page):
    page.goto(files["sweep"])
    slider = page.get_by_role("slider", name="λ")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert "l2=2" in page.url
    page.goto(f"{files['sweep']}#l2=0&p=0")
    page.reload()
    assert page.get_by_role("slider", name="λ").input_value() == "0"


def test_links_lead_from_findings_to_pictures_and_rules(files, page):
    page.goto(files["watch, sick"])
    page.get_by_role("link", name="See it in the picture").first.click()
    assert page.url.endswith("#jf-figure-updates")
    page.get_by_role("link", name="How JF408 is detected").click()
    assert page.locator("#rule-JF408-page").is_visible()
