"""What a network shows before anything is trained: that it runs, whether dropout reaches it, how large it is."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from justfit.errors import ArgumentError
from justfit.sweep._dropout_mode import DropoutMode
from justfit.sweep._failure import named_failure
from justfit.sweep._loop import (
    batch_size_of,
    built_module,
    call_arguments,
    default_generator_kept,
    moved,
    named_seed,
    take,
)
from justfit.sweep._loss_check import check_class_codes
from justfit.sweep._training import Setting, SweepVariant, Training

# Adam keeps two numbers for each parameter, and a step makes a gradient.
NUMBERS_PER_PARAMETER = 4


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What was seen.

    Attributes:
        name: Class of the network.
        has_dropout: Whether p of the network's dropout sites can be set.
        num_parameters: That are trained.
        variant_bytes: Parameters, buffers, gradients and optimizer state of one network.
    """

    name: str
    has_dropout: bool
    num_parameters: int
    variant_bytes: int


def first_look(training: Training, seed: int) -> FirstLook:
    """Build a network once, and run one batch through it and the loss.

    Args:
        training: What will be swept.
        seed: Of the network.

    Raises:
        ArgumentError: `build` gives no module, or the same one again, the module has nothing to train, or the loss is
            not one number.
        VariantError: The code of `build`, of the network or of the loss failed.
    """
    variant = SweepVariant(setting=Setting(), seed=seed)
    with default_generator_kept(), named_failure([variant]):
        torch.manual_seed(named_seed(seed, "build"))
        made = training.build()
        if not isinstance(made, nn.Module):
            raise ArgumentError(
                "`build()` must return a torch.nn.Module.",
                found=f"an object of type {type(made).__name__}",
                way_out="Give a function without arguments that makes a new network, such as `lambda: Net(64)`.",
            )
        parameters = [p for p in made.parameters() if p.requires_grad]
        if not parameters:
            raise ArgumentError(
                "The network must have parameters to train.",
                found=f"`{type(made).__name__}` without any that requires a gradient",
                way_out="Check `requires_grad` of its layers.",
            )
        module = built_module(training, variant)
        if module is made:
            raise ArgumentError(
                "`build()` must make a new network at each call.",
                found="the same object twice",
                way_out="Build it inside the function: `lambda: Net(64)`.",
            )
        has_dropout = _looks_at_batch(training, module, seed)
        tensors: list[Tensor] = [*parameters] * NUMBERS_PER_PARAMETER + list(made.buffers())
    num_bytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    return FirstLook(type(made).__name__, has_dropout, sum(p.numel() for p in parameters), num_bytes)


def _looks_at_batch(training: Training, module: nn.Module, seed: int) -> bool:
    """Run a batch through network and loss; return whether the outputs depend on p."""
    rows = torch.arange(len(training.examples.fold_of_rows))[: batch_size_of(training)]
    positional, keywords = call_arguments(moved(take(training.examples.inputs, rows), training.device))
    outputs = []
    module.train()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what matters is checked by itself
        for p in (0.0, 0.5):
            torch.manual_seed(named_seed(seed, "look"))
            with DropoutMode(p):
                outputs.append(module(*positional, **keywords))
        check_class_codes(training, outputs[0])
        targets = moved(take(training.examples.targets, rows), training.device)
        loss = training.loss_fn(outputs[0], targets)
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        raise ArgumentError(
            "`loss_fn(outputs, targets)` must return one number, the mean over a batch.",
            found=f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"{type(loss).__name__}",
            way_out="Average over the batch, as `reduction='mean'` does.",
        )
    return not _are_equal(*outputs)


def _are_equal(first: Any, second: Any) -> bool:
    if isinstance(first, Tensor):
        return torch.equal(first.nan_to_num(), second.nan_to_num())
    if isinstance(first, dict):
        return all(_are_equal(value, second[key]) for key, value in first.items())
    if isinstance(first, list | tuple):
        return all(_are_equal(a, b) for a, b in zip(first, second, strict=True))
    return True
