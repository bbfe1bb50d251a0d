"""The page of a repair: what it says and draws, whatever came of it."""

import dataclasses
import math
import re

import pytest

from justfit.report import render_cure_html
from justfit.report._learned_figure import before_after_title, learned_title
from justfit.report._structure_table import structure_table
from justfit.report._tried_figure import tried_title
from tests.unit.report import cures
from tests.unit.report.page import (
    Page,
    assert_hostile_names_are_shown_not_obeyed,
    assert_is_one_whole_page,
    assert_no_coordinate_is_missing,
    figures,
    section,
)

EVERY = pytest.mark.parametrize("name", cures.ALL)


@pytest.fixture(scope="module")
def pages():
    return {name: Page(render_cure_html(made())) for name, made in cures.ALL.items()}


@EVERY
def test_it_is_one_whole_page(pages, name):
    assert_is_one_whole_page(pages[name])


@pytest.mark.parametrize(
    ("name", "tone", "advice"),
    [
        ("cured", "good", "network: as built → auto. Signals keep their size."),
        ("far_short", "open", "network: as built → auto."),
        ("nothing_to_repair", "good", "Nothing: go on training as you do."),
        ("no_cure", "bad", "The likely cause: `2.weight` is frozen.Look at what spoke for a fault"),
        ("more_data", "bad", "Collect more examples"),
        ("undecided", "open", "Run it again with a larger budget"),
    ],
)
def test_the_top_says_what_came_of_it_and_what_to_do(pages, name, tone, advice):
    page = pages[name]
    assert page.all("header")[0].attributes["class"] == tone
    assert advice in section(page, "todo").words


def codes(page):
    return ["".join(e.text) for e in page.elements if e.name == "code" and "pre" in e.parents]


def test_the_code_of_the_patch_can_be_pasted_and_the_words_stand_outside(pages):
    assert codes(pages["cured"]) == ["initialize_(net)"]
    assert "network (net.py:7): as built → auto:" in section(pages["cured"], "patch").words
    assert section(pages["no_cure"], "patch") is None


def test_the_code_keeps_its_lines_and_indentation():
    code = "def build():\n    net = Net()\n\n    return net"
    page = Page(render_cure_html(cures.record(changes=(cures.change(code=code),))))
    assert codes(page) == [code]


def test_the_code_of_alike_changes_stands_once(pages):
    assert codes(pages["new_layers"]) == ["initialize_(net)"]
    words = section(pages["new_layers"], "patch").words
    assert "0 (net.py:7), 1 (net.py:7), 2 (net.py:7) and 9 more places: nn.Sigmoid() → nn.ReLU():" in words


def test_alike_changes_are_one_thing_to_do(pages):
    assert (
        "0, 1, 2 and 9 more places: nn.Sigmoid() → nn.ReLU(). It saturates."
        in section(pages["new_layers"], "todo").words
    )


def test_before_and_after_stand_beside_each_other(pages):
    page = pages["cured"]
    assert {"before_after", "learned", "tried"} <= figures(page)
    panels = [e.words for e in page.of_class("panel")]
    assert panels == ["Your training", "Cured training"]
    assert before_after_title(cures.cured()) == "The validation loss ends at 0.25, cured, and at 0.75 as it was"
    assert learned_title(cures.cured()) == "Your training learns 20.0 % of the learnable, the cured one 80.0 %"


def test_losses_of_two_kinds_are_not_compared(pages):
    assert before_after_title(cures.other_loss()) == "Your training and the cured one, each in the unit of its own loss"
    ticks = [e.words for e in pages["other_loss"].of_class("tick")]
    assert "30.2" in ticks or "30.4" in ticks, "the second panel has an axis of its own"


def test_every_change_that_was_tried_has_its_row(pages):
    page = pages["cured"]
    rows = [e.words for e in page.all("g") if "gain" not in e.words and "%" in e.words]
    assert len(rows) == 3
    assert rows[1].startswith("★ initialize with scheme auto: +60.0 %, 58.0 % to 62.0 %")
    assert tried_title(cures.cured()) == (
        "★ “initialize with scheme auto” gains 60.0 % of the learnable; 2 other changes were tried"
    )
    assert tried_title(cures.no_cure()) == "No change of the 2 that were tried is proven to help"
    failed = [e.words for e in pages["no_cure"].all("g") if "failed" in e.words]
    assert "added dropout: failed: RuntimeError: no" in failed[0]


