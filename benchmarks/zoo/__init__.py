"""Healthy networks of every common family, each shown to train, and faults planted in some of them."""

from zoo import attention, convolutional, fresh, generative, library, perceptrons, recurrent, structured
from zoo._case import LEARNED, Batch, Case, Fault, best_training, built, learned_ratio, train
from zoo.faults import faults as old_faults
from zoo.fresh_faults import faults as fresh_faults

__all__ = [
    "LEARNED",
    "Batch",
    "Case",
    "Fault",
    "best_training",
    "built",
    "faults",
    "healthy_cases",
    "learned_ratio",
    "train",
]


def healthy_cases():
    """All healthy networks whose libraries are installed."""
    families = (perceptrons, convolutional, generative, recurrent, attention, structured)
    return tuple(case for family in families for case in family.CASES) + library.cases() + fresh.cases()


def faults():
    """Every fault, harmful or not; the benchmark measures which are."""
    return old_faults() + fresh_faults()
