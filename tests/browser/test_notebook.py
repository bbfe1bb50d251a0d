"""Records as a notebook shows them: pieces of several reports in one page that is not ours."""

from __future__ import annotations

import pytest

from tests.unit.report import opened
from tests.unit.report.every import ATTACKS, EVERY

KINDS = ("fit", "verdict with history", "schemes", "watch that failed", "cure", "sweep", "lab")


def notebook(pieces) -> str:
    # The colours and letters of a notebook, which must not leak into the pieces, nor theirs out of them.
    outputs = "".join(
        f'<section class="output" aria-label="Output {k}">{piece}</section>' for k, piece in enumerate(pieces)
    )
    style = "body { margin: 1rem; background: #fdf6e3; color: #586e75; font: 20px/2 serif } table { width: 100% }"
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Notebook</title>'
    body = f"<body><h1 id='mine'>Mine</h1>{outputs}</body>"
    return f"<!doctype html><html lang='en'><head>{head}<style>{style}</style></head>{body}</html>"


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    made = {
        "healthy": [*(EVERY[kind]()._repr_html_() for kind in KINDS), opened.two_features()._repr_html_()],
        "hostile": [make()._repr_html_() for make in ATTACKS.values()],
    }
    for name, pieces in made.items():
        (folder / f"{name}.html").write_text(notebook(pieces), "utf-8", errors="backslashreplace")
    return {name: (folder / f"{name}.html").as_uri() for name in made}


@pytest.mark.parametrize("name", ["healthy", "hostile"])
def test_pieces_stand_side_by_side(page, addresses, name):
    page.goto(addresses[name])
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids)) > 10
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(253, 246, 227)"
    assert page.locator(".justfit").first.evaluate("one => getComputedStyle(one).fontSize") != "20px"
    assert page.evaluate("Object.keys(window).filter((name) => /hacked|pwned|xss/i.test(name))") == []
    assert page.locator("script, iframe, [onload], [onerror], [onclick]").count() == 0


def test_a_link_in_a_piece_leads_into_the_same_piece(page, addresses):
    page.goto(addresses["healthy"])
    wrong = page.evaluate(
        """[...document.querySelectorAll('.justfit a[href^="#"]')].filter((link) =>
          document.getElementById(link.getAttribute("href").slice(1))?.closest(".justfit") !== link.closest(".justfit")
        ).map((link) => link.outerHTML.slice(0, 200))"""
    )
    assert wrong == []
    assert page.locator('.justfit a[href^="#"]').count() > 5


def test_pieces_fit_a_phone_in_the_dark_and_pass_axe(new_page, addresses, axe):
    page = new_page(viewport={"width": 375, "height": 800}, color_scheme="dark")
    page.goto(addresses["healthy"])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    axe(page)


LIGHT, DARK = "rgb(255, 255, 255)", "rgb(20, 23, 27)"
THEMES = (
    ("data-jp-theme-light", "true", LIGHT),  # JupyterLab
    ("data-jp-theme-light", "false", DARK),
    ("class", "vscode-light", LIGHT),
    ("class", "vscode-dark", DARK),
    ("theme", "light", LIGHT),  # Colab
    ("theme", "dark", DARK),
)


@pytest.mark.parametrize("system", ["light", "dark"])
def test_the_colours_are_the_notebook_s(new_page, addresses, system):
    page = new_page(color_scheme=system)
    page.goto(addresses["healthy"])
    paper = "getComputedStyle(document.querySelector('.justfit')).backgroundColor"
    assert page.evaluate(paper) == (LIGHT if system == "light" else DARK)
    for mark, value, wanted in THEMES:
        page.evaluate("([mark, value]) => document.body.setAttribute(mark, value)", [mark, value])
        assert (mark, value, page.evaluate(paper)) == (mark, value, wanted)
        page.emulate_media(media="print")
        assert page.evaluate(paper) == LIGHT, "paper is white"
        page.emulate_media(media="screen")
        page.evaluate("(mark) => document.body.removeAttribute(mark)", mark)
