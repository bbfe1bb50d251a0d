"""Planted losses: networks that overfit, underfit, fit, or cannot be judged, with everything paired by example."""

import dataclasses

import numpy as np

from justfit.rules import FitEvidence


def evidence(*, train=0.3, validation=0.3, best=0.3, constant=1.0, reference=None, num_examples=400, seed=0, **fields):
    """Losses whose true means are the arguments; what rows share (their difficulty) is shared by all networks."""
    generator = np.random.default_rng(seed)
    difficulty = generator.normal(size=num_examples) * 0.2

    def losses(mean, own=0.1):
        return mean + difficulty + own * generator.normal(size=num_examples)

    settings = {
        "train_losses": train + 0.2 * generator.normal(size=num_examples),
        "validation_losses": losses(validation),
        "best_losses": None if best is None else losses(best),
        "constant_losses": losses(constant),
        "reference_losses": None if reference is None else reference + 0.2 * generator.normal(size=num_examples // 2),
        "num_parameters": 100,
        "num_examples": num_examples,
        "unit": "nats",
    }
    return FitEvidence(**{**settings, **fields})


HEALTHY = {"train": 0.28, "validation": 0.3, "best": 0.3}
OVERFITTING = {"train": 0.01, "validation": 0.7, "best": 0.4}
UNDERFITTING = {"train": 0.8, "validation": 0.8, "best": 0.4}
NO_SIGNAL = {"train": 0.9, "validation": 1.2, "best": 1.01, "constant": 1.0}


def scaled(patient, factor):
    """The same losses in another unit."""
    names = ("train_losses", "validation_losses", "best_losses", "constant_losses", "reference_losses")
    changes = {name: factor * getattr(patient, name) for name in names if getattr(patient, name) is not None}
    return dataclasses.replace(patient, **changes)
