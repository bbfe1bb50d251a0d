"""An HTML page read into what the tests ask of it: elements with attributes, and the words a reader sees."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

VOID = {"meta", "br", "img", "link", "input"}
UNREAD = {"script", "style"}  # what stands in them is no word of the page


@dataclass
class Element:
    name: str
    attributes: dict[str, str]
    parents: tuple[str, ...]
    text: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).replace("\u00a0", " ").split())


class Page(HTMLParser):
    """Every element of a page in document order; raises where tags do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.feed(html)
        self.close()
        assert not self.open, f"left open: {[element.name for element in self.open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {key: value or "" for key, value in attrs}, tuple(e.name for e in self.open))
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop().name == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        unread = self.open and self.open[-1].name in UNREAD
        for element in self.open[-1:] if unread else self.open:
            element.text.append(data)

    def all(self, name: str) -> list[Element]:
        return [element for element in self.elements if element.name == name]

    def of_class(self, class_: str) -> list[Element]:
        return [element for element in self.elements if class_ in element.attributes.get("class", "").split()]


def assert_fetches_nothing_and_runs_only_its_own(page: Page) -> None:
    """Nothing is loaded, and of scripts only justfit's own can run: the policy holds its hash."""
    assert_loads_nothing(page)
    block, module = page.all("script")
    assert block.attributes == {"type": "application/json", "id": "justfit-data"}
    assert module.attributes == {"type": "module"}
    digest = base64.b64encode(hashlib.sha256("".join(module.text).encode()).digest()).decode()
    assert policy_of(page) == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"script-src 'sha256-{digest}'"
    )


def assert_fetches_and_runs_nothing(page: Page) -> None:
    """Nothing is loaded, and no script is there."""
    assert_loads_nothing(page)
    assert not page.all("script")


def policy_of(page: Page) -> str:
    """The content security policy of a page."""
    (policy,) = [e.attributes["content"] for e in page.all("meta") if "http-equiv" in e.attributes]
    return policy


def data_of(page: Page) -> Any:
    """What the page's script reads."""
    (block,) = [e for e in page.all("script") if e.attributes.get("id") == "justfit-data"]
    return json.loads("".join(block.text))


def assert_loads_nothing(page: Page) -> None:
    """No element, attribute or style of the page loads or runs anything."""
    assert not {"link", "iframe", "object", "embed", "form", "img", "base"} & {e.name for e in page.elements}
    for element in page.elements:
        for key, value in element.attributes.items():
            assert not key.startswith("on"), element
            assert key not in ("src", "srcset", "style", "action", "xlink:href"), element
            assert key != "href" or value.startswith("#"), element
    styles = "".join("".join(e.text) for e in page.all("style"))
    assert "@import" not in styles
    assert "url(" not in styles


def assert_headings_descend(page: Page) -> None:
    """One h1, and headings that go down one step at a time."""
    levels = [int(e.name[1]) for e in page.elements if re.fullmatch("h[1-6]", e.name)]
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def assert_references_resolve(page: Page) -> None:
    """Ids are unique, and every label and link leads to one."""
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    assert {e.attributes["aria-labelledby"] for e in page.elements if "aria-labelledby" in e.attributes} <= set(ids)
    assert {e.attributes["href"][1:] for e in page.all("a")} <= set(ids)


def assert_no_coordinate_is_missing(page: Page) -> None:
    """No attribute of a drawing holds NaN or infinity."""
    for element in page.elements:
        if "svg" in element.parents:
            for key, value in element.attributes.items():
                assert key == "aria-label" or not re.search(r"\bnan\b|\binf\b", value), element


def assert_is_one_whole_page(page: Page) -> None:
    """It loads nothing, reads well, and nowhere shows what is not a number."""
    assert_fetches_nothing_and_runs_only_its_own(page)
    assert_headings_descend(page)
    assert_references_resolve(page)
    assert_no_coordinate_is_missing(page)
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", page.all("main")[0].words)


def assert_hostile_names_are_shown_not_obeyed(pages: dict[str, Page]) -> None:
    """Of the pages by name, the hostile one shows its names, cut, and holds no element that the others do not."""
    words = pages["hostile"].all("body")[0].words
    assert "</script><b onload=x>" in words
    assert "x" * 500 not in words
    plain = {e.name for name, page in pages.items() if name != "hostile" for e in page.elements}
    assert {e.name for e in pages["hostile"].elements} <= plain


def section(page: Page, key: str) -> Element | None:
    """The section of that key."""
    return next((e for e in page.all("section") if e.attributes["id"] == f"jf-{key}"), None)


def figures(page: Page) -> set[str]:
    """Keys of all figures."""
    return {e.attributes["id"].removeprefix("jf-figure-") for e in page.all("figure")}
