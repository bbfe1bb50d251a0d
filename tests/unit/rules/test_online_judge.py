"""Stop or go on, epoch by epoch."""

import math
import time

import numpy as np
import pytest

from justfit.errors import ArgumentError
from justfit.rules import OnlineJudge, judge
from tests.unit.rules.histories import FALLING, PLATEAU, RISING, TRAIN, TURN, double_descent, noisy

NAN = math.nan


def told(train, validation, **options):
    """Every advice up to the first stop."""
    advisor, advices = OnlineJudge(**options), []
    for losses in zip(train, validation, strict=True):
        advices.append(advisor.update(*map(float, losses)))
        if advices[-1].stop:
            break
    return advices


def test_it_stops_soon_after_the_turn_and_keeps_the_best():
    advices = told(TRAIN, RISING)
    assert TURN < len(advices) < TURN + 15
    assert advices[-1].best_epoch == int(RISING.argmin()) + 1
    assert advices[-1].probability >= 0.8
    assert advices[-1].reason.startswith(f"The validation loss has risen since epoch {advices[-1].best_epoch} by more")
    assert [advice.is_best for advice in advices] == [i <= RISING.argmin() for i in range(len(advices))]
    assert all(not advice.stop for advice in advices[:-1])


@pytest.mark.parametrize("validation", [FALLING, PLATEAU])
def test_it_does_not_stop_what_does_not_rise(validation):
    advices = told(TRAIN, validation)
    assert len(advices) == 100
    assert advices[-1].best_epoch == 100
    assert advices[-1].reason == "Epoch 100 is the best so far."


@pytest.mark.parametrize("seed", range(6))
def test_noise(seed):
    advices = told(noisy(TRAIN, 0.02, seed), noisy(RISING, 0.03, seed + 30))
    kept = RISING[advices[-1].best_epoch - 1]
    assert kept - RISING.min() < 0.12  # four noises
    assert len(advices) < 100


def test_scores():
    losses, scores = told(TRAIN - 9, RISING - 9), told(-TRAIN, -RISING, direction="maximize")
    assert [a.stop for a in losses] == [a.stop for a in scores]
    assert [a.best_epoch for a in losses] == [a.best_epoch for a in scores]


def test_a_higher_probability_waits_longer():
    assert len(told(TRAIN, RISING, probability=0.97)) > len(told(TRAIN, RISING, probability=0.6))


def test_a_hump_before_a_second_fall_stops_a_training_that_is_sure_of_it():
    """The limit of every rule that stops: what comes later cannot be seen."""
    assert len(told(TRAIN, double_descent())) < 60


def test_epochs_that_were_not_validated():
    sparse = [loss if epoch % 5 == 0 else NAN for epoch, loss in enumerate(RISING, start=1)]
    advices = told(TRAIN, sparse)
    assert advices[0].reason == "No epoch was validated yet."
    assert (advices[0].best_epoch, advices[0].probability) == (1, 0.0)
    assert advices[-1].best_epoch % 5 == 0
    assert len(advices) < 100


def test_without_a_train_loss():
    assert told([NAN] * 100, RISING)[-1].stop


@pytest.mark.parametrize("end", [(math.inf, 1.0), (1.0, math.inf), (NAN, NAN), (-math.inf, NAN)])
def test_ruin_stops_at_once(end):
    advisor = OnlineJudge()
    for losses in zip(TRAIN[:10], PLATEAU[:10], strict=True):
        assert not advisor.update(*losses).stop
    advice = advisor.update(*end)
    assert advice.stop
    assert (advice.best_epoch, advice.is_best) == (10, False)
    assert advice.reason == "The losses of epoch 11 are NaN or infinity."


def test_its_history_is_what_it_was_told():
    advisor = OnlineJudge(direction="maximize")
    for epoch, losses in enumerate(zip(TRAIN[:6], PLATEAU[:6], strict=True)):
        advisor.update(*losses, epoch=10 * epoch + 10, validation_loss_se=0.1)
    assert advisor.history.epochs == (10, 20, 30, 40, 50, 60)
    assert advisor.history.train_loss == tuple(TRAIN[:6])
    assert advisor.history.validation_loss_se == (0.1,) * 6
    assert advisor.history.direction == "maximize"
    assert judge(*(TRAIN[:6], PLATEAU[:6]), epochs=advisor.history.epochs).last_epoch == 60


def test_many_epochs_take_seconds():
    train, validation = noisy(np.full(5_000, 1.0), 0.1), noisy(np.full(5_000, 1.0), 0.1, 1)
    advisor, start = OnlineJudge(probability=0.999999), time.perf_counter()
    for losses in zip(train, validation, strict=True):
        advisor.update(*losses)
    assert time.perf_counter() - start < 20


def test_what_it_refuses():
    with pytest.raises(ArgumentError, match=r"`direction` must be 'minimize' or 'maximize'\. Found `direction='max'`"):
        OnlineJudge(direction="max")
    with pytest.raises(ArgumentError, match=r"`probability` must lie between 0\.5 and 1\. Found `probability=1`\. It"):
        OnlineJudge(probability=1)
    advisor = OnlineJudge()
    advisor.update(1.0, 1.0, epoch=5)
    with pytest.raises(ArgumentError, match=r"`epoch` must rise\. Found 5 after 5\. Tell each epoch once, in order\."):
        advisor.update(1.0, 1.0, epoch=5)
