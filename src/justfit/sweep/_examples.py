"""Whatever a user's examples are held in, as `Examples` with their folds."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from justfit.errors import ArgumentError, DataError
from justfit.sweep._folds import assign_folds
from justfit.sweep._problem import NEVER_HELD_OUT, Task
from justfit.sweep._sources import joined_trees, read_source
from justfit.sweep._training import Examples


def as_examples(
    train: Any, validation: Any = None, *, folds: int = 5, seed: int = 0, task: Task | None = None
) -> Examples:
    """Read training data, and validation data if there are any, into memory.

    Whole-number targets become int64 class codes, one column [n, 1] of them [n]; float64 arrays and frames become
    torch's default dtype, tensors keep theirs.

    Args:
        train: A pair (inputs, targets) of tensors, arrays or data frames, where inputs may be a tuple or a dict of
            them; a Dataset; or a DataLoader, whose dataset is read with its `collate_fn`.
        validation: The same, judged on by all variants (it becomes fold 0); None deals `train` into folds.
        folds: How many, at least 2; ignored where `validation` is given.
        seed: Decides the deal.
        task: "classification" gives each fold its share of each class. None: so for codes, and for zeros and ones.

    Returns:
        All rows; those of `train` first.

    Raises:
        ArgumentError: An argument is of a kind that cannot be read.
        DataError: What was read cannot be trained on: empty, of different lengths, not finite, or not to be divided.

    Example:
        >>> import numpy as np
        >>> examples = as_examples((np.zeros((6, 2)), np.array([0, 0, 0, 1, 1, 1])), folds=3)
        >>> examples.inputs.dtype, sorted(examples.fold_of_rows.tolist())
        (torch.float32, [0, 0, 1, 1, 2, 2])
    """
    inputs, targets = _checked(*read_source(train, "train"), "train")
    number = _rows(targets)
    if validation is None:
        return Examples(inputs, targets, _dealt(targets, number, folds, seed, task))
    held_inputs, held_targets = _checked(*read_source(validation, "validation"), "validation")
    fold_of_rows = torch.full((number + _rows(held_targets),), NEVER_HELD_OUT)
    fold_of_rows[number:] = 0
    return Examples(
        joined_trees([inputs, held_inputs], "train` and `validation"),
        joined_trees([targets, held_targets], "train` and `validation"),
        fold_of_rows,
    )


def _checked(inputs: Any, targets: Any, name: str) -> tuple[Any, Any]:
    leaves = {"inputs": _named_leaves(inputs), "targets": _named_leaves(targets)}
    lengths = {
        f"{part}{where}": len(leaf) if leaf.dim() else 0
        for part, some in leaves.items()
        for where, leaf in some.items()
    }
    if len(set(lengths.values())) > 1:
        raise DataError(
            f"Inputs and targets of `{name}` must have one row for each example.",
            found=", ".join(f"{length} {part}" for part, length in lengths.items()),
            way_out="Let their first dimensions be equal.",
        )
    if not lengths or not next(iter(lengths.values())):
        raise DataError(f"`{name}` must hold examples.", found="none", way_out="Check its length.")
    for part, some in leaves.items():
        for where, leaf in some.items():
            _check_finite(leaf, f"{part}{where}", name)
    return inputs, targets


def _check_finite(leaf: Tensor, part: str, name: str) -> None:
    if not leaf.is_floating_point():
        return
    bad = ~leaf.isfinite().flatten(1).all(1) if leaf.dim() > 1 else ~leaf.isfinite()
    if bool(bad.any()):
        raise DataError(
            f"The {part} of `{name}` must be finite.",
            found=f"NaN or infinity in {int(bad.sum())} of {len(bad)} rows, first in row {int(bad.nonzero()[0])}",
            way_out="Fill them in or leave these rows out.",
        )


def _named_leaves(tree: Any, where: str = "") -> dict[str, Tensor]:
    if isinstance(tree, Tensor):
        return {where: tree}
    parts = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return {k: leaf for key, part in parts for k, leaf in _named_leaves(part, f"{where}[{key!r}]").items()}


def _rows(tree: Any) -> int:
    return len(next(iter(_named_leaves(tree).values())))


def _dealt(targets: Any, number: int, folds: int, seed: int, task: Task | None) -> Tensor:
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise ArgumentError(
            "`folds` must be a whole number, at least 2.",
            found=f"`folds={folds!r}`",
            way_out="Give `validation` to judge on a set of your own.",
        )
    if folds > number:
        raise DataError(
            "There must be at least one example in each fold.",
            found=f"{number} examples for {folds} folds",
            way_out="Ask for fewer `folds`.",
        )
    codes = _class_codes(targets, task)
    if codes is None:
        return assign_folds(torch.zeros(number), "regression", folds, seed)
    classes, codes, counts = torch.unique(codes, return_inverse=True, return_counts=True)
    if int(counts.min()) < 2:
        rare = classes[counts.argmin()].item()
        raise DataError(
            "Each class must have at least two examples, so that no fold trains without it.",
            found=f"one example of class {rare:g}",
            way_out="Leave that class out, or give `validation`.",
        )
    return assign_folds(codes, "classification", folds, seed)


def _class_codes(targets: Any, task: Task | None) -> Tensor | None:
    """[n] class of each example; None where targets are no classes."""
    if task == "regression" or not isinstance(targets, Tensor) or targets.numel() != len(targets):
        return None
    flat = targets.flatten()
    if task == "classification" or not flat.is_floating_point() or bool(((flat == 0) | (flat == 1)).all()):
        return flat
    return None
