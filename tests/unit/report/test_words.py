"""What is said: each state, each outcome, exactly and with its numbers."""

import math
from dataclasses import replace

import pytest

from justfit.report import build_document
from justfit.report._axes import leaving_words
from justfit.report._titles import effect_figure, map_figure, path_figure
from justfit.report._verdict import headline
from tests.unit.report import patients

NAN = math.nan


def said(result):
    document = build_document(result)
    return document.headline, document.verdict, document.choice[0]


def test_overfitting_that_regularization_cures():
    assert said(patients.overfitting()) == (
        "The network overfits, and regularization helps.",
        "Without regularization the network overfits (probability > 0.99): validation loss 0.311 nats is "
        "0.299 ± 0.021 nats above training loss.",
        "Use λ = 3, dropout = 0.35: validation loss falls by 0.164 ± 0.014 nats, from 0.311 to 0.147 nats.",
    )


def test_where_regularization_does_not_help_it_says_so_and_keeps_none():
    headline, verdict, choice = said(patients.not_helping())
    assert headline == "The network fits as it is: no tried regularization is distinguishably better."
    assert "is just right (probability 0.94)" in verdict
    assert choice == (
        "No tried λ and dropout is distinguishably better, so λ = 0, dropout = 0 is kept: the best candidate gains "
        "0 nats."
    )
    test = build_document(patients.not_helping()).test
    assert "before and after are the same" in test.sentences[0]


def test_a_choice_that_is_not_distinguishable_is_not_praised():
    headline, verdict, choice = said(patients.undecided())
    assert headline == "Over- or underfitting cannot be told; no tried regularization is distinguishably better."
    assert "overfitting, has probability 0.55, and 0.90 is needed to say so" in verdict
    assert choice == (
        "No tried λ and dropout is distinguishably better, so λ = 0, dropout = 0 is kept: the best candidate gains "
        "0.011 ± 0.014 nats."
    )


def test_underfitting_names_its_reference_and_large_units_stay_readable():
    _, verdict, choice = said(patients.regression())
    assert "underfits (probability 0.93): training loss 4.92·10⁷ squared price is (5.6 ± 0.7)·10⁸" in verdict
    assert "below the validation loss of the best cell of the sweep" in verdict
    assert "validation loss falls by (6.7 ± 0.6)·10⁸ squared price" in choice


def test_a_negative_gap_is_below_not_above():
    result = patients.overfitting()
    verdict = replace(result.verdict, generalization_gap=-0.02)
    assert "is 0.020 ± 0.021 nats below training loss" in build_document(replace(result, verdict=verdict)).verdict


def test_interruption_is_said_before_everything():
    assert build_document(patients.overfitting()).notices == ()
    short = patients.interrupted()
    assert build_document(short).notices == (
        "This run was cut short: interrupted after epoch 7 of 60. Everything below is the best so far; a full run may "
        "choose differently.",
    )
    unnamed = build_document(replace(short, interruption="")).notices[0]
    assert unnamed.startswith("This run was cut short: it was interrupted. ")


def test_where_0_was_not_tried_without_regularization_is_explained():
    document = build_document(patients.fixed_values())
    assert document.notices == (
        "Where this report says “without regularization” it means λ = 3, dropout = 0: that value was fixed, and 0 was "
        "not tried.",
    )
    assert "so λ = 3, dropout = 0 is kept" in document.choice[0]
    assert document.test.sentences[0].startswith("λ = 3, dropout = 0 is kept, so before and after are the same.")


HELPS = {
    "overfitting": "The network overfits, and regularization helps",
    "underfitting": "The network underfits, and regularization helps nonetheless",
    "just_right": "The network fits, and regularization makes it better still",
    "undecided": "Over- or underfitting cannot be told here, but regularization helps",
}
DOES_NOT = {
    "overfitting": "The network overfits, but no tried regularization is distinguishably better.",
    "underfitting": "The network underfits; regularization is not what it lacks.",
    "just_right": "The network fits as it is: no tried regularization is distinguishably better.",
    "undecided": "Over- or underfitting cannot be told; no tried regularization is distinguishably better.",
}


