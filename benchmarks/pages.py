"""What does a page of justfit weigh and take, beside pages that other libraries make?

    python benchmarks/pages.py [--quick] [--peers PYTHON] [--out benchmarks/results/pages.md]

Every page is made by a process of its own, started cold; in a round each maker has its turn, and ratios are formed in
a round. The same content for plotly.py, Bokeh and Altair: the learning curves of all cells and the map λ × dropout of
a real `justfit fit digits --quick`. Beside these, a report of a table by fg-data-profiling, and pages of very large
records beside a page of the same numbers without any aggregation. Chromium opens each of them.

The peers do not fit into the project's environment (fg-data-profiling wants an older pandas). They lie in one of
their own, with the partial bundle of plotly.js (its version is what `plotly.offline.get_plotlyjs_version()` says):

    python3 -m venv build/pages_env
    build/pages_env/bin/pip install plotly bokeh altair vl-convert-python fg-data-profiling
    mkdir build/pages_env/cartesian
    npm pack --pack-destination build/pages_env/cartesian plotly.js-cartesian-dist-min@4.1.1
    tar xzf build/pages_env/cartesian/*.tgz -C build/pages_env/cartesian

A peer that is missing is named as missing in the result. Exit status 1 if a target is missed.
"""

import os

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

import _pages_inputs as inputs
from _machine import describe_machine
from _pages_browser import chromium, open_pages, spread, weigh

WORKER = Path(__file__).with_name("_pages_worker.py")
OURS = "justfit"
TABLE_ROUNDS = 3  # a profile takes a quarter of a minute
MAX_BYTES, MAX_SECONDS = 2_000_000, 5.0  # of the page of a large record
MAX_FIT_BYTES = 500_000


@dataclass
class Made:
    """A page, and what it took in each round.

    Attributes:
        title: Its row.
        maker: Of `_pages_worker.MAKERS`.
        source: What it is made of.
    """

    title: str
    maker: str
    source: Path
    place: Path
    runs: list = field(default_factory=list)
    missing: str = ""
    weight: dict = field(default_factory=dict)

    def make(self, python, again=0):
        command = [
            python,
            WORKER,
            self.maker,
            self.source,
            self.place,
            repr(time.time()),
            *([str(again)] if again else []),
        ]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return json.loads(answer.strip().splitlines()[-1])

    def seconds(self, part, clock):
        return [run[part][clock] for run in self.runs]


def make_pages(pages, rounds, python, again=1):
    """Fill in `runs` and `weight`; a first round, not measured, warms the disk and what peers compile."""
    for number in range(rounds + 1):
        for page in pages[number % len(pages) :] + pages[: number % len(pages)]:
            if page.missing:
                continue
            if page.maker != OURS and not Path(python).exists():
                page.missing = f"no {python}"
                continue
            answer = page.make(sys.executable if page.maker == OURS else python, again=again if number == 1 else 0)
            if "missing" in answer:
                page.missing = answer["missing"]
            elif number:
                page.runs.append(answer)
        print(f"round {number} of {rounds}: {'; '.join(page.title for page in pages)}", flush=True)
    for page in pages:
        if not page.missing:
            page.weight = weigh(page.place)
    return [page for page in pages if not page.missing]


def kilobytes(page):
    return f"{page.weight['bytes'] / 1000:,.0f} | {page.weight['gzip'] / 1000:,.0f}"


