"""A page in headless Chromium: how long until it has loaded and stands still, and whom it asks for more."""

import gzip
import re
import shutil
import statistics
from html.parser import HTMLParser

# Elements that make a browser fetch something by themselves, and the attribute that says what.
FETCHED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("image", "href")}
ELSEWHERE = re.compile(r"\s*(https?:)?//", re.IGNORECASE)
# The same anywhere in the file, in what scripts may write later as well.
MENTIONED = re.compile(r"""(?:src|href)\s*[=:]\s*["'\\]*(?:https?:)?//\w""", re.IGNORECASE)
UNSHOWN = {"script", "style", "template"}
DRAWN = {"svg", "img", "canvas"}
MILLISECONDS = 60_000

# When the load event ended, in milliseconds since navigation began.
LOADED = "() => performance.getEntriesByType('navigation')[0].loadEventEnd"
# Two frames after the first picture: whatever was waiting for the main thread is done by then.
STILL = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"


class Markup(HTMLParser):
    """What the file says and points at before any script runs."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.unshown, self.in_body = 0, False
        self.text, self.pictures, self.fetched, self.links = [], 0, 0, 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.in_body |= tag == "body"
        self.unshown += tag in UNSHOWN
        self.pictures += tag in DRAWN and not self.unshown
        for name, value in attrs:
            if ELSEWHERE.match(value or ""):
                self.fetched += (tag, name) in FETCHED
                self.links += (tag, name) == ("a", "href")

    def handle_endtag(self, tag):
        self.unshown -= tag in UNSHOWN

    def handle_data(self, data):
        if self.in_body and not self.unshown:
            self.text.append(data)


def weigh(place):
    """Bytes, gzip bytes, and what a reader without JavaScript gets."""
    content = place.read_bytes()
    html = content.decode("utf-8")
    markup = Markup(html)
    return {
        "bytes": len(content),
        "gzip": len(gzip.compress(content, 6)),
        "characters": len(" ".join("".join(markup.text).split())),
        "pictures": markup.pictures,
        "fetched": markup.fetched,
        "links": markup.links,
        "mentioned": len(MENTIONED.findall(html)),
    }


def chromium():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def open_pages(places, rounds):
    """{name: {"load": seconds of each round, "still": …, "requests": most in a round, "errors": …}}, and the version.

    Every page in every round, each in a browser of its own: what a heavy page leaves behind must not slow the next one.
    A page that was not shown in one round is not opened again.
    """
    from playwright.sync_api import sync_playwright

    found = {name: {"load": [], "still": [], "requests": 0, "errors": set()} for name in places}
    version = ""
    with sync_playwright() as playwright:
        for number in range(rounds):
            for name, place in places.items():
                if found[name]["errors"]:
                    continue
                browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
                version = browser.version
                opened = open_page(browser, place)
                browser.close()
                for part in ("load", "still"):
                    found[name][part].append(opened[part])
                found[name]["requests"] = max(found[name]["requests"], opened["requests"])
                found[name]["errors"] |= opened["errors"]
            print(f"opened {len(places)} pages, round {number + 1} of {rounds}", flush=True)
    return found, version


def open_page(browser, place):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(MILLISECONDS)
    asked, errors = [], set()
    page.on("request", lambda request: asked.append(request.url) if request.url.startswith("http") else None)
    page.on("pageerror", lambda error: errors.add(str(error)[:200]))
    page.on("crash", lambda: errors.add("the tab crashed"))
    load = still = float("nan")
    try:
        page.goto("about:blank")  # the first page of a browser is slow
        page.goto(place.resolve().as_uri(), wait_until="load")
        page.wait_for_selector("svg:visible, canvas:visible, img:visible")
        load, still = page.evaluate(LOADED) / 1000, page.evaluate(STILL) / 1000
    except Exception as error:  # a page that is too much for the browser is a result, not a fault
        errors.add(str(error).splitlines()[0].removeprefix("Page.goto: ")[:200])
    return {"load": load, "still": still, "requests": len(asked), "errors": errors}


def spread(values, digits=2):
    """Median and range."""
    if any(value != value for value in values):
        return "not shown"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
