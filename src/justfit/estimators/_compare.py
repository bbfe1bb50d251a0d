"""Before against after on the held-out test part, paired by example."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import nn

from justfit.estimators._learn import Data
from justfit.records import TestComparison
from justfit.sweep import losses_of_outputs

Array = NDArray[np.float64]


def compare_on_test(
    before: list[nn.Sequential],
    after: list[nn.Sequential],
    test: Data,
    constant: Array,
    *,
    constant_score: float,
) -> TestComparison:
    """Compare two sets of networks (one per seed) on rows none of them saw.

    Args:
        before: Networks without regularization.
        after: Networks of the chosen cell, same seeds; the first is the delivered one.
        test: Test rows.
        constant: [m] losses of the constant predictor, in the same unit.
        constant_score: Its accuracy or R².

    Returns:
        Losses and scores with 95 % intervals of the paired differences, over examples and seeds.
    """
    old = np.stack([_losses(module, test) for module in before])
    new = np.stack([_losses(module, test) for module in after])
    old_loss, new_loss = old[..., 0].mean(axis=0), new[..., 0].mean(axis=0)
    if test.task == "classification":
        name, column, offset, slope = "accuracy", 1, 0.0, 1.0
    else:  # R² = 1 − MSE / variance is linear in the squared errors
        spread = float(_spread(test))
        name, column, offset, slope = "R²", 0, 1.0, -1.0 / spread if spread > 0 else np.nan
    old_score, new_score = old[..., column].mean(axis=0), new[..., column].mean(axis=0)
    low, high = _interval(slope * (new[..., column] - old[..., column]))
    return TestComparison(
        loss_before=float(old_loss.mean()),
        loss_after=float(new_loss.mean()),
        loss_difference=float((new_loss - old_loss).mean()),
        loss_interval=_interval(new[..., 0] - old[..., 0]),
        score_name=name,
        score_before=offset + slope * float(old_score.mean()),
        score_after=offset + slope * float(new_score.mean()),
        score_interval=(low, high),
        delivered_loss=float(new[0, :, 0].mean()),
        delivered_score=offset + slope * float(new[0, :, column].mean()),
        constant_loss=float(constant.mean()),
        constant_score=constant_score,
        num_seeds=len(after),
        num_examples=len(test.inputs),
        unit=test.unit,
    )


def constant_test_losses(train: Data, test: Data) -> Array:
    """Test losses [m] of the constant predictor of the training rows: class frequencies, or the mean."""
    if test.task == "regression":
        return np.asarray((test.targets - train.targets.mean(dtype=np.float64)) ** 2 * test.loss_scale)
    shares = np.bincount(train.targets, minlength=train.num_outputs) / len(train.targets)
    # a class without a training row gets half a row, so that its loss is finite
    return np.asarray(-np.log(np.maximum(shares, 0.5 / len(train.targets)))[test.targets])


def constant_test_score(train: Data, test: Data) -> float:
    """Test accuracy of always predicting the commonest training class, or R² of the training mean (at most 0)."""
    if test.task == "classification":
        return float((test.targets == np.bincount(train.targets).argmax()).mean())
    errors = (test.targets - train.targets.mean(dtype=np.float64)) ** 2
    spread = float(_spread(test))
    return 1.0 - float(errors.mean()) * test.loss_scale / spread if spread > 0 else float("nan")


def _losses(module: nn.Sequential, test: Data) -> Array:
    """[m, 2]: loss in its own unit, and 1 where the prediction is right."""
    targets = torch.from_numpy(test.targets)
    with torch.no_grad():
        outputs = torch.cat([module(block) for block in torch.split(torch.from_numpy(test.inputs), 65_536)])
    losses = losses_of_outputs(outputs[None], targets, test.task)[0].double() * test.loss_scale
    right = (outputs.argmax(dim=1) == targets).double()
    return np.asarray(torch.stack([losses, right], dim=1).numpy())


def _spread(test: Data) -> Any:
    return test.targets.astype(np.float64).var() * test.loss_scale


def _interval(differences: Array) -> tuple[float, float]:
    r"""95 % interval of the mean of paired differences [S, m] over seeds and examples.

    .. math:: \mathrm{SE}^2 = s_{examples}^2 / m + s_{seeds}^2 / S

    with Satterthwaite's degrees of freedom (Satterthwaite 1946, eq. 17).
    """
    num_seeds, num_examples = differences.shape
    if num_examples < 2:
        return (np.nan, np.nan)  # one example has no standard error
    mean = float(differences.mean())
    parts = [(float(differences.mean(axis=0).var(ddof=1)) / num_examples, num_examples - 1)]
    if num_seeds > 1:
        parts.append((float(differences.mean(axis=1).var(ddof=1)) / num_seeds, num_seeds - 1))
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return (mean, mean)
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    low, high = stats.t.interval(0.95, freedom, loc=mean, scale=variance**0.5)
    return float(low), float(high)
