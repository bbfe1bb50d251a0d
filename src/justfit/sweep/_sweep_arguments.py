"""The arguments of `justfit.sweep`, checked before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, get_args

import torch
from torch import Tensor, nn

from justfit.errors import ArgumentError
from justfit.sweep._failure import first_line
from justfit.sweep._training import LearningRateSchedule, Tier, named_optimizers


def check_callables(build: Any, loss_fn: Any, optimizer: Any) -> None:
    """Refuse what cannot be called.

    Raises:
        ArgumentError: `build` or `loss_fn` is no function, or `optimizer` is neither a known name nor a function.
    """
    if not callable(build) or isinstance(build, nn.Module):
        raise ArgumentError(
            "`build` must be a function without arguments that makes a new network.",
            found=f"an object of type {type(build).__name__}",
            way_out="Give a class or a function, such as `lambda: Net(64)`; an existing network cannot be built anew.",
        )
    if loss_fn is not None and not callable(loss_fn):
        raise ArgumentError(
            "`loss_fn` must be a function of outputs and targets.",
            found=f"`loss_fn={loss_fn!r}`",
            way_out="Give for example `torch.nn.CrossEntropyLoss()`.",
        )
    known = named_optimizers()
    if not callable(optimizer) and optimizer not in known:
        raise ArgumentError(
            f"`optimizer` must be one of {', '.join(known)}, or a function of parameters that returns an optimizer.",
            found=f"`optimizer={optimizer!r}`",
            way_out="Give `lambda parameters: torch.optim.NAdam(parameters, lr=1e-3)` for any other.",
        )


def check_sizes(*, epochs: int, batch_size: int, folds: int, has_validation: bool) -> None:
    """Refuse sizes with which nothing can be trained or compared.

    Raises:
        ArgumentError: `epochs` or `batch_size` is below 1, or `folds` below 2 where they are needed.
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if not _is_whole(value) or value < 1:
            raise ArgumentError(
                f"`{name}` must be a whole number of at least 1.",
                found=f"`{name}={value!r}`",
                way_out="Leave it out for the default.",
            )
    if not has_validation and (not _is_whole(folds) or folds < 2):
        raise ArgumentError(
            "`folds` must be a whole number of at least 2.",
            found=f"`folds={folds!r}`",
            way_out="Give `validation=` to judge on one set of your own.",
        )


def check_words(*, schedule: str, tier: str | None) -> None:
    """Refuse an unknown schedule or tier.

    Raises:
        ArgumentError: Any of them lies outside its contract.
    """
    if schedule not in get_args(LearningRateSchedule):
        raise ArgumentError(
            "`schedule` must be constant or cosine.",
            found=f"`schedule={schedule!r}`",
            way_out="Leave it out for a constant learning rate.",
        )
    if tier is not None and tier not in get_args(Tier):
        raise ArgumentError(
            f"`tier` must be one of {', '.join(get_args(Tier))}, or None to have it chosen.",
            found=f"`tier={tier!r}`",
            way_out="Leave it out: a short probe takes the fastest one whose gradients are right.",
        )


def check_limits(*, budget_seconds: float | None, seed: int, device: str) -> None:
    """Refuse a budget that is none, a seed that cannot be counted from, and a device that is not there.

    Raises:
        ArgumentError: Any of them lies outside its contract.
    """
    if budget_seconds is not None and not (
        isinstance(budget_seconds, int | float) and budget_seconds > 0 and math.isfinite(budget_seconds)
    ):
        raise ArgumentError(
            "`budget_seconds` must be positive and finite.",
            found=f"`budget_seconds={budget_seconds!r}`",
            way_out="Leave it out to train the whole schedule.",
        )
    if not _is_whole(seed) or seed < 0:
        raise ArgumentError(
            "`seed` must be a whole number from 0.", found=f"`seed={seed!r}`", way_out="Leave it out for 0."
        )
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:  # what torch says of a device it has not
        raise ArgumentError(
            "`device` must be one that torch can use here.",
            found=f"`device={device!r}`: {first_line(error)}",
            way_out='Leave it out for the CPU; `torch.cuda.is_available()` tells whether there is a "cuda".',
        ) from error


def read_seeds(seeds: int | Sequence[int], first: int) -> tuple[int, ...]:
    """Read the argument `seeds`: how many, counted from the first, or which.

    Raises:
        ArgumentError: It is neither, or empty, or names a seed twice.
    """
    if _is_whole(seeds) and not isinstance(seeds, Sequence) and seeds >= 1:
        return tuple(range(first, first + int(seeds)))
    if isinstance(seeds, Sequence) and not isinstance(seeds, str) and seeds and all(_is_whole(s) for s in seeds):
        chosen = tuple(sorted({int(seed) for seed in seeds}))
        if len(chosen) == len(seeds) and chosen[0] >= 0:
            return chosen
    raise ArgumentError(
        "`seeds` must be a number of seeds, at least 1, or a sequence of different whole numbers from 0.",
        found=f"`seeds={seeds!r}`",
        way_out="Give for example `seeds=2` or `seeds=[0, 1]`.",
    )


def _is_whole(value: Any) -> bool:
    return not isinstance(value, bool) and (isinstance(value, int) or type(value).__name__.startswith(("int", "uint")))


def default_loss(targets: Any) -> nn.Module:
    """Cross entropy for whole-number targets, mean squared error for others.

    Raises:
        ArgumentError: The targets are not one tensor, so that no loss can be assumed.
    """
    if not isinstance(targets, Tensor):
        raise ArgumentError(
            "`loss_fn` must be given where targets are not one tensor.",
            found=f"targets of type {type(targets).__name__}",
            way_out="Give a function of outputs and targets that returns the mean over the batch.",
        )
    return nn.MSELoss() if targets.is_floating_point() else nn.CrossEntropyLoss()
