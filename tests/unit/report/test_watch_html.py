"""The page of a watched run: what it says and draws, however the run went, however long it was."""

import dataclasses
import re
import time

import pytest

from justfit.report import render_watch_html
from justfit.report._gradient_figure import gradients_title
from justfit.report._last_steps import last_steps_title
from justfit.report._loss_figure import course, loss_title
from justfit.report._off_figure import layers_off_title
from justfit.report._step_axis import marks_of, num_steps, shown_steps
from justfit.report._update_figure import learning_rate_title, moves_of, updates_title
from tests.unit.report import watched
from tests.unit.report.page import (
    Page,
    assert_fetches_nothing_and_runs_only_its_own,
    assert_headings_descend,
    assert_no_coordinate_is_missing,
    assert_references_resolve,
)
from tests.unit.rules import runs

EVERY = pytest.mark.parametrize("name", watched.ALL)


@pytest.fixture(scope="module")
def pages():
    return {name: Page(render_watch_html(made())) for name, made in watched.ALL.items()}


@EVERY
def test_it_is_one_whole_page(pages, name):
    page = pages[name]
    assert_fetches_nothing_and_runs_only_its_own(page)
    assert_headings_descend(page)
    assert_references_resolve(page)
    assert_no_coordinate_is_missing(page)
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", page.all("main")[0].words)


def test_the_top_says_what_was_found_and_what_to_do(pages):
    page = pages["sick"]
    assert page.all("h1")[0].words == "3 warnings, 1 note in 400 steps of Net (21 layers)."
    todo = next(e for e in page.all("section") if e.attributes["id"] == "jf-todo")
    assert "Change it. (JF408 a disease in layer3 and 2 more places)" in todo.words
    healthy = pages["healthy"].all("main")[0].words
    assert "Nothing: no rule found anything in this run." in healthy


def test_what_broke_is_said_drawn_and_listed(pages):
    page = pages["broken"]
    words = page.all("body")[0].words
    assert "NaN first at step 301, epoch 3, batch 4, example 3 in layer2, operation log." in words
    assert len(page.of_class("fatal")) == 5, "a line in each plot over steps"
    assert len(page.of_class("fatal-label")) == 8, "a cross for each of the last steps without a loss"
    assert page.of_class("broken-cell"), "a gradient is infinite"
    titles = [e.words for e in page.all("h3")]
    assert "The loss is no number in 8 steps of the last 20, first in step 301." in titles
    assert "Gradients are not finite from step 384 on." in titles


def test_marks_of_one_step_stand_together():
    marks = marks_of(watched.sick())
    assert [(mark.step, mark.short) for mark in marks] == [(64, "JF408 +1"), (200, "JF403")]
    assert marks[0].words == "Since step 64: JF408 a disease in layer3; JF412 a disease in layer3"


@pytest.mark.parametrize(
    ("level", "title"),
    [
        (None, "The loss falls from 2.00 to 0.200 over 400 steps"),
        (lambda t: 1.0, "The loss does not move: 1.00 at the start, 1.00 at the end of 400 steps"),
        (lambda t: 1.0 + t, "The loss rises from 1.02 to 1.98 over 400 steps"),
        (lambda t: 1.0 - t if t < 0.5 else t, "The loss falls from 0.976 to 0.510 by step 191 and rises to 0.974"),
    ],
)
def test_the_title_of_the_loss_says_how_it_moved(level, title):
    said = loss_title(watched.record(runs.run(level=level, noise=1e-3)))
    assert re.sub(r"[\d.,]+", "#", said) == re.sub(r"[\d.,]+", "#", title)
    for told, expected in zip(re.findall(r"\d[\d.,]*", said), re.findall(r"\d[\d.,]*", title), strict=True):
        assert float(told.replace(",", "")) == pytest.approx(float(expected.replace(",", "")), rel=0.1)


def test_noise_is_no_rise():
    assert loss_title(watched.record(runs.run(level=lambda t: 1.0, noise=0.2))).startswith("The loss does not move")


def test_the_course_of_a_loss_is_read_off_windows_of_bins():
    moved = course(runs.bins([4.0] * 50 + [1.0] * 40 + [2.0] * 10, length=1))
    assert (moved.start, moved.lowest, moved.end, moved.lowest_step) == (4.0, 1.0, 2.0, 51)
    assert course(runs.bins([float("nan")] * 5)) is None


