"""Planted faults, their healthy twins, and how they are trained."""

from ._data import load, task_of
from ._faults import FAULTS, HEALTHY, Fault, part_of
from ._networks import build
from ._recipe import Recipe
from ._train import LOSSES, STANDARD_LOSS, cure_arguments, points, train

__all__ = [
    "FAULTS",
    "HEALTHY",
    "LOSSES",
    "STANDARD_LOSS",
    "Fault",
    "Recipe",
    "build",
    "cure_arguments",
    "load",
    "part_of",
    "points",
    "task_of",
    "train",
]
