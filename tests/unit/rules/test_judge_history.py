"""The verdict on histories of each kind, with known truth."""

import math
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest

from justfit.errors import ArgumentError
from justfit.records import FitVerdict, from_json, to_json
from justfit.rules import HistoryEvidence, judge, judge_history
from tests.unit.rules.histories import (
    EPOCHS,
    FALLING,
    NUM_EPOCHS,
    PLATEAU,
    RISING,
    TRAIN,
    TURN,
    double_descent,
    history,
    noisy,
    restarts,
)

NAN = math.nan
REFERENCE = {"reference_loss": 0.17, "reference_name": "gradient boosting", "constant_loss": 2.3}


def codes(verdict):
    return {finding.code for finding in verdict.findings}


def test_a_rise_is_overfitting_and_says_since_when_and_what_it_costs():
    verdict = judge(TRAIN, RISING, unit="nats")
    assert verdict.state == "overfitting"
    assert codes(verdict) == {"JF105"}
    assert verdict.best_epoch == pytest.approx(TURN, abs=3)
    assert TURN < verdict.overfitting_since < TURN + 20
    cost = RISING[-1] - RISING.min()
    assert verdict.further_epochs_cost == pytest.approx(cost, abs=2 * verdict.further_epochs_cost_se + 0.002)
    assert verdict.reasons[0].startswith(f"The validation loss became worse again after epoch {verdict.best_epoch}: by")
    assert "nats until epoch 100" in verdict.reasons[0]
    assert verdict.last_epoch == 100


@pytest.mark.parametrize("seed", range(8))
def test_noise_does_not_hide_overfitting(seed):
    verdict = judge(noisy(TRAIN, 0.02, seed), noisy(RISING, 0.04, seed + 50))
    assert verdict.state == "overfitting"
    assert abs(verdict.best_epoch - TURN) < 25
    assert RISING[verdict.best_epoch - 1] - RISING.min() < 0.05


@pytest.mark.parametrize("seed", range(8))
def test_noise_makes_no_overfitting(seed):
    verdict = judge(noisy(TRAIN, 0.02, seed), noisy(PLATEAU, 0.06, seed + 50))
    assert verdict.state != "overfitting"
    assert verdict.probabilities["overfitting"] < 0.5
    assert "JF105" not in codes(verdict)


def test_the_best_epoch_is_not_the_luckiest_one():
    lucky = RISING.copy()
    lucky[89] = RISING.min() - 0.2
    assert abs(judge(TRAIN, lucky).best_epoch - TURN) < 5
    assert int(np.argmin(lucky)) + 1 == 90  # the negative control


def test_a_plateau_without_a_reference_is_open_between_two_states():
    verdict = judge(TRAIN, PLATEAU)
    assert verdict.state == "undecided"
    assert verdict.probabilities["overfitting"] < 0.1
    assert verdict.reasons[0].startswith("It does not overfit (0.0")
    assert "cannot be told without a reference" in verdict.reasons[0]
    assert any("`reference_loss`" in note for note in verdict.notes)


def test_a_reference_tells_just_right_from_underfitting():
    right, under = judge(TRAIN, PLATEAU, **REFERENCE), judge(TRAIN + 0.6, PLATEAU + 0.6, **REFERENCE)
    assert (right.state, under.state) == ("just_right", "underfitting")
    assert "gradient boosting" in under.reasons[0]
    assert codes(under) == {"JF107"}
    assert under.avoidable_bias == pytest.approx(TRAIN[-1] + 0.6 - 0.17, abs=0.01)
    assert judge(TRAIN, RISING, **REFERENCE).state == "overfitting"


def test_losses_that_still_fall_steeply_underfit():
    verdict = judge(FALLING, FALLING + 0.02)
    assert verdict.state == "underfitting"
    assert "JF108" in codes(verdict)
    assert verdict.reasons[0].startswith("Both were still getting better: the last fifth")


NOTHING = "nothing was learned, or the log begins after the learning."


