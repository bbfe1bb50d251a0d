"""The pages around the playground in a real browser: the door, the button for the claims, the way in and back."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from justfit.lab import LabServer
from justfit.records import to_dict
from tests.unit.lab.asking import token_of
from tests.unit.lab.test_server_claims import HALF_WAY, saying
from tests.unit.report import labs

NARROW = {"width": 375, "height": 800}


@pytest.fixture
def lab(tmp_path):
    with LabServer() as lab:
        lab._lab.claims.command = saying(tmp_path, HALF_WAY, "wait", {"record": to_dict(labs.hostile())})
        yield lab


def origin(lab) -> str:
    return lab.url.partition("/?")[0]


def assert_fits(page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_claims_from_the_button_to_the_page_and_back(page, lab, tmp_path, axe):
    page.goto(lab.url)
    assert page.url.partition("#")[0] == f"{origin(lab)}/"  # the token has left the address
    page.goto(f"{origin(lab)}/claims")
    axe(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the claims"
    button = page.get_by_role("button", name="Measure them now")
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Measuring C6").wait_for()
    assert page.get_by_text("Measuring C6").text_content() == HALF_WAY["sentence"]  # as text, not as markup
    assert page.get_by_role("progressbar", name="Claims measured").evaluate("bar => bar.value") == 5
    assert page.locator(".claims .done").count() == 5
    axe(page)
    page.emulate_media(color_scheme="dark")
    axe(page)
    page.set_viewport_size(NARROW)
    assert_fits(page)
    (tmp_path / "go").touch()
    page.get_by_role("link", name="Measure again").wait_for()  # the page of what was found came by itself
    axe(page)
    assert_fits(page)
    page.get_by_role("link", name="Measure again").click()
    page.get_by_role("heading", name="Measure the claims again").wait_for()
    page.get_by_role("link", name="Playground").click()
    page.wait_for_url(lambda url: url.partition("#")[0] == f"{origin(lab)}/")
    page.locator(".jp-unit").first.wait_for()  # it asks nothing more when the lab closes


def test_settings_and_colours_go_along_to_the_claims_and_back(page, lab):
    page.goto(f"{lab.url}#data=xor&num_train=20&depth=1&width=2")
    page.locator(".jp-unit").first.wait_for()
    page.click(".jf-tools button[data-theme=dark]")
    page.get_by_role("link", name="The 17 claims").click()
    page.get_by_role("button", name="Measure them now").wait_for()
    assert page.get_attribute("html", "data-theme") == "dark"
    page.get_by_role("button", name="Measure them now").click()
    page.get_by_text("Measuring C6").wait_for()
    assert page.get_attribute("html", "data-theme") == "dark"
    page.click(".jf-tools button[data-theme=light]")
    page.evaluate("location.hash = 'jf-main'")  # an anchor takes the place of the settings
    page.get_by_role("link", name="Playground").click()
    page.locator(".jp-unit").first.wait_for()
    assert page.get_attribute("html", "data-theme") == "light"
    assert page.is_checked("input[value=xor]")
    assert page.locator(".jp-unit").count() == 2


def test_without_javascript_the_claims_can_be_measured_and_read(new_page, lab, tmp_path):
    page = new_page(java_script_enabled=False)
    page.goto(lab.url)
    page.get_by_role("link", name="The seventeen claims").click()
    page.get_by_role("button", name="Measure them in full").click()
    page.get_by_role("link", name="look now").wait_for()
    (tmp_path / "go").touch()
    for _ in range(100):
        if not page.get_by_role("link", name="look now").count():
            break
        page.get_by_role("link", name="look now").click()
    page.get_by_role("link", name="Measure again").wait_for()


def test_a_link_on_another_page_leads_in(new_page, lab, tmp_path, complaints):
    """Its request carries no strict cookie of ours, so the first answer refuses; the page then loads once more."""
    link = tmp_path / "elsewhere.html"
    link.write_text(f'<a href="{lab.url}">open</a>')
    page = new_page()
    page.goto(link.as_uri())
    page.get_by_role("link").click()
    page.locator(".jp-unit").first.wait_for()
    assert page.url.partition("#")[0] == f"{origin(lab)}/"
    complaints[:] = [one for one in complaints if "403" not in one]


def test_the_closed_door_says_what_to_do(new_page, lab, axe, complaints):
    page = new_page(viewport=NARROW, color_scheme="dark")
    for path in ("/", "/claims"):
        page.goto(origin(lab) + path)
        page.get_by_role("heading", name="The lab is closed here").wait_for()
        page.get_by_text("Open the address that the terminal printed.").wait_for()
    assert_fits(page)
    axe(page)
    assert complaints
    assert all("403" in one for one in complaints)
    complaints.clear()


@pytest.mark.parametrize("whole", [False, True], ids=["token", "address"])
def test_a_shared_link_arrives_through_the_closed_door(new_page, lab, complaints, whole):
    page = new_page()
    page.goto(f"{origin(lab)}/#data=xor&num_train=20&depth=1&width=2")
    page.wait_for_url("**/?again#*")
    page.fill("#jf-token", "wrong")
    page.keyboard.press("Enter")
    page.get_by_text("The token must be this lab's.").wait_for()
    page.get_by_label("Or paste that address, or its token, here").fill(lab.url if whole else token_of(lab))
    page.get_by_role("button", name="Open the lab").click()
    page.locator(".jp-unit").first.wait_for()
    assert "token" not in page.url
    assert page.is_checked("input[value=xor]")
    assert page.locator(".jp-unit").count() == 2
    assert all("403" in one for one in complaints)
    complaints.clear()


def test_the_closed_door_opens_without_javascript(new_page, lab, complaints):
    page = new_page(java_script_enabled=False)
    page.goto(f"{origin(lab)}/claims")
    page.fill("#jf-token", lab.url)
    page.get_by_role("button", name="Open the lab").click()
    page.get_by_role("link", name="The seventeen claims").wait_for()
    assert all("403" in one for one in complaints)
    complaints.clear()


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture
def other_site(tmp_path):
    """Another server of this machine: its pages are of the same site, so the lab's cookie comes with what they ask."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield "http:" + f"//127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_page_of_another_port_can_neither_read_nor_change_nor_frame(new_page, lab, other_site, tmp_path, complaints):
    (tmp_path / "evil.html").write_text(
        f'<form method="post" action="{origin(lab)}/claims?quick=1"><button>win a prize</button></form>'
        f'<iframe src="{origin(lab)}/"></iframe><script src="{origin(lab)}/api/options"></script>'
    )
    page = new_page()
    page.goto(lab.url)
    answers = []
    page.on("response", lambda response: answers.append((response.request.method, response.status)))
    page.goto(f"{other_site}/evil.html")
    outcome = page.evaluate(
        """async (place) => {
            const tried = (path, options) =>
                fetch(place + path, { credentials: "include", ...options })
                    .then((answer) => answer.type, () => "refused");
            const body = '{"quick": true}';
            return [
                await tried("/api/options", {}),
                await tried("/api/options", { mode: "no-cors" }),
                await tried("/api/claims", { method: "POST", body }),
                await tried("/api/claims", { method: "POST", body, mode: "no-cors" }),
                await tried("/api/claims", { method: "POST", body, headers: { "X-JustFit-Token": "x" } }),
            ];
        }""",
        origin(lab),
    )
    assert outcome == ["refused"] * 5
    assert [frame.locator("[data-justfit-playground]").count() for frame in page.frames[1:]] == [0]
    assert any("frame-ancestors" in one for one in complaints)
    page.get_by_role("button").click()
    page.get_by_role("heading", name="The lab is closed here").wait_for()
    assert ("POST", 403) in answers
    assert ("POST", 200) not in answers
    assert lab._lab.claims.state == "idle"
    complaints.clear()
