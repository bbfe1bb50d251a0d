"""The live page in a browser, on the real server: what is moved answers, what is shared comes back, errors speak."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from justfit.lab import LabServer

MOST_KB = 200  # of an answer
HOSTILE = ('<img src=x onerror="window.broken=1">', "</script><script>window.broken=1</script>")
CLASSES = ("<b>yes</b>", "\u202eno & \U0001f600")
USUAL = {"width": 1280, "height": 900}
SMALL = "num_train=40&depth=2&width=4"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """One server for all tests, with a table whose names are an attack."""
    table = tmp_path_factory.mktemp("table") / "<i>table & \U0001f600.csv"
    draw = random.Random(0)  # noqa: S311  # examples, not secrets
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["noise", *HOSTILE, "class"])
        for row in range(120):
            centre = row % 2
            place = [draw.gauss(3 * centre, 1), draw.gauss(-2 * centre, 1)] if row else [1e6, 0]
            writer.writerow([draw.gauss(0, 1), *place, CLASSES[centre]])
    with LabServer(str(table), target="class", columns=HOSTILE) as server:
        yield server


@pytest.fixture(scope="module")
def tab(browser: Any) -> Iterator[Any]:
    """One tab for all tests: what the playground knows stands in its address, and a new page forgets the last one."""
    context = browser.new_context(viewport=USUAL)
    tab = context.new_page()
    tab.set_default_timeout(10_000)
    yield tab
    context.close()


@pytest.fixture
def page(tab: Any, watch: Callable[..., Any], complaints: list[str]) -> Iterator[Any]:
    """The tab as if it were new; the test fails if its page complains, as with the page of other tests."""
    listeners = watch(tab)
    tab.set_viewport_size(USUAL)
    yield tab
    assert not complaints, "\n".join(complaints)
    tab.unroute_all()
    tab.emulate_media(media="null", color_scheme="null")
    tab.goto("about:blank")
    for event, listener in listeners.items():
        tab.remove_listener(event, listener)


@pytest.fixture
def enter(lab: LabServer) -> Callable[..., Any]:
    """Open the playground in a page, with these settings in its address, and wait until it is drawn."""

    def open_in(page: Any, settings: str = f"data=moons&{SMALL}") -> Any:
        page.goto(f"{lab.url}#{settings}")
        page.locator(".jp-unit").first.wait_for()
        rest(page)
        return page

    return open_in


def epoch(page: Any) -> int:
    return int(page.inner_text(".jp-epoch strong").replace(",", ""))


def wait_for_epoch(page: Any, at_least: int) -> None:
    page.wait_for_function(
        "least => Number(document.querySelector('.jp-epoch strong').textContent.replaceAll(',', '')) >= least",
        arg=at_least,
    )


def rest(page: Any) -> None:
    """Wait until no answer is awaited any more."""
    page.locator(".jp[aria-busy=false]").wait_for()


def pixels(page: Any, selector: str) -> str:
    return str(page.eval_on_selector(selector, "canvas => canvas.toDataURL()"))


def address(page: Any) -> str:
    return str(page.evaluate("location.hash"))


def test_an_untrained_network_is_shown_and_nothing_plays(page: Any, enter: Callable[..., Any]) -> None:
    enter(page)
    assert epoch(page) == 0
    assert "Not trained yet." in page.inner_text(".jp-verdict")
    assert page.get_attribute(".jp-play", "aria-label") == "Play"
    assert page.locator(".jp-unit").count() == 2 * 4
    assert page.locator(".jp-wires path").count() == 2 * 4 + 4 * 4 + 4
    assert page.inner_text(".jp-network h2") == "2 hidden layers, 28 weights"
    assert "data=moons" in address(page)


def test_play_pause_step_and_reset(page: Any, enter: Callable[..., Any]) -> None:
    enter(page)
    first = pixels(page, ".jp-plane")
    page.keyboard.press("Space")
    assert page.get_attribute(".jp-play", "aria-label") == "Pause"
    wait_for_epoch(page, 5)
    page.click(".jp-play")
    rest(page)
    paused = epoch(page)
    assert pixels(page, ".jp-plane") != first
    assert "Not trained" not in page.inner_text(".jp-verdict")
    page.click(".jp-step")
    wait_for_epoch(page, paused + 1)
    rest(page)
    assert epoch(page) == paused + 1
    page.click(".jp-reset")
    page.wait_for_function("() => document.querySelector('.jp-epoch strong').textContent === '0'")
    assert pixels(page, ".jp-plane") == first, "the same seed starts with the same weights"


def test_sliders_answer_without_training(new_page: Callable[..., Any], enter: Callable[..., Any]) -> None:
    page = enter(new_page(), f"data=moons&{SMALL}&learning_rate=0.1")
    page.click(".jp-step")
    wait_for_epoch(page, 1)
    before = pixels(page, ".jp-plane")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url.split('/api/')[-1]}"))
    page.focus(".jp-slide-across")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.focus(".jp-slide-up")
    page.keyboard.press("ArrowUp")
    page.wait_for_function("before => document.querySelector('.jp-plane').toDataURL() !== before", arg=before)
    assert page.locator(".jp-big").all_inner_texts() == ["100", "0.1"]
    assert "l2=5" in address(page)
    assert "p=1" in address(page)
    assert page.get_attribute(".jp-slide-across", "aria-valuetext") == "λ = 100"
    assert epoch(page) == 1
    assert asked
    assert not [request for request in asked if request.startswith("POST")]
    page.locator(".jp-cell").nth(0).click()
    assert "l2=0" in address(page)
    assert "p=4" in address(page)


def test_the_map_shows_every_loss_and_leads_to_the_lowest(page: Any, enter: Callable[..., Any]) -> None:
    enter(page, f"data=gauss&{SMALL}&l2=5&p=4")
    page.click(".jp-step")
    wait_for_epoch(page, 1)
    shown = page.locator(".jp-cell").all_inner_texts()
    assert len(shown) == 30
    assert all(float(text) > 0 for text in shown)
    lowest = page.locator(".jp-best").evaluate_all("cells => cells.map(cell => cell.title)")
    page.click("text=Go there")
    assert page.locator(".jp-here").get_attribute("title") in lowest
    page.check("input[value=gap]", force=True)
    assert page.locator(".jp-cell").all_inner_texts() != shown


def test_settings_begin_anew_and_stand_in_the_address(page: Any, enter: Callable[..., Any]) -> None:
    enter(page)
    page.click(".jp-step")
    wait_for_epoch(page, 1)
    page.check("input[value=xor]", force=True)
    page.select_option("select:near(:text('Initialization'))", "zero")
    page.get_by_label("Hidden layers").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelectorAll('.jp-unit').length === 12")
    assert epoch(page) == 0
    assert page.locator(".jp-silent").count() == 12, "with zero weights every unit answers the same everywhere"
    for part in ("data=xor", "init=zero", "depth=3", "width=4", "num_train=40"):
        assert part in address(page)
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_function("() => document.querySelectorAll('.jp-silent').length === 12")
    assert page.is_checked("input[value=xor]")
    assert page.get_by_label("Hidden layers").get_attribute("aria-valuetext") == "3"


def test_dropout_is_switched_layer_by_layer(page: Any, enter: Callable[..., Any]) -> None:
    enter(page, f"data=moons&{SMALL}&p=2")
    assert page.locator(".jp-drop").all_inner_texts() == ["dropout 0.2", "dropout 0.2"]
    page.get_by_label("Dropout after layer 1").click()
    page.wait_for_function("() => document.querySelector('.jp-drop').textContent === 'dropout off'")
    assert "dropout_layers=2&" in address(page) + "&"
    page.get_by_label("Dropout after layer 1").click()
    page.wait_for_function("() => document.querySelector('.jp-drop').textContent === 'dropout 0.2'")
    assert "dropout_layers=all" in address(page)


def test_a_unit_is_looked_at_by_pointer_and_by_keyboard(page: Any, enter: Callable[..., Any]) -> None:
    enter(page)
    surface = pixels(page, ".jp-plane")
    page.locator(".jp-unit").nth(5).hover()
    assert page.inner_text(".jp-output h2") == "Layer 2, unit 2"
    assert pixels(page, ".jp-plane") != surface
    assert "Layer 2, unit 2: largest weights" in page.inner_text(".jp-network .jp-note")
    assert page.locator(".jp-wires .jp-near").count() == 4 + 1
    page.mouse.move(2, 2)
    assert page.inner_text(".jp-output h2") == "Decision surface"
    page.locator(".jp-unit").nth(3).click()
    page.mouse.move(2, 2)
    assert page.inner_text(".jp-output h2") == "Layer 1, unit 4", "a pressed unit stays"
    page.keyboard.press("Escape")
    page.locator(".jp-unit").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.inner_text(".jp-output h2") == "Layer 2, unit 2"
    page.keyboard.press("Escape")
    assert page.inner_text(".jp-output h2") == "Decision surface"
    page.keyboard.press("ArrowUp")
    assert page.inner_text(".jp-output h2") == "Layer 2, unit 1"
    page.keyboard.press("Tab")
    assert page.inner_text(".jp-output h2") == "Decision surface", "whoever goes on leaves the unit"
    assert pixels(page, ".jp-plane") == surface


def test_a_hundred_layers_stay_readable(new_page: Callable[..., Any], enter: Callable[..., Any]) -> None:
    page = new_page()
    sizes: list[int] = []
    page.on("response", lambda response: sizes.append(len(response.body())) if "/api/runs" in response.url else None)
    enter(page, "data=moons&num_train=40&depth=100&width=3&activation=tanh&init=orthogonal")
    assert page.locator(".jp-head").count() == 10 + 2
    assert "10 of 100 layers are drawn." in page.inner_text(".jp-network .jp-note")
    assert page.locator(".jp-skipped").count() >= 9
    line = page.get_attribute(".jp-signal path.jp-forward.line >> nth=1", "d")
    assert line.count("L") > 50
    assert max(sizes) < MOST_KB * 1000


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("depth=1000", "`depth` must be a whole number from 1 to 100. Found `depth=1000`."),
        ("init=magic", "`init` must be"),
    ],
)
def test_what_the_server_refuses_is_said_in_words(
    settings: str, words: str, page: Any, lab: LabServer, complaints: list[str]
) -> None:
    page.goto(f"{lab.url}#{settings}")
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert words in alert.inner_text()
    page.select_option("select:near(:text('Initialization'))", "he")
    page.get_by_label("Hidden layers").focus()
    page.keyboard.press("Home")
    page.locator(".jp-unit").first.wait_for()
    assert alert.count() == 0
    assert all("400" in each for each in complaints)
    complaints.clear()


def test_a_server_that_is_gone_and_comes_back(page: Any, enter: Callable[..., Any], complaints: list[str]) -> None:
    enter(page)
    page.route("**/advance", lambda route: route.abort())
    page.click(".jp-step")
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "does not answer" in alert.inner_text()
    assert "justfit lab --serve" in alert.inner_text()
    assert page.get_attribute(".jp-play", "aria-label") == "Play"
    page.unroute("**/advance")
    alert.get_by_role("button").click()
    page.click(".jp-step")
    wait_for_epoch(page, 1)
    assert alert.count() == 0
    assert all("ERR_FAILED" in each for each in complaints)
    complaints.clear()


def test_a_page_without_its_server_tries_again(page: Any, lab: LabServer, complaints: list[str]) -> None:
    page.route("**/api/options", lambda route: route.fulfill(status=503, body="Service Unavailable"))
    page.goto(lab.url)
    page.get_by_role("alert").get_by_text("refused (503). Wait a moment").wait_for()
    page.unroute("**/api/options")
    page.get_by_role("button", name="Try again").click()
    page.locator(".jp-unit").first.wait_for()
    assert all("503" in each for each in complaints)
    complaints.clear()


def test_a_forgotten_run_offers_to_start_again(page: Any, enter: Callable[..., Any], complaints: list[str]) -> None:
    enter(page)
    page.route("**/advance", lambda route: route.continue_(url=route.request.url.replace("/runs/", "/runs/no")))
    page.click(".jp-step")
    page.get_by_role("alert").get_by_text("Start again with these settings").wait_for()
    assert all("404" in each for each in complaints)
    complaints.clear()


def test_what_lambda_means_with_each_optimizer(page: Any, enter: Callable[..., Any]) -> None:
    enter(page)
    assert page.inner_text(".jp-meaning") == "λ/(2n) · Σw² is added to the loss; n = 40."
    page.select_option("select:near(:text('Optimizer'))", "adamw")
    page.get_by_text("With AdamW, λ/n is decoupled decay (claim\u00a0C6).").wait_for()


def test_an_epoch_that_takes_long_is_seen_to_go_on(
    page: Any, enter: Callable[..., Any], lab: LabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(page, f"data=moons&{SMALL}&batch_size=10")
    monkeypatch.setattr(lab._lab.runs, "slice_seconds", 0.0)  # one step an answer
    page.evaluate(
        """() => {
            window.seen = [];
            const look = () => window.seen.push(document.querySelector(".jp-transport").innerText
                + document.querySelector(".jp-verdict").innerText);
            new MutationObserver(look).observe(document.querySelector(".jp-within"), { childList: true });
        }"""
    )
    page.click(".jp-step")
    wait_for_epoch(page, 1)
    rest(page)
    assert epoch(page) == 1, "one step of the reader is a whole epoch all the same"
    seen = page.evaluate("window.seen")
    for share, words in zip(("25", "50", "75"), seen, strict=False):
        assert f"0\n+ {share}\u00a0% of the steps" in words
        assert "In its first epoch." in words
    assert page.inner_text(".jp-within") == ""


CORNER = """canvas => {
    const copy = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
    copy.drawImage(canvas, 0, 0, 1, 1, 0, 0, 1, 1);
    return [...copy.getImageData(0, 0, 1, 1).data];
}"""


def test_a_unit_has_the_same_colours_large_and_small(page: Any, enter: Callable[..., Any]) -> None:
    enter(page, f"data=moons&{SMALL}&init=orthogonal&activation=tanh")
    for unit in range(8):
        page.locator(".jp-unit").nth(unit).hover()
        tile = page.locator(".jp-unit canvas").nth(unit).evaluate(CORNER)
        assert page.eval_on_selector(".jp-plane", CORNER) == pytest.approx(tile, abs=2)
    page.select_option("select:near(:text('Initialization'))", "zero")
    page.locator(".jp-silent").first.hover()
    nothing = page.eval_on_selector(".jp-plane", CORNER)
    assert nothing == page.locator(".jp-silent canvas").first.evaluate(CORNER)
    assert nothing == [0xF6, 0xF7, 0xF9, 255], "zero has no colour"
    assert page.inner_text(".jp-legend").split() == ["0", "0"]


def test_the_users_table_with_names_that_attack(page: Any, enter: Callable[..., Any]) -> None:
    enter(page, "data=table&num_train=500&depth=2&width=4")
    page.click(".jp-step")
    wait_for_epoch(page, 1)
    assert page.evaluate("window.broken") is None
    shown = page.inner_text(".jp-output")
    assert "as asked; justfit lab --serve --columns A,B shows others." in shown
    assert "1 point lies far outside and is drawn at the border." in shown
    assert len(page.locator(".jp-axis-end").first.inner_text()) < 6, "the stray one does not squeeze the others"
    assert all(name in shown for name in (*HOSTILE, CLASSES[0]))
    assert page.locator(".jp img, .jp b, .jp-output script").count() == 0
    assert page.locator(".jp-field", has_text="Noise").is_hidden(), "a table has the noise that it has"


@pytest.mark.parametrize(("width", "scheme"), [(375, "light"), (1280, "dark")])
def test_it_is_accessible_on_a_telephone_and_in_the_dark(
    width: int, scheme: str, new_page: Callable[..., Any], enter: Callable[..., Any], axe: Callable[..., None]
) -> None:
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    enter(page, "data=circles&num_train=40&depth=12&width=3")
    page.click(".jp-step")
    wait_for_epoch(page, 1)
    axe(page)
    page.eval_on_selector(".jp-settings", "one => { one.open = true }")
    pressed = page.locator(
        ".jp :is(button, select, summary, .jp-cell, .jp-check, .jp-data-row label, input[type=range])"
    )
    sizes = pressed.evaluate_all("all => all.map(one => [one.className, one.offsetWidth, one.offsetHeight])")
    assert len(sizes) > 60
    assert [one for one in sizes if min(one[1:]) < 24] == [], "smaller than a finger's tip"


CONTRASTS = """() => [...document.querySelectorAll(".jp-cell")].map((cell) => {
  const style = getComputedStyle(cell);
  const [letters, paper] = [style.color, style.backgroundColor].map((colour) => {
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = colour.match(/\\d+/g).map((part) => linear(part / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  });
  return Math.max(letters, paper) / Math.min(letters, paper);
})"""


def test_the_losses_on_the_map_can_be_read_on_every_colour(
    new_page: Callable[..., Any], enter: Callable[..., Any]
) -> None:
    page = enter(new_page())

    def spread(route: Any) -> None:
        state = route.fetch().json()
        state["grid"]["validation"] = [[0.5 + (5 * i + j) / 29 for j in range(5)] for i in range(6)]
        route.fulfill(json=state)

    page.route("**/advance", spread)
    page.click(".jp-step")
    wait_for_epoch(page, 1)
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) == 30
    assert min(contrasts) > 4.5
    colours = page.locator(".jp-cell").evaluate_all(
        "cells => [...cells].sort((a, b) => a.textContent - b.textContent).map(cell => cell.style.backgroundColor)"
    )
    assert colours[0] == "rgb(254, 232, 56)", "the lowest loss is bright, as on the page of a fit"
    assert colours[-1] == "rgb(0, 34, 78)"


def test_losses_that_are_alike_have_no_winner(page: Any, enter: Callable[..., Any]) -> None:
    enter(page, f"data=moons&{SMALL}&init=zero&learning_rate=0.00001")
    page.click(".jp-step")
    wait_for_epoch(page, 1)
    rest(page)
    assert page.inner_text(".jp-cells h2") == "All networks alike: 0.693"
    assert page.locator(".jp-best").count() == 0
    assert page.get_by_role("button", name="Go there").is_disabled()
    assert page.inner_text(".jp-curves h2") == "The validation loss stays at 0.693"


def test_a_tie_is_named(new_page: Callable[..., Any], enter: Callable[..., Any]) -> None:
    page = enter(new_page(), f"data=moons&{SMALL}&l2=2&p=1")

    def tie(route: Any) -> None:
        state = route.fetch().json()
        state["grid"]["validation"] = [[0.5001 if i == 2 and j < 2 else 0.6 for j in range(5)] for i in range(6)]
        state["grid"]["validation"][2][0] = 0.5
        route.fulfill(json=state)

    page.route("**/advance", tie)
    page.click(".jp-step")
    wait_for_epoch(page, 1)
    assert page.inner_text(".jp-cells h2") == "Lowest now at λ = 0.1, p = 0 and 1 more alike"
    assert page.locator(".jp-best").count() == 2
    assert page.get_by_role("button", name="Go there").is_disabled(), "it is there"


def test_nothing_sticks_out_at_any_width(page: Any, enter: Callable[..., Any]) -> None:
    enter(page, "data=table&depth=12&width=16&num_train=40")
    for width in (375, 600, 830, 1000, 1280, 1900):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(50)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width


def test_a_chosen_theme_repaints_what_is_drawn(page: Any, enter: Callable[..., Any]) -> None:
    enter(page)
    pictures = (".jp-unit canvas", ".jp-plane", ".jp-end canvas", ".jp-data canvas")
    light = [pixels(page, picture) for picture in pictures]
    page.click(".jf-tools button[data-theme=dark]")
    for picture, before in zip(pictures, light, strict=True):
        assert pixels(page, picture) != before, picture
    assert "theme=dark" in address(page)
    assert "data=moons" in address(page)


def test_without_javascript_the_page_says_what_it_needs(new_page: Callable[..., Any], lab: LabServer) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(lab.url)
    assert "needs JavaScript" in page.inner_text("main")
    assert page.get_attribute("main a", "href") == "/claims"


def test_an_address_changed_by_hand_is_followed(page: Any, enter: Callable[..., Any], tmp_path: Path) -> None:
    enter(page)
    page.evaluate("location.hash = location.hash.replace('l2=0', 'l2=3')")
    page.wait_for_function("() => document.querySelector('.jp-slide-across').value === '3'")
    assert page.locator(".jp-here").get_attribute("title") == "λ = 1, p = 0"
    page.evaluate("location.hash = location.hash.replace('width=4', 'width=5')")
    page.wait_for_function("() => document.querySelectorAll('.jp-unit').length === 10")
    page.emulate_media(media="print")
    assert page.locator(".jp-settings").is_hidden()
    assert "Two moons, noise 0.2, 40 training examples, seed 0; 2 × 5 hidden units" in page.inner_text(".jp-printed")
    page.pdf(path=tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").stat().st_size > 10_000


def test_the_verdict_says_why_and_leads_to_the_claim(page: Any, enter: Callable[..., Any]) -> None:
    enter(page, "data=moons&activation=sigmoid&init=xavier&num_train=40&depth=50&width=4&optimizer=sgd")
    page.click(".jp-step")
    wait_for_epoch(page, 1)
    rest(page)
    assert "The gradient vanishes: at layer 1 it is " in page.inner_text(".jp-verdict p")
    assert page.inner_text(".jp-signal h2") == "Activations stay even, gradients vanish"
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Claim C12").click()
    claims = opened.value
    assert claims.url.endswith("/claims#C12")
    assert "Vanishing and exploding" in claims.locator("#C12").inner_text()
    claims.close()
    page.select_option("select:near(:text('Initialization'))", "auto")
    page.wait_for_function("() => document.querySelector('.jp-cause').textContent === ''")
    assert page.get_by_role("link", name="Claim C12").count() == 0


def test_a_place_that_the_lab_has_not_is_said(page: Any, enter: Callable[..., Any]) -> None:
    enter(page, f"data=moons&{SMALL}&l2=99&p=1")
    assert (
        page.inner_text(".jp-stray") == "l2=99 in this link is no place of λ, which has 0 to 5. Another one is shown."
    )
    page.evaluate("location.hash = location.hash.replace('l2=0', 'l2=3')")
    page.locator(".jp-stray").wait_for(state="hidden")


def test_dashed_tiles_are_explained_and_names_are_whole(page: Any, enter: Callable[..., Any]) -> None:
    enter(page, f"data=moons&{SMALL}&init=orthogonal&activation=tanh")
    assert "dashed" not in page.inner_text(".jp-network .jp-note")
    page.select_option("select:near(:text('Initialization'))", "zero")
    page.get_by_text("over the plane, dashed where it is the same everywhere.").wait_for()
    assert (
        page.eval_on_selector(
            "select:has(option[value=xavier])",
            """select => {
            const pen = document.createElement("canvas").getContext("2d");
            pen.font = getComputedStyle(select).font;
            const widest = Math.max(...[...select.options].map((option) => pen.measureText(option.text).width));
            return select.clientWidth - widest;
        }""",
        )
        > 30
    ), "with the arrow"
