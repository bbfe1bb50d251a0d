"""The explorer of a report in a real browser: sliders, map, path, keyboard, address, colours, paper, no script."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from justfit.report import render_html, render_page
from tests.unit.records.test_module_sweep import make_record
from tests.unit.report import opened, patients

NAMES = ("two_features", "many_classes", "plane_of_a_number", "opened_diverged", "hostile_opened")
MOON = "two_features"


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    for name in NAMES:
        (folder / f"{name}.html").write_text(render_html(opened.ALL[name]()), encoding="utf-8")
    return {name: (folder / f"{name}.html").as_uri() for name in NAMES}


@pytest.fixture(scope="module")
def explorer(reports):
    """The data that stand in the page of two features."""
    html = Path(reports[MOON].removeprefix("file://")).read_text(encoding="utf-8")
    block = re.search(r'<script type="application/json" id="justfit-data">(.*?)</script>', html, re.DOTALL)
    return json.loads(block.group(1))["explorer"]


@pytest.fixture(scope="module")
def refined(tmp_path_factory):
    """Address of a sweep over any network: five cells of a grid of eight, one of them diverged."""
    path = tmp_path_factory.mktemp("refined") / "report.html"
    path.write_text(render_page(make_record()), encoding="utf-8")
    return path.as_uri()


def said(page) -> str:
    return page.locator(".jf-said").inner_text().replace("\u00a0", " ")


def titles(page) -> list[str]:
    return page.locator(".jf-figures h3").all_inner_texts()


def l2_slider(page):
    return page.get_by_role("slider", name="λ")


def move(slider, index: int) -> None:
    slider.evaluate("(input, value) => { input.value = value; input.dispatchEvent(new Event('input')) }", str(index))


def ink(page) -> str:
    """The decision surface as it is drawn."""
    return page.locator(".jf-surface canvas").evaluate("canvas => canvas.toDataURL()")


@pytest.mark.parametrize("name", NAMES)
def test_cells_of_every_report_show_without_complaint(page, reports, name):
    page.goto(reports[name])
    last = int(l2_slider(page).get_attribute("max"))
    page.get_by_role("button", name="Choice").click()
    for index in range(0, last + 1, 2):
        move(l2_slider(page), index)
        assert said(page)
        assert all(titles(page))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("Object.keys(window).filter((name) => /hacked|pwned|xss/i.test(name))") == []


def test_training_losses_that_leave_the_plot_at_the_bottom_are_told(page, tmp_path):
    made = opened.ALL[MOON]()
    record = made.sweep
    first, *rest = record.train_loss
    tiny = tuple(
        replace(curve, train_loss=tuple(1e-5 * loss for loss in curve.train_loss)) if curve.l2 == 0 else curve
        for curve in record.curves
    )
    low = replace(record, train_loss=(tuple(1e-5 * loss for loss in first), *rest), curves=tiny)
    (tmp_path / "report.html").write_text(render_html(replace(made, sweep=low)), encoding="utf-8")
    page.goto((tmp_path / "report.html").as_uri())
    captions = {kind: page.locator(f".jf-{kind} figcaption") for kind in ("curve", "path")}
    leaving = "Training losses that leave the plot go down to"
    move(l2_slider(page), 0)
    assert all(leaving in caption.inner_text() for caption in captions.values())
    move(l2_slider(page), len(record.l2) - 1)
    assert leaving not in captions["curve"].inner_text(), "this curve stays inside"
    assert leaving in captions["path"].inner_text()


def test_a_slider_shows_the_numbers_of_the_cell(page, reports, explorer):
    page.goto(reports[MOON])
    for index in (0, len(explorer["l2"]) - 1):
        move(l2_slider(page), index)
        j = explorer["chosen"][1]
        found = re.search(r"validation loss ([\d.]+)", said(page)).group(1)
        assert float(found) == pytest.approx(explorer["loss"][index][j], abs=0.6 * 10 ** -len(found.split(".")[1]))
        assert l2_slider(page).get_attribute("aria-valuetext").startswith("λ ")
    move(l2_slider(page), 0)
    free = ink(page)
    move(l2_slider(page), len(explorer["l2"]) - 1)
    assert free != ink(page)


def test_what_was_not_trained_and_what_diverged_are_told_apart(page, refined):
    page.goto(refined)
    assert page.locator(".jf-map h3").inner_text() == "2 of 5 cells are as good as the best"
    page.evaluate("location.hash = '#l2=0&p=1'")
    page.wait_for_function("document.querySelector('.jf-slider input').value === '0'")
    assert said(page) == "λ = 0, dropout 0.2: this cell was not trained."
    assert "not trained" in page.locator(".jf-map svg").get_attribute("aria-label")
    page.evaluate("location.hash = '#l2=3&p=0'")
    page.wait_for_function("document.querySelector('.jf-slider input').value === '3'")
    assert said(page) == "λ = 100, dropout 0: the training diverged, so there is no loss to compare."
    assert page.locator(".jf-curve h3").inner_text() == "This training diverged after epoch 1"
    assert page.locator(".jf-map svg text", has_text="✕").count() == 1


def test_one_dropout_needs_neither_slider_nor_map(page, tmp_path):
    result = patients.single_dropout()
    (tmp_path / "page.html").write_text(render_html(replace(result, sweep=opened.open_networks(result.sweep))))
    page.goto((tmp_path / "page.html").as_uri())
    assert page.get_by_role("slider").count() == 1
    assert page.locator(".jf-map").count() == 0
    assert "dropout" not in said(page)


def test_the_keyboard_moves_slider_and_map(page, reports, explorer):
    page.goto(reports[MOON])
    l2_slider(page).focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("location.hash").startswith("#l2=1")
    page.locator(".jf-map svg").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    row = explorer["chosen"][1] + 1
    assert page.evaluate("location.hash") == f"#l2=2&p={row}"
    assert l2_slider(page).input_value() == "2"
    label = page.locator(".jf-map svg").get_attribute("aria-label")
    assert f"λ {explorer['l2'][2]:g}" in label
    for _ in range(10):
        page.keyboard.press("ArrowDown")  # stops at the edge
    assert page.evaluate("location.hash") == "#l2=2&p=0"


def test_a_press_on_the_map_and_on_the_path_moves(page, reports, explorer):
    page.goto(reports[MOON])
    page.locator(".jf-map svg rect").first.click()  # row 0, column 0
    assert page.evaluate("location.hash") == "#l2=0&p=0"
    path = page.locator(".jf-path > svg")
    path.click(position={"x": 0.97 * path.bounding_box()["width"], "y": 150})
    assert l2_slider(page).input_value() == str(len(explorer["l2"]) - 1)


def test_the_state_stands_in_the_address(page, reports, explorer):
    page.goto(reports[MOON] + "#l2=1&p=2")
    assert l2_slider(page).input_value() == "1"
    page.get_by_role("button", name="Choice").click()
    assert page.evaluate("location.hash") == ""
    assert said(page).endswith("It is the choice and has the smallest loss.") or "It is the choice" in said(page)
    page.evaluate("location.hash = '#l2=0&p=1'")
    page.wait_for_function("document.querySelector('.jf-slider input').value === '0'")
    page.evaluate("location.hash = '#l2=999&p=junk'")  # no cell: the choice
    page.wait_for_function(f"document.querySelector('.jf-slider input').value === '{explorer['chosen'][0]}'")


@pytest.mark.parametrize("anchor", ["#%E0%A4%A", "#100%", "#l2=%&p=%zz"])
def test_an_address_that_cannot_be_decoded_does_not_stop_the_page(page, reports, anchor):
    page.goto(reports[MOON] + anchor)
    assert page.locator(".jf-explorer").count() == 1
    assert page.locator(".jf-tools button").count() == 3


def test_anchors_go_on_working_and_unfold_their_target(page, reports):
    page.goto(reports[MOON] + "#l2=1&p=0")
    page.evaluate("location.hash = '#jf-choice'")
    page.wait_for_timeout(50)
    assert l2_slider(page).input_value() == "1"
    rule = page.locator("details[id^=rule-]").first
    assert not rule.evaluate("one => one.open")
    page.evaluate(f"location.hash = '#{rule.get_attribute('id')}'")
    page.wait_for_function("document.querySelector('details[id^=rule-]').open")


def test_the_walk_goes_along_and_stops_at_the_end(page, reports, explorer):
    page.clock.install()
    page.goto(reports[MOON] + f"#l2={len(explorer['l2']) - 3}&p=0")
    page.get_by_role("button", name="Walk along λ").click()
    page.clock.run_for(950)
    assert l2_slider(page).input_value() == str(len(explorer["l2"]) - 2)
    assert page.get_attribute(".jf-said", "aria-live") == "off"  # a walk would be spoken long after its end
    page.clock.run_for(5000)
    assert l2_slider(page).input_value() == str(len(explorer["l2"]) - 1)
    assert page.get_attribute(".jf-said", "aria-live") is None
    page.get_by_role("button", name="Walk along λ").click()  # from the end it begins anew
    assert l2_slider(page).input_value() == "0"
    page.get_by_role("button", name="Stop").click()
    page.clock.run_for(3000)
    assert l2_slider(page).input_value() == "0"


def test_a_pointer_reads_the_learning_curve(page, reports):
    page.goto(reports[MOON])
    page.locator(".jf-curve > svg").hover()
    words = page.locator(".jf-curve .readout").text_content()
    assert re.match(r"epoch \d+training [\d.]+.*validation [\d.]+", words), words
    page.mouse.move(1, 1)
    assert page.locator(".jf-curve .readout").text_content() == ""


def test_a_pointer_reads_the_printed_curves(page, reports, explorer):
    page.goto(reports[MOON])
    chart = page.locator(".figure-curves svg[role=img]", has=page.locator("g[data-read]")).nth(1)  # of the choice
    chart.hover()
    words = chart.locator(".readout").text_content()
    epoch, train, validation = map(float, re.match(r"epoch (\d+)training ([\d.]+)validation ([\d.]+)$", words).groups())
    i, j = explorer["chosen"]
    cell = next(cell for cell in explorer["cells"] if (cell["l2"], cell["dropout"]) == (i, j))
    k = cell["epochs"].index(epoch)
    assert (train, validation) == pytest.approx((cell["train"][k], cell["validation"][k]), rel=0.02)
    page.mouse.move(1, 1)
    assert chart.locator(".readout").text_content() == ""


def test_light_and_dark_can_be_chosen_against_the_system(new_page, reports):
    ground = "getComputedStyle(document.body).backgroundColor"
    for scheme, other in (("light", "dark"), ("dark", "light")):
        page = new_page(color_scheme=scheme)
        page.goto(reports[MOON])
        before = page.evaluate(ground)
        page.get_by_role("button", name=other, exact=False).click()
        assert page.evaluate(ground) != before
        assert f"theme={other}" in page.evaluate("location.hash")
        page.reload()
        assert page.evaluate(ground) != before
        page.get_by_role("button", name="auto", exact=False).click()
        assert page.evaluate(ground) == before
        assert page.evaluate("location.hash") == ""
        page.emulate_media(color_scheme=other)  # auto follows the system
        assert page.evaluate(ground) != before


def test_paper_shows_the_static_pictures(page, reports):
    page.goto(reports[MOON])
    static, interactive = page.locator(".jf-static").first, page.locator(".jf-explorer")
    assert interactive.is_visible()
    assert not static.is_visible()
    page.get_by_role("button", name="dark", exact=False).click()
    page.emulate_media(media="print")
    assert static.is_visible()
    assert not interactive.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_script_the_static_pictures_stand(new_page, reports):
    page = new_page(java_script_enabled=False)
    page.goto(reports[MOON])
    assert page.locator("[data-justfit-explorer] svg").first.is_visible()
    assert page.locator("input, button").count() == 0


def test_a_command_is_copied(new_page, reports):
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(reports[MOON])
    command = page.locator("pre").first
    page.locator(".jf-copy").first.click()
    page.locator(".jf-copy", has_text="Copied").first.wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == command.text_content()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
def test_no_serious_violation_of_accessibility(new_page, reports, axe, width, scheme):
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(reports[MOON])
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sizes = page.evaluate("[...document.querySelectorAll('button, input')].map((one) => one.offsetHeight)")
    assert min(sizes) >= 24  # WCAG 2.2, target size