@pytest.mark.parametrize(
    ("interval", "rest"),
    [
        ((-0.2, -0.01), "."),
        ((-0.2, 0.0), " in cross-validation; the held-out rows do not confirm it."),
        ((-0.2, 0.1), " in cross-validation; the held-out rows do not confirm it."),
        ((math.nan, math.nan), " in cross-validation; the held-out rows do not confirm it."),
        ((0.01, 0.1), " in cross-validation; the held-out rows contradict it."),
    ],
)
@pytest.mark.parametrize("state", HELPS)
def test_the_headline_claims_no_more_than_the_held_out_rows_show(state, interval, rest):
    result = patients.overfitting()
    result = replace(result, verdict=replace(result.verdict, state=state))
    assert headline(replace(result, test=replace(result.test, loss_interval=interval))) == HELPS[state] + rest
    assert headline(replace(result, test=None)) == HELPS[state] + ".", "nothing was held out"
    no_help = replace(result, sweep=replace(result.sweep, helps=False))
    assert headline(replace(no_help, test=replace(result.test, loss_interval=interval))) == DOES_NOT[state]


def test_a_table_without_signal_is_the_headline():
    words, _, _ = said(patients.no_signal())
    assert words == "No network of the sweep is distinguishably better than a constant prediction."


def test_what_cannot_be_told_from_the_best_is_counted():
    record = patients.overfitting().sweep
    sure = build_document(patients.overfitting()).choice[1]
    assert sure == (
        "The probability that this choice is as good as the best cell, to within one standard error of their "
        "difference, is 0.93. 4 of 36 cells cannot be told from the best; they lie at λ from 1 to 3 and dropout from "
        "0 to 0.35."
    )
    alone = tuple(tuple((i, j) == record.best for j in range(4)) for i in range(9))
    single = build_document(replace(patients.overfitting(), sweep=replace(record, ridge=alone))).choice[1]
    assert single.endswith(" None of the other 35 cells is within one standard error of the best.")


@pytest.mark.parametrize(("score", "shown"), [(0.1133, "11.3 %"), (math.nan, "—")])
def test_the_score_of_a_constant_prediction_is_shown(score, shown):
    result = patients.overfitting()
    document = build_document(replace(result, test=replace(result.test, constant_score=score)))
    assert document.test.tables[0].rows[-1] == ("Best constant prediction", "2.30", shown)


def test_divergence_without_regularization_is_the_headline():
    headline, _, choice = said(patients.all_diverged())
    assert headline == "Without regularization training diverges."
    assert "without regularization it could not be measured" in choice
    headline, verdict, choice = said(patients.diverged_without())
    assert headline == "Without regularization training diverges."
    assert verdict == "Without regularization training ends in NaN or infinity, so there is nothing to judge."
    assert choice == (
        "Use λ = 3, dropout = 0.35: validation loss there is 0.147 nats; without regularization it could not be "
        "measured."
    )
    assert build_document(patients.diverged()).notices == (
        "50 of 360 networks diverged: their loss became infinite or NaN, so their cells are empty.",
    )


def test_the_test_part_says_whether_chance_explains_the_change():
    result = patients.overfitting()
    loss, score = build_document(result).test.sentences
    assert loss == (
        "On 450 held-out test examples the loss goes from 0.241 to 0.140 nats; the 95 % interval of the change is "
        "−0.138 to −0.069 nats, so the change is distinguishable from chance."
    )
    assert "from 94.2 % to 96.4 %; the 95 % interval of the change is +0.7 to +3.8 points" in score
    wider = replace(result.test, loss_interval=(-0.2, 0.01))
    assert "is not distinguishable" in build_document(replace(result, test=wider)).test.sentences[0]


def test_without_a_test_part_nothing_is_claimed_of_it():
    document = build_document(patients.without_test())
    assert document.test.sentences == ("No rows were held out, so this was not measured.",)
    assert document.test.tables == ()
    assert not any("Test" in card.label for card in document.cards)
    assert not any("test rows took no part" in point for section in document.sections for point in section.points)


