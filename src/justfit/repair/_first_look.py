"""What a recipe must be before anything is trained: a network with parameters, a mean loss, class codes from 0."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from justfit.errors import ArgumentError
from justfit.repair._case import Case, outputs_on
from justfit.repair._pairing import default_loss
from justfit.repair._yardstick import prediction_of
from justfit.sweep import check_code_range, default_generator_kept, takes_class_codes

# Of a loss of twice the rows against twice the loss of the rows: rounding of a float32 sum.
SUM_TOLERANCE = 1e-4


def check_recipe(case: Case, module: nn.Module) -> None:
    """Refuse what no counterfactual run could mend; a loss that raises is left to the repair.

    Args:
        case: The user's recipe.
        module: A network as built.

    Raises:
        ArgumentError: Class codes lie outside 0 … C − 1 or are no whole numbers, or the loss is no mean.
    """
    inputs, targets = case.batch
    try:
        with default_generator_kept():
            outputs = outputs_on(module, inputs)
    except Exception:  # named later, with its text
        return
    found = prediction_of(outputs)
    if found is None or not isinstance(targets, Tensor):
        return
    if takes_class_codes(case.training.loss_fn) or case.training.loss_fn is default_loss:
        _check_codes(case, found)
    _check_mean(case, outputs, targets)


def _check_codes(case: Case, found: Tensor) -> None:
    targets: Tensor = case.examples.targets
    per_example = found.numel() // len(found)
    entries = targets[0].numel()
    num_classes = per_example // entries if entries else 0
    if num_classes < 2 or num_classes * entries != per_example:
        return  # one output for each target: numbers, or a yes or no
    if targets.is_floating_point():
        if bool((targets == targets.round()).all()) and bool((targets >= 0).all()):
            raise ArgumentError(
                "Classes must be whole-number codes.",
                found=f"{targets.dtype} targets of shape {tuple(targets.shape)} for {num_classes} outputs",
                way_out="Give `targets.long()`.",
            )
        return
    check_code_range(targets, num_classes, case.training.loss_fn)


def _check_mean(case: Case, outputs: Any, targets: Tensor) -> None:
    """Take the loss of each row twice: a mean stays what it is, a sum doubles."""
    if not isinstance(outputs, Tensor):
        return
    loss_fn = case.training.loss_fn
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            once = loss_fn(outputs, targets)
            twice = loss_fn(torch.cat((outputs, outputs)), torch.cat((targets, targets)))
    except Exception:  # a loss that raises is itself what is repaired
        return
    if isinstance(once, Tensor) and once.numel() != 1:
        raise _refused(f"shape {tuple(once.shape)}")
    one, two = float(once), float(twice)
    if abs(two - 2 * one) <= SUM_TOLERANCE * abs(one) < abs(two - one):
        raise _refused(f"a sum: {one:.4g} for {len(targets)} examples, {two:.4g} with each of them twice")


def _refused(found: str) -> ArgumentError:
    return ArgumentError(
        "`loss_fn(outputs, targets)` must be the mean of the losses of single examples.",
        found=found,
        way_out="Divide a sum by the number of examples, as `reduction='mean'` does.",
    )