@pytest.mark.parametrize("number", [8, 20, 50])
def test_noise_without_a_fall_is_undecided(number):
    for seed in range(40):
        flat = np.full(number, 0.5)
        verdict = judge(noisy(flat, 0.1, seed), noisy(flat, 0.1, 1000 + seed))
        assert verdict.state == "undecided"
        if verdict.reasons[0].endswith(NOTHING):
            assert verdict.findings == ()
    assert verdict.reasons[0] == f"The train loss never got better than its own noise: {NOTHING}"


def test_losses_that_never_fell_underfit_where_the_constant_says_so():
    flat = noisy(np.full(50, 2.3), 0.01), noisy(np.full(50, 2.3), 0.01, 1)
    assert judge(*flat).state == "undecided"
    verdict = judge(*flat, constant_loss=2.3)
    assert verdict.state == "underfitting"
    assert verdict.reasons[0] == "The train loss never got better than its own noise: nothing was learned."
    assert judge(*flat, constant_loss=9.0).state == "undecided"  # the log begins after the learning
    assert judge([1.0] * 10, [1.0] * 10).state == "undecided"
    assert judge([1.0] * 10, [1.0] * 10, constant_loss=1.0).state == "underfitting"


def test_losses_that_hardly_moved_are_undecided():
    train, validation = [1.117 - 1e-6 * i for i in range(12)], [1.137 - 1e-7 * i for i in range(12)]
    verdict = judge(train, validation)
    assert (verdict.state, verdict.findings) == ("undecided", ())
    assert verdict.reasons[0] == f"The losses moved by only 0.00097 % of the first one: {NOTHING}"
    assert judge(1e300 * np.array(train), 1e300 * np.array(validation)).state == "undecided"
    assert judge(train, validation, constant_loss=1.117).state != "just_right"
    assert judge([2.3, 1.0, 0.6, 0.4], [2.4, 1.1, 0.7, 0.5]).state != "overfitting"
    assert NOTHING not in judge([2.3, 1.0, 0.6, 0.4], [2.4, 1.1, 0.7, 0.5]).reasons[0]


@pytest.mark.parametrize("number", [6, 11, 30, 100, 400])
def test_the_best_epoch_of_an_exact_fall_is_its_last(number):
    train = 1 / np.arange(1, number + 1)
    assert judge(train, train + 0.1).best_epoch == number
    assert judge(1 - train, 0.9 - train, direction="maximize").best_epoch == number


def test_an_end_in_nan_is_an_error_and_no_improvement():
    verdict = judge([*FALLING, NAN, NAN], [*(FALLING + 0.02), NAN, NAN])
    assert codes(verdict) == {"JF109"}
    assert not any("still getting better" in reason for reason in verdict.reasons)


def test_scores_that_are_taken_for_losses_are_noted():
    scores = 1 - TRAIN / 4, 0.95 - TRAIN / 4
    note = "Both series rise within 0 and 1: if these are scores, pass `direction='maximize'`."
    assert note in judge(*scores).notes
    assert note not in judge(*scores, direction="maximize").notes
    for losses in ((TRAIN, RISING), (TRAIN / 4, RISING / 4), (2 * scores[0], 2 * scores[1])):
        assert note not in judge(*losses).notes


def test_no_warning_of_others_comes_through():
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judge([torch.tensor(loss, requires_grad=True) for loss in TRAIN], RISING)
        judge([1e308, 1e300, 1.0, 0.5, 0.4, 0.3], [1e308, 1e300, 1.0, 0.5, 0.4, 1.7e308])
        judge([1e308, -1e308, 1.0, 0.5, 0.4], [1e308, -1.7e308, 1.0, 0.5, 0.4])


def test_a_second_fall_is_not_overfitting_at_the_end():
    verdict = judge(TRAIN, double_descent())
    assert verdict.probabilities["overfitting"] < 0.3
    middle = judge(TRAIN[:60], double_descent()[:60])
    assert middle.state == "overfitting"  # the negative control: before the second fall it was


