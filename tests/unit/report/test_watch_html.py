"""The page of a watched run: what it says and draws, however the run went, however long it was."""

import dataclasses
import math
import re
import time

import pytest

from justfit.report import render_watch_html
from justfit.report._gradient_figure import gradients_title
from justfit.report._last_steps import draw_last_steps, last_steps_caption, last_steps_title
from justfit.report._layer_rows import layer_rows
from justfit.report._loss_figure import course, loss_title
from justfit.report._off_figure import layers_off_title
from justfit.report._sampled_steps import last_sampled, sampled_steps
from justfit.report._step_axis import marks_of, num_steps, shown_steps
from justfit.report._update_figure import draw_learning_rate, draw_updates, learning_rate_title, moves_of, updates_title
from tests.unit.logs.records import verdict
from tests.unit.report import watched
from tests.unit.report.page import Page, assert_hostile_names_are_shown_not_obeyed, assert_is_one_whole_page
from tests.unit.report.watched import NAN, since
from tests.unit.rules import runs

EVERY = pytest.mark.parametrize("name", watched.ALL)


@pytest.fixture(scope="module")
def pages():
    return {name: Page(render_watch_html(made())) for name, made in watched.ALL.items()}


@EVERY
def test_it_is_one_whole_page(pages, name):
    assert_is_one_whole_page(pages[name])


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
    assert loss_title(record) == "The loss rises from 2.50 to 4.03·10⁸ over 30 steps; first NaN at step 30"
    assert "Steps beyond 60 of 400, long after the failure, are left out." in render_watch_html(record)
    assert shown_steps(watched.healthy()) == 400


def test_a_judged_run_shows_its_curves(pages):
    ids = {e.attributes.get("id") for e in pages["overfits"].elements}
    assert {"jf-figure-history", "jf-figure-probabilities"} <= ids
    assert "Keep the network of epoch 7" in pages["overfits"].all("main")[0].words


def test_hostile_names_are_shown_not_obeyed(pages):
    assert_hostile_names_are_shown_not_obeyed(pages)


@pytest.mark.parametrize("layers", [100, 2_000])
def test_a_hundred_thousand_steps_stay_below_two_megabytes(layers):
    made = watched.large(layers)
    start = time.process_time()
    html = render_watch_html(made)
    assert time.process_time() - start < 5.0
    assert len(html.encode()) < 2_000_000
    assert "The worst 200;" in html or layers <= 200


def short():
    """A run of which only the first two of 400 steps were sampled, as happens where watching must cost little."""
    optimizer = runs.optimizer(steps=(1, 2), learning_rate=(0.1, 0.2))
    evidence = runs.run(each=lambda i: {"gradient_norm": (0.1 + i, 0.2 + i), "update_norm": (0.1, 0.2)})
    layers = tuple(
        dataclasses.replace(one, weight_norm=(8.0, 8.0), dead_fraction=(0.1, 0.3)) for one in evidence.layers
    )
    evidence = dataclasses.replace(evidence, layers=layers, optimizers=(optimizer,))
    return watched.record(evidence, overhead=watched.overhead(num_samples=2))


def test_what_was_sampled_at_the_start_does_not_speak_for_the_end():
    made = short()
    assert (last_sampled(made), sampled_steps(made), shown_steps(made)) == (2, 3, 400)
    assert gradients_title(made) == "That of “head” is at step 2, the last measured, 31 times that of “layer0” (0.20)"
    assert layers_off_title(made).startswith("At step 2, the last measured, 30.0 % of the units")
    assert updates_title(made).startswith("Up to step 2, the last measured, a step moves")
    words = Page(render_watch_html(made)).all("main")[0].words
    assert "were sampled in 2 steps of 400, the last of them step 2" in words
    assert "were sampled in" not in Page(render_watch_html(watched.healthy())).all("main")[0].words


def test_each_sample_has_its_columns():
    (row, *_) = layer_rows(short(), lambda layer: layer.gradient_norm)
    assert row.values == (0.1, 0.2)


def test_samples_are_drawn_where_they_are_few():
    page = Page(render_watch_html(short()))
    dots = [e for e in page.all("circle") if e.attributes.get("class", "").startswith("series-")]
    lines = [e for e in page.all("path") if re.fullmatch(r"series-\d line", e.attributes.get("class", ""))]
    assert lines
    assert len(dots) == 2 * len(lines), "two samples of each layer that has a line"


