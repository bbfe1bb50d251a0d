"""The module as a notebook runs it: imported, rendered into an element by a model that a kernel answers for."""

from __future__ import annotations

import pytest

from justfit.report import _script, render_html
from justfit.report._piece import take_apart
from tests.unit.report import opened

ORIGIN = "http:" + "//127.0.0.1:9"  # nobody listens: the browser is answered from here

# What anywidget gives to `render`, with a record of what the module asked of it.
MODEL = """
async ({ piece, shadow }) => {
  const module = await import("/justfit.js");
  const place = document.createElement("div");
  document.body.append(place);
  const el = shadow ? place.attachShadow({ mode: "open" }).appendChild(document.createElement("div")) : place;
  const held = { html: piece.html, data: piece.data, state: {} };
  const handlers = {};
  window.saved = 0;
  window.el = el;
  window.model = {
    get: (name) => held[name],
    set: (name, value) => { held[name] = value; (handlers["change:" + name] ?? []).forEach((one) => one()); },
    save_changes: () => { window.saved += 1; },
    on: (name, handler) => { (handlers[name] ??= []).push(handler); },
    off: (name, handler) => { handlers[name] = (handlers[name] ?? []).filter((one) => one !== handler); },
  };
  window.left = () => Object.values(handlers).flat().length;
  window.undo = module.default.render({ model: window.model, el });
}
"""


@pytest.fixture(scope="module")
def piece():
    found = take_apart(render_html(opened.two_features()))
    return {"html": found.html, "data": found.data}


@pytest.fixture
def notebook(page):
    """An empty page whose server has the module."""
    answers = {
        "/": ("text/html", "<!doctype html><html lang='en'><head><title>notebook</title></head><body></body></html>"),
        "/justfit.js": ("text/javascript", _script.module_source()),
        "/favicon.ico": ("image/x-icon", ""),
    }

    def answer(route):
        kind, body = answers[route.request.url.removeprefix(ORIGIN)]
        route.fulfill(content_type=kind, body=body)

    page.route(ORIGIN + "/*", answer)
    page.goto(ORIGIN + "/")
    return page


@pytest.mark.parametrize("shadow", [False, True])  # marimo renders into a shadow root
def test_the_state_goes_both_ways(notebook, piece, shadow):
    notebook.evaluate(MODEL, {"piece": piece, "shadow": shadow})
    chosen = piece["data"]["explorer"]["chosen"]
    slider = notebook.get_by_role("slider", name="λ")
    assert slider.input_value() == str(chosen[0])
    slider.focus()
    notebook.keyboard.press("Home")
    assert notebook.evaluate("model.get('state')") == {"l2": 0, "dropout": chosen[1]}
    assert notebook.evaluate("saved") == 1
    notebook.evaluate("model.set('state', { l2: 2, dropout: 0 })")  # the kernel moves it
    assert slider.input_value() == "2"
    assert notebook.evaluate("saved") == 1  # and is not told what it said itself
    notebook.evaluate("model.set('state', { l2: 'junk', dropout: -4 })")
    assert slider.input_value() == str(chosen[0])
    assert notebook.locator(".jf-explorer").evaluate("one => getComputedStyle(one.firstChild).display") == "grid"


def test_a_widget_leaves_nothing_behind(notebook, piece):
    notebook.evaluate(MODEL, {"piece": piece, "shadow": False})
    assert notebook.evaluate("left()") > 0
    notebook.evaluate("undo()")
    assert notebook.evaluate("[el.childElementCount, left()]") == [0, 0]


def test_a_widget_has_neither_the_address_nor_the_colours_of_its_host(notebook, piece):
    notebook.evaluate(MODEL, {"piece": piece, "shadow": False})
    notebook.get_by_role("button", name="Largest λ").click()
    assert notebook.evaluate("location.hash") == ""
    assert notebook.locator(".jf-tools").count() == 0


def test_two_widgets_in_one_notebook_stay_apart(notebook, piece):
    for _ in range(2):
        notebook.evaluate(MODEL, {"piece": piece, "shadow": False})
    first, second = (notebook.locator("input[type=range]").nth(k) for k in (0, 2))
    notebook.locator(".jf-slider span").nth(0).click()  # its label
    first.fill("0")
    assert first.input_value() != second.input_value()
    ids = notebook.evaluate("[...document.querySelectorAll('.jf-explorer [id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))


def test_without_an_explorer_the_piece_is_shown_as_it_is(notebook):
    notebook.evaluate(
        MODEL, {"piece": {"html": "<p class='justfit'>as it is</p>", "data": {"kind": "report"}}, "shadow": False}
    )
    assert notebook.get_by_text("as it is").is_visible()
    assert notebook.locator(".jf-explorer").count() == 0
