"""Before against after: the numbers of the record, computed by hand."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from justfit.estimators._compare import compare_on_test, constant_test_losses, constant_test_score
from justfit.estimators._learn import Data


def linear(weight, bias=0.0):
    layer = nn.Linear(1, len(weight))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight)[:, None])
        layer.bias.fill_(bias)
    return nn.Sequential(layer)


def numbers(x, y, scale=3.0):
    return Data(
        inputs=np.asarray(x, np.float32)[:, None], targets=np.asarray(y, np.float32), weights=None, num_outputs=1,
        task="regression", loss_scale=scale**2, unit="squared m",
    )  # fmt: skip


def classes(x, y, num_classes=2):
    return Data(
        inputs=np.asarray(x, np.float32)[:, None], targets=np.asarray(y, np.int64), weights=None,
        num_outputs=num_classes, task="classification", loss_scale=1.0, unit="nats",
    )  # fmt: skip


def test_regression_by_hand():
    generator = np.random.default_rng(0)
    x = generator.normal(size=200)
    y = x + generator.normal(0, 0.3, 200)
    test = numbers(x, y)
    result = compare_on_test([linear([0.5])], [linear([0.9])], test, np.full(200, 9.0), constant_score=0.1)
    y, x = test.targets.astype(float), test.inputs[:, 0].astype(float)
    old, new = 9 * (0.5 * x - y) ** 2, 9 * (0.9 * x - y) ** 2
    assert result.loss_before == pytest.approx(old.mean(), rel=1e-5)
    assert result.loss_after == pytest.approx(new.mean(), rel=1e-5)
    assert result.loss_difference == pytest.approx((new - old).mean(), rel=1e-5)
    expected = stats.ttest_1samp(new - old, 0).confidence_interval(0.95)
    assert result.loss_interval == pytest.approx((expected.low, expected.high), rel=1e-4)
    variance = 9 * y.var()
    assert result.score_after == pytest.approx(1 - new.mean() / variance, rel=1e-5)
    assert result.score_interval == pytest.approx((-expected.high / variance, -expected.low / variance), rel=1e-4)
    assert result.score_interval[0] < result.score_after - result.score_before < result.score_interval[1]
    assert (result.constant_loss, result.constant_score) == (9.0, 0.1)
    unpaired = stats.ttest_ind(new, old).confidence_interval(0.95)
    assert result.loss_interval[1] - result.loss_interval[0] < 0.9 * (unpaired.high - unpaired.low)


def test_classification_averages_over_seeds_and_delivers_the_first():
    test = classes([-2, -1, 1, 2], [0, 0, 1, 0])
    right, wrong = linear([-1.0, 1.0]), linear([1.0, -1.0])
    result = compare_on_test([wrong, wrong], [right, wrong], test, np.full(4, 0.7), constant_score=0.1)
    assert (result.score_before, result.score_after, result.delivered_score) == (0.25, 0.5, 0.75)
    assert result.num_seeds == 2
    losses = [-np.log(1 / (1 + np.exp(-2 * m))) for m in (2, 1, 1, -2)]
    assert result.delivered_loss == pytest.approx(np.mean(losses), rel=1e-6)
    # the first seed gains on all rows but the last, where it loses; the second gains nothing
    examples, seeds = np.var([0.5, 0.5, 0.5, -0.5], ddof=1) / 4, np.var([0.5, 0.0], ddof=1) / 2
    freedom = (examples + seeds) ** 2 / (examples**2 / 3 + seeds**2 / 1)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(examples + seeds)
    assert result.score_interval == pytest.approx((0.25 - half, 0.25 + half))


def test_same_networks_differ_by_nothing():
    test = classes([-1, 1, 2], [0, 1, 1])
    net = [linear([-1.0, 1.0])]
    result = compare_on_test(net, net, test, np.ones(3), constant_score=0.1)
    assert result.loss_difference == 0
    assert result.loss_interval == (0, 0)


def test_one_example_has_no_interval():
    result = compare_on_test([linear([0.5])], [linear([1.0])], numbers([1.0], [2.0]), np.ones(1), constant_score=0.1)
    assert np.isnan(result.loss_interval).all()
    assert np.isnan(result.score_after)  # R² of one number is no number


def test_constant_predictions():
    train, test = classes([0, 0, 0, 0], [0, 0, 0, 1], 3), classes([0, 0, 0], [0, 1, 2], 3)
    expected = -np.log([3 / 4, 1 / 4, 0.5 / 4])  # the third class has no training row: half a row
    assert constant_test_losses(train, test) == pytest.approx(expected)
    train, test = numbers([0, 0], [1, 3], scale=2.0), numbers([0], [5], scale=2.0)
    assert constant_test_losses(train, test) == pytest.approx([(5 - 2) ** 2 * 4])


def test_scores_of_constant_predictions():
    train, test = classes([0, 0, 0, 0], [1, 1, 1, 0], 3), classes([0, 0, 0, 0], [1, 1, 2, 0], 3)
    assert constant_test_score(train, test) == 0.5
    train, test = numbers([0, 0], [1, 3]), numbers([0, 0], [1, 5])
    assert constant_test_score(train, test) == pytest.approx(1 - (1 + 9) / 2 / 4)  # the mean 2, where 3 is best
    assert np.isnan(constant_test_score(train, numbers([0], [5])))