@pytest.mark.parametrize(
    ("patient", "key", "title"),
    [
        (patients.overfitting, "path", "Validation loss is lowest at λ = 3; training loss keeps falling to the left"),
        (patients.not_helping, "path", "Validation loss is lowest at λ = 0: more L2 only adds to it"),
        (patients.all_diverged, "path", "Every network along this path diverged"),
        (patients.single_cell, "path", "Only λ = 0 was tried to its end at this dropout"),
        (patients.overfitting, "map", "4 of 36 cells cannot be told from the best; the choice is one of them"),
        (patients.single_cell, "map", "Only one cell was tried"),
        (
            patients.overfitting,
            "effect",
            "From λ = 0 to 30: Σw² falls from 620 to 18, the active fraction falls from 0.47 to 0.28, "
            "linearity R² rises from 0.71 to 0.96",
        ),
        (patients.all_diverged, "curves", "No learning curve was kept"),
    ],
)
def test_titles_say_the_finding(patient, key, title):
    figures = [figure for section in build_document(patient()).sections for figure in section.figures]
    assert next(figure.title for figure in figures if figure.key == key) == title


def test_a_path_that_still_falls_at_its_end_says_so():
    result = patients.overfitting()
    short = replace(result, sweep=patients.sweep(l2=patients.L2[:6]))
    titles = [figure.title for section in build_document(short).sections for figure in section.figures]
    assert titles[1] == "Validation loss still falls at the largest λ, 1"


def test_the_command_is_pasteable_or_says_that_it_is_not():
    def command(name):
        words = ("justfit", "fit", name, "--target", "digit", "--seed", "0")
        document = build_document(replace(patients.overfitting(), command=words))
        return next(section.command for section in document.sections if section.command)

    assert command("digits") == "justfit fit digits --target digit --seed 0"
    assert command("my $(rm) file.csv").startswith("justfit fit 'my $(rm) file.csv' ")
    assert command("a\nb").startswith("justfit fit <“a b”> ")


def test_without_a_command_none_is_promised():
    document = build_document(replace(patients.overfitting(), command=()))
    section = next(section for section in document.sections if section.key == "reproduce")
    assert not section.command
    assert not any("Run this" in sentence for sentence in section.sentences)


def test_limits_follow_the_run():
    result = patients.overfitting()
    fewer = replace(result, dataset=replace(result.dataset, num_sweep=500))
    points = build_document(fewer).sections[-1].points
    assert any(point.startswith("The sweep saw 500 of 1,347 training rows") for point in points)
    assert not any("The sweep saw" in point for point in build_document(result).sections[-1].points)


@pytest.mark.parametrize("name", patients.ALL)
def test_no_patient_makes_python_speak(name):
    words = str(build_document(patients.ALL[name]()))
    assert " nan" not in words
    assert "inf " not in words
    assert "e-0" not in words


def test_a_path_whose_largest_l2_diverged_does_not_call_another_the_largest():
    record = patients.overfitting().sweep
    j = record.chosen[1]
    falling = tuple(
        tuple(NAN if i == len(record.l2) - 1 else 1.0 - 0.1 * i for _ in row)
        for i, row in enumerate(record.validation_loss)
    )
    figure = path_figure(replace(record, validation_loss=falling))
    last = record.l2[-2]
    assert figure.title == f"Validation loss still falls at the largest λ that did not diverge, {last:g}"
    near = tuple(tuple(i in (0, 2, 3) and k == j for k in range(len(row))) for i, row in enumerate(record.ridge))
    a, b, c = (f"{record.l2[i]:g}" for i in (0, 2, 3))
    assert f"cannot be told from the best ({a}, {b} to {c})" in path_figure(replace(record, ridge=near)).caption


def test_what_does_not_move_neither_rises_nor_falls():
    record = patients.overfitting().sweep
    path = tuple(replace(p, linearity_r2=1.0, active_fraction=NAN) for p in record.path)
    title = effect_figure(replace(record, path=path)).title
    assert title.endswith("the active fraction is not known at both, linearity R² stays at 1.0")


def test_a_grid_that_diverged_is_said_to_have():
    record = patients.overfitting().sweep
    lost = tuple((NAN,) * len(record.dropout) for _ in record.l2)
    none = tuple((False,) * len(record.dropout) for _ in record.l2)
    assert map_figure(replace(record, validation_loss=lost, ridge=none)).title == "All 36 cells diverged"


def test_training_losses_below_a_plot_are_told_in_its_caption():
    assert leaving_words([1.0, 1e-6], [1.0, 0.5]) == " Training losses that leave the plot go down to 1.00·10⁻⁶."
    assert leaving_words([1.0, 0.1], [1.0, 0.5]) == ""
    assert leaving_words([], [NAN]) == ""