def weight_section(pages, opened):
    lines = [
        "| page by | kB | gzip, kB | times justfit's | characters without JavaScript | pictures without JavaScript "
        "| other hosts: loaded from, linked to, in all `src`/`href` | requests in Chromium |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ours = pages[0].weight["bytes"]
    for page in pages:
        weight = page.weight
        lines.append(
            f"| {page.title} | {kilobytes(page)} | {weight['bytes'] / ours:.1f} | {weight['characters']:,} "
            f"| {weight['pictures']} | {weight['fetched']}, {weight['links']}, {weight['mentioned']} "
            f"| {opened[page.title]['requests']} |"
        )
    return lines


def time_section(pages):
    lines = [
        "| page by | process, CPU s | times justfit's | process, wall s | rendering, CPU s | once more, CPU s |",
        "|---|---|---|---|---|---|",
    ]
    ours = pages[0].seconds("whole", "cpu")
    for page in pages:
        whole = page.seconds("whole", "cpu")
        ratios = [theirs / own for theirs, own in zip(whole, ours, strict=True)]
        again = [once["cpu"] for run in page.runs for once in run["again"]]
        lines.append(
            f"| {page.title} | {spread(whole)} | {spread(ratios, 1) if page.maker != OURS else 1} "
            f"| {spread(page.seconds('whole', 'wall'))} | {spread(page.seconds('first', 'cpu'), 3)} "
            f"| {statistics.median(again):.3f} |"
        )
    return lines


def browser_section(pages, opened):
    lines = ["| page | kB | loaded, s | pictures drawn and still, s | errors |", "|---|---|---|---|---|"]
    for page in pages:
        found = opened[page.title]
        errors = "; ".join(sorted(found["errors"])) or "none"
        lines.append(
            f"| {page.title} | {page.weight['bytes'] / 1000:,.0f} | {spread(found['load'])} | {spread(found['still'])} "
            f"| {errors} |"
        )
    return lines


def large_section(pairs):
    lines = [
        "| page | kB | gzip, kB | times justfit's | process, CPU s | rendering, CPU s |",
        "|---|---|---|---|---|---|",
    ]
    for pair in pairs:
        for page in pair:
            ratio = page.weight["bytes"] / pair[0].weight["bytes"]
            lines.append(
                f"| {page.title} | {kilobytes(page)} | {ratio:.1f} "
                f"| {spread(page.seconds('whole', 'cpu'))} | {spread(page.seconds('first', 'cpu'))} |"
            )
    return lines


def missed_targets(small, large):
    """`small` is the page of the fit, `large` those of the large records, all by justfit."""
    missed = [] if small.weight["bytes"] <= MAX_FIT_BYTES else [f"{small.title}: {small.weight['bytes']:,} bytes"]
    for page in large:
        if page.weight["bytes"] > MAX_BYTES:
            missed.append(f"{page.title}: {page.weight['bytes']:,} bytes")
        if max(page.seconds("first", "cpu")) > MAX_SECONDS:
            missed.append(f"{page.title}: {max(page.seconds('first', 'cpu')):.1f} s")
    return missed + [
        f"{page.title}: asks another host, or loads torch"
        for page in (small, *large)
        if page.weight["fetched"] or any(run["torch"] for run in page.runs)
    ]


def same_content(work, result):
    content = work / "content.json"
    content.write_text(json.dumps(inputs.content_of(result)))
    makers = ("plotly", "plotly, cartesian bundle", "bokeh", "altair")
    titles = {"plotly": "plotly.py, whole plotly.js", "plotly, cartesian bundle": "plotly.py, cartesian plotly.js"}
    peers = [
        Made(titles.get(maker, maker), maker, content, work / f"page-{number}.html")
        for number, maker in enumerate(makers)
    ]
    return [Made(OURS, OURS, result, work / "page.html"), *peers]


def of_table(work, result):
    table = inputs.table(work)
    makers = ("fg-data-profiling", "fg-data-profiling, minimal")
    peers = [Made(maker, maker, table, work / f"profile-{number}.html") for number, maker in enumerate(makers)]
    return [Made("justfit, fit of the table", OURS, result, work / "table.html"), *peers]


def of_large(work):
    made = {
        f"checkup, {inputs.NUM_LAYERS:,} layers": inputs.checkup,
        f"watch, {inputs.NUM_STEPS:,} steps": inputs.watched,
        f"sweep, {inputs.NUM_CELLS:,} cells": inputs.swept,
    }
    pairs = []
    for title, make in made.items():
        record, series = make(work)
        name = record.stem
        pairs.append((
            Made(f"{title}, justfit", OURS, record, work / f"{name}.html"),
            Made(f"{title}, plotly", "plotly, every number", series, work / f"{name}-naive.html"),
        ))  # fmt: skip
    return pairs


def missing_lines(pages):
    missing = [f"{page.title} ({page.missing})" for page in pages if page.missing]
    return ["", f"Missing: {'; '.join(missing)}. How to install it stands in `benchmarks/pages.py`."] if missing else []


def versions_of(pages):
    found = {}
    for page in pages:
        for run in page.runs[:1]:
            found |= run["versions"]
    return ", ".join(f"{name} {version}" for name, version in sorted(found.items()))


def write_report(options, small, table, pairs, opened, browser, fits):
    """The text, and the targets that were missed."""
    every = [*small, *table, *(page for pair in pairs for page in pair)]
    made = [page for page in every if not page.missing]
    missed = missed_targets(small[0], [pair[0] for pair in pairs])
    digits_took, table_took = fits
    text = TEXT.format(
        rounds=options.rounds,
        table_rounds=options.table_rounds,
        load=f"{os.getloadavg()[2]:.1f}",
        machine=describe_machine("justfit", "jinja2"),
        peers=versions_of(made) or "none",
        browser=browser,
        digits_cpu=f"{digits_took['cpu']:.0f}",
        num_cells=len(json.loads(small[0].source.read_text())["sweep"]["curves"]),
        small_weight=block(weight_section(there(small), opened)),
        small_time=block(time_section(there(small)) + missing_lines(small)),
        table_cpu=f"{table_took['cpu']:.0f}",
        table_weight=block(weight_section(there(table), opened)),
        table_time=block(time_section(there(table)) + missing_lines(table)),
        layers=f"{inputs.NUM_LAYERS:,}",
        steps=f"{inputs.NUM_STEPS:,}",
        cells=f"{inputs.NUM_CELLS:,}",
        epochs=inputs.NUM_EPOCHS,
        layer_series=len(inputs.LAYER_SERIES),
        sizes=", ".join(f"{pair[0].source.stat().st_size / 1e6:.1f}" for pair in pairs),
        large=block(large_section(list(map(there, pairs))) + missing_lines([page for pair in pairs for page in pair])),
        opened=block(browser_section(made, opened)),
        missed="; ".join(missed) if missed else "none",
    )
    return text, missed


TEXT = """\
# What a page weighs and takes

Produced by `benchmarks/pages.py`. Seconds are medians (range) of {rounds} rounds ({table_rounds} for the report
of a table and the large records), one thread, a cold process for every page. The machine was shared (load {load} on two
cores), so CPU seconds count and wall seconds are long; ratios are formed in a round. {machine} Peers: {peers}.
Chromium {browser}, headless. 1 kB is 1,000 bytes; gzip at level 6.

## The same content: learning curves of {num_cells} cells and the map λ × dropout

Of `justfit fit digits --quick`, which trained for {digits_cpu} CPU s. The peers draw both, every number to be read by
hovering, and nothing else. The page of justfit is the whole report and holds more: verdict, choice, path, test on
unseen rows, the networks of all cells behind sliders, the pages of its rules. Without JavaScript three networks are
there instead of all, and everything else. *Pictures* are `svg`, `img` and `canvas` in the file itself, scripts not
run. *Other hosts*: tags that load something from one, links to one, and every `src` or `href` that names one, inside
scripts too, where it may never be used; *requests* are those that the browser made.

{small_weight}

A process lasts from its start to the written file: imports, reading the numbers, rendering.

{small_time}

## A whole report of a table of 1,000 × 10 numbers

Two tools that do different work: fg-data-profiling describes the columns, justfit says how well a network fits one of
them. Compared is only what the page weighs and what rendering it takes; fg-data-profiling does its statistics while
rendering. The fit before the page, `justfit fit table.csv --target y --quick`, took {table_cpu} CPU s and is **not** in
these seconds.

{table_weight}

{table_time}

## Large records

A real checkup of {layers} layers, a real watched run of {steps} steps, and a record of {cells} cells with {epochs}
epochs each, made by a formula with noise. justfit bins and thins before it writes; its page says what it leaves out.
Beside it the same series in plotly.py as they are: {layer_series} numbers a layer; the loss and four gradient norms of
every step, which justfit samples; both curves of every cell, and the map. They are given as arrays, which plotly.py
packs as binary. A process reads its record first: {sizes} MB of JSON; plotly.py's numbers
come as binary arrays.

{large}

## Opened in Chromium

From a file, a new browser each time, 1,280 × 800, {rounds} rounds for the pages of the first table and {table_rounds}
for the others, all in turn; wall seconds on the shared machine. *Loaded*: from the start of navigation to the end of
the load event. *Still*: a picture is visible and two more frames have passed. A page has a minute. WebGL, which the
pages with every number use, runs on the CPU here; with a graphics card they are faster.

{opened}

Targets (a fit at most 500 kB; a large record at most 2 MB, rendered within 5 CPU s; no other host, no torch) missed:
{missed}.
"""


def there(pages):
    return [page for page in pages if not page.missing]


def block(lines):
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of everything")
    parser.add_argument("--peers", default="build/pages_env/bin/python", help="Python of the peers' environment")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--table-rounds", type=int, default=TABLE_ROUNDS)
    parser.add_argument("--work", type=Path, default=Path("build/pages"), help="where records and pages are kept")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.rounds = options.table_rounds = 1
    torch.set_num_threads(1)
    if chromium() is None:
        parser.error("Chromium must be installed; none of chromium, chromium-browser, google-chrome was found.")
    options.work.mkdir(parents=True, exist_ok=True)
    digits, digits_took = inputs.fitted_digits(options.work)
    table_fit, table_took = inputs.fitted_table(options.work)
    small, table, pairs = same_content(options.work, digits), of_table(options.work, table_fit), of_large(options.work)
    make_pages(small, options.rounds, options.peers, again=3)
    for pages in (table, *pairs):
        make_pages(list(pages), options.table_rounds, options.peers)
    opened, browser = open_pages({page.title: page.place for page in there(small)}, options.rounds)
    heavy = there([*table, *(page for pair in pairs for page in pair)])
    opened |= open_pages({page.title: page.place for page in heavy}, options.table_rounds)[0]
    text, missed = write_report(options, small, table, pairs, opened, browser, (digits_took, table_took))
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