def test_half_a_second_fall_is_named():
    cut = double_descent()[:86]
    verdict = judge(TRAIN[:86], cut)
    assert cut[-1] > cut[:40].min()  # still above the first minimum
    assert verdict.state != "overfitting"
    assert any("fell a second time" in note for note in verdict.notes)


def test_warm_restarts_are_not_overfitting():
    train = restarts()
    for end in (100, 84, 65):  # at the end of a cycle, and in the middle of the jump
        verdict = judge(train[:end], train[:end] + 0.1)
        assert verdict.state != "overfitting"
    assert any("warm restarts" in note for note in judge(train, train + 0.1).notes)


def test_missing_values():
    sparse = np.where(EPOCHS % 5 == 0, RISING, NAN)
    verdict = judge(TRAIN, sparse)
    assert verdict.state == "overfitting"
    assert verdict.best_epoch % 5 == 0
    assert abs(verdict.best_epoch - TURN) < 12
    assert "20 of 100 entries have a validation loss." in verdict.notes
    holes = TRAIN.copy()
    holes[::3] = NAN
    assert judge(holes, RISING).state == "overfitting"


@pytest.mark.parametrize("end", [[math.inf, NAN], [NAN, NAN], [NAN, math.inf]])
def test_an_end_of_nan_or_infinity_is_not_judged_but_its_best_epoch_is_told(end):
    verdict = judge([*TRAIN, *end], [*RISING, *end])
    assert verdict.state == "undecided"
    assert verdict.probabilities == dict.fromkeys(verdict.probabilities, 1 / 3)
    assert verdict.reasons[0].startswith("Training ends in NaN or infinity from epoch 101 on")
    assert abs(verdict.best_epoch - TURN) < 4
    assert judge([*TRAIN, TRAIN[-1]], [*RISING, NAN]).state == "overfitting"  # one missing value is no such end


def test_a_train_loss_that_blows_up_is_not_overfitting():
    verdict = judge([*TRAIN, 20.0, 200.0, 2000.0], [*RISING, 20.0, 200.0, 2000.0])
    assert verdict.state == "undecided"
    assert "training lost its way" in verdict.reasons[0]


def test_a_train_loss_that_rose_again_for_good_underfits():
    back = np.concatenate([TRAIN[:30], TRAIN[29] + (2.2 - TRAIN[29]) * (1 - np.exp(-np.arange(70) / 4))])
    alone = judge(back, back + 0.05)
    assert alone.state == "underfitting"
    assert "training lost what it had" in alone.reasons[0]
    assert judge(back, back + 0.05, **REFERENCE).state == "underfitting"
    assert judge(back[:36], back[:36] + 0.05).state == "undecided"  # the negative control: it still moves
    assert alone.best_epoch == pytest.approx(30, abs=2)


def test_a_reference_says_whether_what_never_fell_is_bad():
    """A history that starts at a trained network: flat at the level of the reference, or far above it."""
    flat, more = noisy(np.full(50, 0.17), 0.002), {**REFERENCE, "constant_loss": 2.3}
    assert judge(flat, noisy(np.full(50, 0.18), 0.002, 1), **more).state == "just_right"
    assert judge(flat + 1, noisy(np.full(50, 1.18), 0.002, 1), **more).state == "underfitting"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_few_epochs_are_undecided(number):
    verdict = judge(TRAIN[:number], RISING[:number], **REFERENCE)
    assert verdict.state == "undecided"
    assert verdict.reasons[0].startswith("Only one epoch has" if number == 1 else f"Only {number} epochs have")


def test_a_short_history_with_a_clear_rise():
    verdict = judge([0.4, 0.2, 0.1, 0.05, 0.02, 0.01], [0.35, 0.33, 0.36, 0.42, 0.50, 0.60])
    assert verdict.state == "overfitting"
    assert verdict.best_epoch in (1, 2)


