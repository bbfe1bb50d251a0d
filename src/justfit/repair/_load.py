"""From a name on the command line to the arguments of `cure`."""

from __future__ import annotations

import inspect
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from justfit.checkup import describe_call, find_object, users_trouble
from justfit.errors import ArgumentError
from justfit.repair._cure import cure

REQUIRED = ("build", "train")
OWN = ("budget", "seed", "out", "on_progress")  # what the command line says itself


def load_recipe(name: str, *, seed: int = 0) -> dict[str, Any]:
    """Load what a training consists of.

    Args:
        name: `package.module:name` or `path/to/file.py:name` of a mapping of `cure`'s arguments, or of a function that
            needs no arguments and returns one.
        seed: Of torch, numpy and random before the function is called.

    Returns:
        The arguments, without those that the command line gives.

    Raises:
        ArgumentError: The name leads nowhere, its code fails, or it is no such mapping.
    """
    thing = find_object(name)
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  # the user's code may draw from the global generator
    if callable(thing):
        missing = describe_call(thing)
        if missing:
            raise ArgumentError(
                f"`{name}` must be callable without arguments.",
                found=f"`{missing}`",
                way_out="Write a function that returns the arguments of `justfit.cure`, and name that.",
            )
        with users_trouble(f"`{name}` must return the arguments of `justfit.cure`."):
            thing = thing()
    return _checked(name, thing)


def _checked(name: str, thing: Any) -> dict[str, Any]:
    if not isinstance(thing, Mapping):
        raise ArgumentError(
            f"`{name}` must be or return a mapping of the arguments of `justfit.cure`.",
            found=f"a {type(thing).__name__}",
            way_out="Return `dict(build=Net, train=(inputs, targets), learning_rate=1e-3, epochs=30)`.",
        )
    known = [parameter for parameter in inspect.signature(cure).parameters if parameter not in OWN]
    wrong = [key for key in thing if key not in (*known, *OWN)]
    absent = [key for key in REQUIRED if key not in thing]
    if wrong or absent:
        found = f"no `{absent[0]}`" if absent else f"`{wrong[0]}`"
        raise ArgumentError(
            f"`{name}` must hold the arguments of `justfit.cure`, `build` and `train` among them.",
            found=found,
            way_out=f"They are {', '.join(known)}.",
        )
    return dict(thing)