def test_a_learning_rate_stays_inside_its_plot():
    failure = dataclasses.replace(watched.broken().evidence.first_failure, step=30)
    rates = tuple(0.1 * k for k in range(12))
    evidence = runs.run(first_failure=failure, optimizers=(runs.optimizer(learning_rate=rates),))
    (drawn,) = draw_learning_rate(watched.record(evidence), "t")
    frame = re.search(r'<svg x="52" [^>]*>(.*?)</svg>', drawn, re.DOTALL)
    assert frame is not None, "the line stands inside a frame that cuts it"
    assert max(float(x) for x in re.findall(r"[ML]([\d.]+) ", frame[1])) > 450, "where it goes on"
    assert sampled_steps(watched.record(evidence)) <= 60


def test_a_loss_that_is_thrown_up_does_not_fall_from_there():
    values = [0.7, 5.0, 1e9, 1e20, *[1e4] * 16, *[1.25] * 380]
    made = watched.record(runs.run(values=values))
    assert loss_title(made) == "The loss is thrown up from 2.85 to 1.00·10²⁰ by step 4 and ends at 1.25"
    assert "2.85 at the start" in Page(render_watch_html(made)).all("main")[0].words


def test_a_gradient_that_is_infinite_once_is_not_lost_for_good():
    once = {"gradient_norm": (0.3,) * 4 + (math.inf,) + (0.3,) * 7}
    made = watched.record(runs.run(at={2: once}))
    step = made.evidence.optimizers[0].steps[4]
    assert gradients_title(made) == f"Gradients are infinite in 1 sampled step, first in step {step:,}"


def test_last_steps_without_a_sample_leave_no_room_for_one():
    blank = watched.record(frames=watched.frames(gradient_norm=NAN))
    assert last_steps_caption(blank).endswith("No gradient of these steps was sampled.")
    (short_figure,), (full,) = (draw_last_steps(r, "t") for r in (blank, watched.healthy()))
    heights = [float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', drawn)[1]) for drawn in (short_figure, full)]
    assert heights[0] < heights[1] - 50


def test_the_page_of_a_judged_run_begins_with_the_verdict_and_what_it_rests_on(pages):
    page = pages["overfits"]
    assert page.all("h1")[0].words == "The network overfits from epoch 3 on (probability 0.90)."
    sections = [e.attributes["id"].removeprefix("jf-") for e in page.all("section")]
    assert sections[:3] == ["todo", "curves", "flight"]
    assert "No findings in 400 steps of Net" in page.all("header")[0].words


def test_what_broke_is_the_first_sentence(pages):
    assert pages["broken"].all("h1")[0].words == "NaN at step 301 of 400."


def test_the_worst_finding_comes_first():
    found = (since(3, "JF409", severity="info"), since(4, "JF402", severity="error"), since(5, severity="warning"))
    words = [e.words for e in Page(render_watch_html(watched.record(findings=found))).of_class("severity")]
    assert words == ["error", "warning", "info"]


def test_nothing_to_do_is_said_only_where_all_is_well():
    bad = watched.record(
        runs.run(history=watched.epochs()), verdict=verdict("overfitting", best_epoch=10, last_epoch=10)
    )
    assert "No rule names a remedy" in Page(render_watch_html(bad)).all("main")[0].words


def lost_at_once():
    """Sampled to its end, but no number after the first sample."""
    first = (1.0,) + (NAN,) * 11
    failure = dataclasses.replace(watched.broken().evidence.first_failure, step=2, cause="inf")
    evidence = runs.run(
        each=lambda i: {"gradient_norm": first, "update_norm": first}, values=[0.7, *[NAN] * 399], first_failure=failure
    )
    return watched.record(evidence)


def test_what_is_no_number_is_not_sampled():
    made = lost_at_once()
    assert last_sampled(made) == made.evidence.optimizers[0].steps[0]
    assert "the last measured" in gradients_title(made)
    assert loss_title(made) == "The loss was 0.700 before it was lost; first infinity at step 2"
    assert "samples every tenth step" not in render_watch_html(made), "more samples would not have been more numbers"


def test_names_of_lines_that_end_early_stand_at_their_ends():
    (drawn,) = draw_updates(lost_at_once(), "t")
    leaders = re.findall(r'd="M([\d.]+) [\d.]+L([\d.]+) [\d.]+" class="leader"', drawn)
    assert leaders
    assert all(float(end) - float(start) < 30 for start, end in leaders), "a long one would look like data"