def test_gradients_of_layers_are_compared():
    assert gradients_title(watched.sick()) == (
        "Gradients lie far apart: that of “head” is in the end 1.0·10²⁰ times that of “layer0” (1.0·10⁻²⁰)"
    )
    assert gradients_title(watched.healthy()).startswith("Gradients are of similar size: that of")
    still = watched.record(runs.run(at={1: {"gradient_norm": 0.0}, 2: {"gradient_norm": 0.0}}))
    assert gradients_title(still) == "No gradient reaches “layer1” and 1 more layer"
    assert gradients_title(watched.blind()) == "No gradient was measured"


def test_updates_are_shares_of_the_norm():
    half = watched.record(runs.run(at={0: {"update_norm": 4.0}}))
    first = moves_of(half.evidence)[0]
    assert set(first.ratios) == {0.5}
    assert updates_title(half) == (
        "A step moves the weights by 0.4 % of their norm in the middle layer, and by 50.0 % in “layer0”, the most"
    )
    assert updates_title(watched.blind()) == "No update was measured"


def test_the_learning_rate_is_drawn_where_it_moves(pages):
    assert not [e for e in pages["healthy"].elements if e.attributes.get("id") == "jf-figure-learning_rate"]
    rates = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0)
    moving = watched.record(runs.run(optimizers=(runs.optimizer(learning_rate=rates),)))
    assert learning_rate_title(moving) == "The learning rate rises from 0.1 to 0.6, and ends at 0"
    assert 'id="jf-figure-learning_rate"' in render_watch_html(moving)


def test_units_that_are_off_are_drawn_where_there_are_some(pages):
    dead = watched.record(runs.run(at={2: {"dead_fraction": (0.1,) * 11 + (0.8,)}}))
    title = "In the end 80.0 % of the units of “layer2” are dead or saturated, the most of all layers"
    assert layers_off_title(dead) == title
    assert f"{title}." in [e.words for e in Page(render_watch_html(dead)).all("h3")]
    fine = watched.record(runs.run(each=lambda _: {"dead_fraction": 0.01}))
    assert 'id="jf-figure-layers_off"' not in render_watch_html(fine)


def test_a_finding_leads_to_the_picture_that_shows_it(pages):
    links = [e.attributes["href"] for e in pages["sick"].all("a")]
    assert {"#jf-figure-updates", "#jf-figure-loss", "#jf-figure-layer_gradients"} <= set(links)


def test_the_last_steps():
    assert last_steps_title(watched.healthy()) == "The last 20 steps: the loss stays between 0.200 and 0.220"
    assert last_steps_title(watched.blind()) == "No step was recorded"


def test_the_run_is_as_long_as_anything_of_it_tells():
    assert num_steps(watched.healthy()) == 400
    assert num_steps(watched.nothing()) == 1
    assert num_steps(dataclasses.replace(watched.nothing(), frames=watched.frames(3, 77))) == 77


def test_figures_do_not_reach_far_beyond_an_early_failure():
    failure = dataclasses.replace(watched.broken().evidence.first_failure, step=30)
    values = [1.0 + 2.0**k for k in range(30)] + [float("nan")] * 370
    record = watched.record(runs.run(values=values, first_failure=failure))
    assert (num_steps(record), shown_steps(record)) == (400, 60)
    assert loss_title(record) == "The loss rises from 2.50 to 4.03·10⁸ over 30 steps; NaN from step 30 on"
    assert "Steps beyond 60 of 400, long after the failure, are left out." in render_watch_html(record)
    assert shown_steps(watched.healthy()) == 400


def test_a_judged_run_shows_its_curves(pages):
    ids = {e.attributes.get("id") for e in pages["overfits"].elements}
    assert {"jf-figure-history", "jf-figure-probabilities"} <= ids
    assert "Keep the network of epoch 7" in pages["overfits"].all("main")[0].words


def test_hostile_names_are_shown_not_obeyed(pages):
    words = pages["hostile"].all("body")[0].words
    assert "</script><b onload=x>" in words
    assert "x" * 500 not in words
    plain = {e.name for name, page in pages.items() if name != "hostile" for e in page.elements}
    assert {e.name for e in pages["hostile"].elements} <= plain


@pytest.mark.parametrize("layers", [100, 2_000])
def test_a_hundred_thousand_steps_stay_below_two_megabytes(layers):
    made = watched.large(layers)
    start = time.process_time()
    html = render_watch_html(made)
    assert time.process_time() - start < 5.0
    assert len(html.encode()) < 2_000_000
    assert "The worst 200;" in html or layers <= 200