def test_a_long_history_is_read_in_a_second():
    number = 100_000
    x = np.arange(number) / number
    train = noisy(np.exp(-5 * x), 0.01)
    start = time.perf_counter()
    verdict = judge(train, noisy(np.exp(-5 * x) + 0.2 + 0.4 * np.maximum(0, x - 0.5), 0.03, 1))
    assert time.perf_counter() - start < 3
    assert verdict.state == "overfitting"
    assert 0.4 < verdict.best_epoch / number < 0.65


def test_train_mode_is_named_and_not_misread():
    verdict = judge(PLATEAU + 0.3, PLATEAU, train_mode=True, **REFERENCE)
    assert verdict.state == "just_right"  # the train loss alone would say: 0.28 nats worse than the reference
    assert "JF106" in codes(verdict)
    assert "JF107" not in codes(verdict)
    told = judge(PLATEAU + 0.3, PLATEAU, train_mode=False, **REFERENCE)
    assert "JF107" in codes(told)
    found = next(finding for finding in told.findings if finding.code == "JF106")
    assert "taken in eval mode" in found.evidence


def test_scores_are_judged_as_losses_turned_over():
    losses, scores = judge(TRAIN - 3, RISING - 3), judge(1 - TRAIN / 4, 1 - RISING / 4, direction="maximize")
    assert scores.probabilities == pytest.approx(losses.probabilities, abs=1e-6)
    assert scores.best_epoch == losses.best_epoch
    assert scores.further_epochs_cost == pytest.approx(losses.further_epochs_cost / 4, rel=1e-4)
    assert scores.generalization_gap < 0 < losses.generalization_gap
    assert scores.validation_loss == pytest.approx(1 - RISING[-1] / 4, abs=0.01)
    assert "validation score" in scores.reasons[0]


def test_negative_losses_are_losses():
    assert judge(TRAIN - 5, RISING - 5).state == "overfitting"
    assert judge(TRAIN - 0.06, PLATEAU - 0.16).state != "overfitting"


def test_a_start_that_towers_over_all_does_not_hide_the_end():
    start = 1e6 * np.exp(-EPOCHS / 3)
    assert judge(start + 20, start + 40 + 1.0 * np.maximum(0, EPOCHS - 50)).state == "overfitting"


def test_one_wild_last_epoch_is_no_trend():
    wild = PLATEAU.copy()
    wild[-1] = 5.0
    verdict = judge(TRAIN, wild)
    assert verdict.state != "overfitting"
    assert any("stand out alone" in note for note in verdict.notes)
    assert judge([*TRAIN, *[TRAIN[-1]] * 4], [*wild, 5.0, 5.0, 5.0, 5.0]).state == "overfitting"


def test_standard_errors_make_less_sure():
    sure, unsure = (
        judge(TRAIN, RISING, validation_loss_se=[error] * NUM_EPOCHS, train_loss_se=[error] * NUM_EPOCHS)
        for error in (0.001, 0.8)
    )
    assert unsure.probabilities["overfitting"] < sure.probabilities["overfitting"]
    assert unsure.generalization_gap_se == pytest.approx(0.8 * 2**0.5, rel=0.05)
    assert unsure.further_epochs_cost_se > 10 * sure.further_epochs_cost_se


def test_without_a_validation_loss():
    verdict = judge(TRAIN, None)
    assert verdict.state == "undecided"
    assert verdict.reasons[0] == "There is no validation loss, so overfitting cannot be judged."
    assert verdict.best_epoch is None
    assert math.isnan(verdict.generalization_gap)
    assert "JF107" in codes(judge(TRAIN + 1, None, train_mode=False, **REFERENCE))


def test_without_a_train_loss():
    verdict = judge(None, RISING)
    assert verdict.state == "undecided"
    assert verdict.reasons[0] == "There is no train loss, so neither gap nor underfitting can be judged."
    assert codes(verdict) == {"JF105"}


def test_without_one_finite_loss():
    verdict = judge([NAN, NAN], [NAN, math.inf])
    assert verdict.state == "undecided"
    assert verdict.reasons == ("There is not one finite loss, so there is nothing to judge.",)