def test_what_gains_beyond_the_axis_ends_in_arrows_there(pages):
    rows = [e for e in pages["no_cure"].all("g") if "ten times the rate" in e.words]
    assert "far worse, epoch 10" in rows[0].words
    caps = pages["no_cure"].of_class("cap")
    ends = [float(re.match(r"M([\d.]+)", cap.attributes["d"])[1]) for cap in caps]
    assert all(12.0 <= end <= 316.0 for end in ends)
    assert [cap.attributes["d"].count("l") for cap in caps] == [2, 2], "arrows, not ends"
    assert not [e for e in pages["no_cure"].of_class("dot") if "unproven" in e.attributes["class"]]


def test_where_nothing_was_cured_the_training_itself_is_judged(pages):
    assert {"history", "probabilities"} <= figures(pages["more_data"])
    assert "before_after" not in figures(pages["more_data"]), "they are the same curves"
    assert "history" not in figures(pages["cured"])


def test_layers_are_put_beside_each_other_by_what_they_are():
    before = ("0: Linear(4, 8)", "1: ReLU()", "2: Linear(8, 8)", "3: ReLU()", "4: Linear(8, 2)", "5: Softmax()")
    after = ("s: Standardize(4)", "0: Linear(4, 8)", "1: ReLU()", "2: Linear(8, 8)", "3: GELU()", "4: Linear(8, 2)")
    table = structure_table(before, after)
    assert table.rows == (
        ("added", "—", "s: Standardize(4)"),
        ("", "0: Linear(4, 8)", "0: Linear(4, 8)"),
        ("", "… 1 layer alike", "…"),
        ("", "2: Linear(8, 8)", "2: Linear(8, 8)"),
        ("changed", "3: ReLU()", "3: GELU()"),
        ("", "4: Linear(8, 2)", "4: Linear(8, 2)"),
        ("removed", "5: Softmax()", "—"),
    )
    assert table.caption == "The network before and after: 3 layers changed."
    assert structure_table(before, before) is None


def test_hostile_names_are_shown_not_obeyed(pages):
    assert_hostile_names_are_shown_not_obeyed(pages)


def test_a_record_of_an_earlier_version_has_its_page():
    missing = dict.fromkeys(("history_before", "history_after", "learned_before", "learned_after"))
    page = Page(render_cure_html(cures.record(**missing)))
    assert figures(page) == {"tried"}


def test_a_training_that_was_lost_does_not_end_anywhere():
    lost = cures.history(0.6)
    lost = dataclasses.replace(lost, train_loss=(*lost.train_loss[:-1], math.nan), validation_loss=(math.nan,) * 10)
    assert before_after_title(cures.record(history_before=lost)) == (
        "The validation loss of the cured training ends at 0.25, that of yours was not measured"
    )
    late = dataclasses.replace(lost, validation_loss=(*(0.5,) * 9, math.nan))
    assert before_after_title(cures.record(history_before=late)).endswith("that of yours is lost after 0.5")


def test_shares_that_are_not_known_leave_an_empty_plot():
    unknown = dataclasses.replace(cures.learned(), share=(math.nan,) * 10)
    html = render_cure_html(cures.record(learned_before=unknown, learned_after=None, gain=None, state="undecided"))
    assert_no_coordinate_is_missing(Page(html))


def test_the_curves_of_what_was_not_cured_stand_before_what_was_tried():
    page = Page(render_cure_html(cures.more_data()))
    keys = [e.attributes["id"].removeprefix("jf-") for e in page.all("section")]
    assert keys.index("curves") < keys.index("tried")


def test_a_share_of_next_to_nothing_is_not_less_than_a_constant():
    assert learned_title(cures.record(share_before=-1e-4)).startswith("Your training learns 0 % of the learnable")
    assert learned_title(cures.record(share_before=-0.5)).startswith("Your training learns less than a constant")
