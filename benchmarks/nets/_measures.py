"""How well a score tells networks that train from networks that do not."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.stats import rankdata

NUM_RESAMPLES = 2_000


def auc(scores, trainable):
    """Chance that a trainable network scores higher than another one, ties count half; NaN with one kind only."""
    scores, trainable = np.asarray(scores, float), np.asarray(trainable, bool)
    positive, negative = int(trainable.sum()), int((~trainable).sum())
    if positive == 0 or negative == 0:
        return float("nan")
    return float((rankdata(scores)[trainable].sum() - positive * (positive + 1) / 2) / (positive * negative))


def auc_interval(scores, trainable):
    """95 % bootstrap interval over networks, positives and negatives resampled apart."""
    scores, trainable = np.asarray(scores, float), np.asarray(trainable, bool)
    rng, groups = np.random.default_rng(0), (np.flatnonzero(trainable), np.flatnonzero(~trainable))
    if min(map(len, groups)) == 0:
        return float("nan"), float("nan")
    draws = (np.concatenate([rng.choice(group, len(group)) for group in groups]) for _ in range(NUM_RESAMPLES))
    low, high = np.quantile([auc(scores[draw], trainable[draw]) for draw in draws], [0.025, 0.975])
    return float(low), float(high)


def accuracy(scores, trainable, threshold):
    return float(((np.asarray(scores, float) >= threshold) == np.asarray(trainable, bool)).mean())


def best_threshold(scores, trainable):
    """Of all cuts halfway between two neighbouring scores, the one with the highest accuracy."""
    levels = np.unique(np.asarray(scores, float))
    cuts = np.concatenate([levels[:1] - 1, (levels[1:] + levels[:-1]) / 2, levels[-1:] + 1])
    return float(cuts[np.argmax([accuracy(scores, trainable, cut) for cut in cuts])])


def calibration(probabilities, trainable, edges):
    """Per bin of the stated probability: networks, mean probability, share that trained."""
    probabilities, trainable = np.asarray(probabilities, float), np.asarray(trainable, bool)
    rows = []
    for low, high in itertools.pairwise(edges):
        inside = (probabilities >= low) & ((probabilities < high) | (high == edges[-1]))
        if inside.any():
            rows.append((low, high, int(inside.sum()), probabilities[inside].mean(), trainable[inside].mean()))
    return rows
