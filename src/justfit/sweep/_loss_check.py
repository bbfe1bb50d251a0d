"""Whether a loss is the mean over the examples of a batch: what every choice between settings rests on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from justfit.errors import ArgumentError
from justfit.sweep._failure import first_line
from justfit.sweep._loop import batch_size_of, call_arguments, moved, take
from justfit.sweep._losses import IGNORED_CLASS, example_losses
from justfit.sweep._training import LossFunction, Training

# Rounding of a float32 mean over a batch, and of a loss that sums in another order.
MEAN_TOLERANCE = 1e-4
_OF_CLASSES = (functional.cross_entropy, functional.nll_loss)
# Enough examples to show whether a loss is a mean; single calls are slow.
CHECKED_EXAMPLES = 16


def check_mean(training: Training, module: nn.Module) -> None:
    """Hold the loss of a batch against the mean of its examples' losses.

    Args:
        training: Whose loss and examples.
        module: The network, as built; left in eval mode.

    Raises:
        ArgumentError: They differ, or the loss cannot be taken of one example.
    """
    rows = torch.arange(min(CHECKED_EXAMPLES, batch_size_of(training)))
    positional, keywords = call_arguments(moved(take(training.examples.inputs, rows), training.device))
    targets = moved(take(training.examples.targets, rows), training.device)
    with torch.no_grad():
        outputs = module.eval()(*positional, **keywords)
        _check_shapes(outputs, targets)
        whole = float(training.loss_fn(outputs, targets))
        try:
            each = float(example_losses(training.loss_fn, outputs, targets, len(rows)).mean())
        except Exception as error:  # whatever a user's function may raise
            raise _refused(f"one that cannot be taken of a single example ({first_line(error)})") from error
    if abs(whole - each) <= MEAN_TOLERANCE * max(abs(whole), abs(each)) or whole != whole:
        return
    total = abs(whole - each * len(rows)) <= MEAN_TOLERANCE * abs(whole)
    raise _refused(
        f"{whole:.4g} for {len(rows)} examples whose own losses "
        + (f"sum to that ({each:.4g} on average)" if total else f"are {each:.4g} on average")
    )


def check_class_codes(training: Training, outputs: Any) -> None:
    """Hold class codes against the classes that the outputs have, where the loss is torch's for classes.

    Args:
        training: Whose loss and targets.
        outputs: [B, C, …] of one batch.

    Raises:
        ArgumentError: A code lies outside 0 … C − 1, or codes are not whole numbers.
    """
    loss_fn, targets = training.loss_fn, training.examples.targets
    if (
        not (takes_class_codes(loss_fn) and isinstance(targets, Tensor) and isinstance(outputs, Tensor))
        or outputs.dim() < 2
    ):
        return
    if targets.is_floating_point():
        if targets.shape == outputs.shape[:1] or targets.shape[1:] == outputs.shape[2:]:
            raise ArgumentError(
                "Classes must be whole-number codes.",
                found=f"{targets.dtype} targets of shape {tuple(targets.shape)}",
                way_out="Give `targets.long()`.",
            )
        return
    check_code_range(targets, outputs.shape[1], loss_fn)


def takes_class_codes(loss_fn: LossFunction) -> bool:
    """Say whether the loss is torch's own of whole-number classes."""
    return isinstance(loss_fn, nn.CrossEntropyLoss | nn.NLLLoss) or loss_fn in _OF_CLASSES


def check_code_range(targets: Tensor, num_classes: int, loss_fn: LossFunction) -> None:
    """Refuse class codes outside 0 … C − 1, those aside that the loss ignores.

    Args:
        targets: Whole numbers of any shape.
        num_classes: C.
        loss_fn: Whose `ignore_index` counts.

    Raises:
        ArgumentError: A code lies outside.
    """
    codes = targets[targets != getattr(loss_fn, "ignore_index", IGNORED_CLASS)]
    if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < num_classes:
        raise ArgumentError(
            f"Class codes of {num_classes} outputs must run from 0 to {num_classes - 1}.",
            found=f"codes from {int(codes.min())} to {int(codes.max())}",
            way_out="Subtract the smallest code, or give the network one output for each class.",
        )


def _check_shapes(outputs: Any, targets: Any) -> None:
    """Refuse [B, 1] against [B] of numbers: broadcast, each output would meet all targets."""
    if not (isinstance(outputs, Tensor) and isinstance(targets, Tensor) and targets.is_floating_point()):
        return
    if {outputs.shape, targets.shape} == {(len(targets),), (len(targets), 1)}:
        raise ArgumentError(
            "Outputs and targets must have one shape.",
            found=f"outputs {tuple(outputs.shape)} and targets {tuple(targets.shape)}, which are broadcast",
            way_out="Give the targets the outputs' shape: `targets[:, None]` (arrays and tensors) or `targets[:, 0]`.",
        )


def _refused(found: str) -> ArgumentError:
    return ArgumentError(
        "`loss_fn(outputs, targets)` must be the mean of the losses of single examples.",
        found=found,
        way_out="Divide a sum by the number of examples; one that compares examples cannot be swept.",
    )
