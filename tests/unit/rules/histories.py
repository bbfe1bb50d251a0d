"""Histories of each kind, with known truth. All losses start near 2.35 nats unless said."""

import math

import numpy as np

from justfit.records import History

NUM_EPOCHS = 100
EPOCHS = np.arange(1, NUM_EPOCHS + 1)
TRAIN = 2.3 * np.exp(-EPOCHS / 15) + 0.05
PLATEAU = 2.3 * np.exp(-EPOCHS / 15) + 0.15
RISING = 2.3 * np.exp(-EPOCHS / 15) + 0.30 + 0.006 * np.maximum(0, EPOCHS - 35)
TURN = 48  # the epoch of the lowest RISING
FALLING = 2.5 - 0.012 * EPOCHS


def noisy(losses, noise, seed=0):
    return losses + noise * np.random.default_rng(seed).standard_normal(len(losses))


def history(train, validation, **more):
    number = max(len(series) for series in (train, validation) if series is not None)
    series = [[math.nan] * number if one is None else one for one in (train, validation)]
    return History(
        epochs=tuple(range(1, number + 1)),
        train_loss=tuple(map(float, series[0])),
        validation_loss=tuple(map(float, series[1])),
        **more,
    )


def double_descent():
    """Up from epoch 25 on, and down again from epoch 60 on, to below where it was; it ends while it falls."""
    up = 2.3 * np.exp(-EPOCHS / 15) + 0.3 + 0.03 * np.maximum(0, EPOCHS - 25)
    return np.where(EPOCHS < 60, up, up[58] * np.exp(-(EPOCHS - 59) / 45.0))


def restarts():
    """Five warm restarts; each cycle ends below the last."""
    return np.concatenate([1.5 / (cycle + 1) * np.exp(-np.arange(20) / 5) + 0.1 for cycle in range(5)])
