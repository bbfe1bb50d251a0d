"""One headless Chromium for all tests of pages, and what every page holds: no error, no request leaves the machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_AT_HOME = ("127.0.0.1", "localhost")
_LOCAL = ("file", "data", "blob", "about")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium; the tests are skipped on a machine without one, but not in CI."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        missing = f"pages are looked at in a browser: install one of {', '.join(_NAMES)} and the package playwright"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def complaints() -> list[str]:
    """What went wrong in the pages of the test: errors of scripts, of the console, requests to elsewhere."""
    return []


@pytest.fixture
def watch(complaints: list[str]) -> Callable[[Any], dict[str, Callable[[Any], None]]]:
    """Note from now on what goes wrong in a page; returns the listener of each event."""

    def begin(page: Any) -> dict[str, Callable[[Any], None]]:
        listeners: dict[str, Callable[[Any], None]] = {
            "console": lambda message: _note_console(message, complaints),
            "pageerror": lambda error: complaints.append(f"error: {error}"),
            "request": lambda request: _note_request(request.url, complaints),
        }
        for event, listener in listeners.items():
            page.on(event, listener)
        return listeners

    return begin


@pytest.fixture
def new_page(browser: Any, watch: Callable[[Any], object], complaints: list[str]) -> Iterator[Callable[..., Any]]:
    """Open pages, with Playwright's options of a context; the test fails if one of them complains."""
    contexts = []

    def make(**options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        watch(page)
        return page

    yield make
    for context in contexts:
        context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    """A page of 1280 by 900 pixels that fails the test on an error or a request that leaves the machine."""
    return new_page()


@pytest.fixture
def axe() -> Callable[..., None]:
    """Assert that axe-core finds nothing serious or critical in a page."""
    run = pytest.importorskip("axe_playwright_python.sync_playwright").Axe().run

    def check(page: Any) -> None:
        found = [one for one in run(page).response["violations"] if one["impact"] in ("serious", "critical")]
        assert not found, "\n".join(
            f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']][:5]}" for one in found
        )

    return check


def _note_console(message: Any, complaints: list[str]) -> None:
    if message.type in ("error", "warning"):
        complaints.append(f"console: {message.text}")


def _note_request(url: str, complaints: list[str]) -> None:
    place = urlsplit(url)
    if place.scheme not in _LOCAL and place.hostname not in _AT_HOME:
        complaints.append(f"left the machine: {url[:200]}")
