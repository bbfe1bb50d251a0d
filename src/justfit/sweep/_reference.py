"""A strong learner of another kind, as the named reference for underfitting."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from justfit.sweep._problem import Problem
from justfit.sweep._streams import named_generator

REFERENCE_NAME = "gradient boosting"
MAX_TRAIN_ROWS = 20_000
# Trees × columns × classes beyond which the reference would take longer than the sweep deserves; it is then left out.
# 3e8 are 6 seconds on one core (cnae_9: 691 rows, 789 columns, 9 classes).
MAX_WORK = 5e8
NUM_ROUNDS = 60


def boosting_losses(problem: Problem, seed: int) -> NDArray[np.float64] | None:
    """Train gradient boosting on the training rows of fold 0; return its losses on that fold's held-out rows.

    Args:
        problem: Data and folds.
        seed: Seed of the learner.

    Returns:
        [m] losses, nats or squared error; None where the table is too small or too large for it to say anything.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types; comes with scikit-learn

    train, held_out = problem.training_rows(0), problem.validation_rows(0)
    if len(train) > MAX_TRAIN_ROWS:  # a random part: tables often come sorted
        order = torch.randperm(len(train), generator=named_generator(seed, "reference rows"))
        train = train[order[:MAX_TRAIN_ROWS]]
    targets, inputs = problem.targets.numpy(), problem.inputs.numpy()
    work = NUM_ROUNDS * len(train) * inputs.shape[1] * problem.num_outputs
    enough = len(train) >= 60 and len(held_out) >= 20
    if not enough or work > MAX_WORK:
        return None
    stopping = True
    if problem.task == "classification":
        counts = np.bincount(targets[train], minlength=problem.num_outputs)
        if counts.min() == 0:
            return None
        # early stopping holds out a tenth with rows of every class: scikit-learn refuses where that cannot be
        stopping = counts.min() >= 2 and len(train) // 10 >= problem.num_outputs
    weights = None if problem.weights is None else problem.weights.numpy()
    kind = HistGradientBoostingClassifier if problem.task == "classification" else HistGradientBoostingRegressor
    learner = kind(max_iter=NUM_ROUNDS, learning_rate=0.15, early_stopping=stopping, random_state=seed)
    # One thread: OpenMP's threads wait for each other by spinning, after every node of every tree, which on a machine
    # that is busy with anything else took ten times as long; and sums do not depend on the number of cores so.
    with threadpool_limits(1, user_api="openmp"):
        learner.fit(inputs[train], targets[train], sample_weight=None if weights is None else weights[train])
    if problem.task == "regression":
        losses = (learner.predict(inputs[held_out]) - targets[held_out]) ** 2
    else:
        chances = learner.predict_proba(inputs[held_out])[np.arange(len(held_out)), targets[held_out]]
        losses = -np.log(np.maximum(chances, 1e-15))
    scaled = np.asarray(losses, dtype=np.float64) * problem.loss_scale
    return scaled if weights is None else scaled * weights[held_out] / weights[held_out].mean()