def test_epochs_have_the_numbers_they_were_given():
    verdict = judge(TRAIN, RISING, epochs=range(500, 50_500, 500))
    assert verdict.best_epoch == 500 * judge(TRAIN, RISING).best_epoch
    assert verdict.last_epoch == 50_000


def test_what_a_series_may_be():
    torch = pytest.importorskip("torch")
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    plain = judge(TRAIN.tolist(), RISING.tolist())
    kinds = [
        torch.tensor(TRAIN, requires_grad=True), [torch.tensor(loss) for loss in TRAIN], pandas.Series(TRAIN),
        polars.Series(TRAIN), tuple(TRAIN), iter(TRAIN.tolist()),
    ]  # fmt: skip
    for train in kinds:
        assert judge(train, RISING).probabilities == pytest.approx(plain.probabilities, abs=1e-9)
    gaps = pandas.array([None, *TRAIN[1:]], dtype="Float64")
    assert repr(judge(gaps, RISING)) == repr(judge([None, *TRAIN[1:]], RISING))  # repr: NaN is not NaN


def test_a_verdict_survives_json():
    verdict = judge(TRAIN, RISING, **REFERENCE)
    assert from_json(FitVerdict, to_json(verdict)) == verdict


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"train_loss": TRAIN[:9], "validation_loss": TRAIN[:10]},
            r"All series of a history must have one entry per epoch\. Found 9 in `train_loss`, 10 in "
            r"`validation_loss`\. Write NaN where a value is missing\.",
        ),
        (
            {"train_loss": TRAIN[:9], "validation_loss": None, "epochs": range(3)},
            r"Found 9 in `train_loss`, 3 in `epochs`\.",
        ),
        (
            {"train_loss": [], "validation_loss": None},
            r"A history must have at least one epoch\. Found no losses\. Give `train_loss`, `validation_loss` or both",
        ),
        ({"train_loss": None, "validation_loss": None}, r"Found no losses\."),
        (
            {"train_loss": TRAIN, "validation_loss": RISING, "direction": "up"},
            r"`direction` must be 'minimize' or 'maximize'\. Found `direction='up'`\. Losses and errors are minimized",
        ),
        (
            {"train_loss": 0.3, "validation_loss": [0.3]},
            r"`train_loss` must be numbers, in one dimension where it is a series\. Found float\. Give one number per",
        ),
        ({"train_loss": [[1.0, 2.0]], "validation_loss": [1.0]}, r"Found \[1.0, 2.0\] among them"),
        ({"train_loss": ["low"], "validation_loss": [1.0]}, r"Found 'low' among them"),
        ({"train_loss": "0.1", "validation_loss": [1.0]}, r"`train_loss` must be numbers.* Found str\."),
        (
            {"train_loss": [1.0], "validation_loss": [1.0], "validation_loss_se": [-0.1]},
            r"`validation_loss_se` must be at least 0\. Found -0\.1\. Give one standard error per epoch",
        ),
        (
            {"train_loss": [1.0], "validation_loss": [1.0], "epochs": [0.5]},
            r"`epochs` must be whole numbers\. Found 0\.5\. Number the entries 1, 2, …, or leave `epochs` out\.",
        ),
        ({"train_loss": [1.0, 1.0], "validation_loss": [1.0, 1.0], "epochs": [2, 1]}, r"`epochs` must rise\."),
        (
            {"train_loss": [1.0], "validation_loss": [1.0], "reference_loss": math.inf},
            r"`reference_loss` must be a number\. Found inf\. Leave it out where it is not known\.",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        judge(**arguments)


def test_an_empty_history_is_refused():
    with pytest.raises(ArgumentError, match=r"A history must have at least one epoch\. Found none\. Give the losses"):
        HistoryEvidence(history=history((), ()))


def test_judge_is_judge_history():
    judged = history(TRAIN, RISING)
    expected = replace(judge_history(judged, **REFERENCE), history=judged)
    assert to_json(judge(TRAIN, RISING, **REFERENCE)) == to_json(expected)
