"""The loss of each example, from a loss function that gives their mean.

torch's own losses are asked for it (`reduction="none"`, on a copy). A class-weighted cross entropy, or one that leaves
a class out, is a *weighted* mean: there each example's loss is scaled by rows over their summed weight, so that the
plain mean of what is returned is what the loss function gives. Any other loss is called with one example at a time;
`check_mean` refuses a loss that is not the mean of those.

Notation: B examples.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap
from torch.nn import functional
from torch.utils._pytree import tree_map

from justfit.sweep._training import LossFunction

_WEIGHTED = (functional.cross_entropy, functional.nll_loss)
# torch's default: a target of this class adds nothing to the loss.
IGNORED_CLASS = -100


def example_losses(loss_fn: LossFunction, outputs: Any, targets: Any, num_examples: int) -> Tensor:
    """Compute one loss per example, whose mean is the loss of the batch.

    Args:
        loss_fn: A mean over examples.
        outputs: Of the network, batch first.
        targets: What they are held against.
        num_examples: B.

    Returns:
        [B].

    Example:
        >>> outputs, targets = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
        >>> weighted = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]))
        >>> losses = example_losses(weighted, outputs, targets, 2)
        >>> bool((losses.mean() - weighted(outputs, targets)).abs() < 1e-6)
        True
    """
    separate = _without_reduction(loss_fn)
    if separate is None:
        return _one_by_one(loss_fn, outputs, targets, num_examples)
    elements = separate(outputs, targets)
    return elements.reshape(num_examples, -1).sum(1) * (num_examples / _divisor(loss_fn, targets, elements))


def _without_reduction(loss_fn: LossFunction) -> Callable[[Any, Any], Tensor] | None:
    """One of torch's losses, made to give a number per element; None for any other function."""
    if isinstance(loss_fn, nn.Module):
        own = type(loss_fn).forward.__module__ == nn.modules.loss.__name__
        if not own or getattr(loss_fn, "reduction", "") not in ("mean", "batchmean"):
            return None
        separate = copy.copy(loss_fn)  # a shallow one: the user's loss is never changed
        separate.reduction = "none"  # type: ignore[assignment]  # a str, whatever nn.Module says
        return separate
    bare, keywords = _unwrapped(loss_fn)
    if getattr(bare, "__module__", "") != functional.__name__ or keywords.get("reduction", "mean") == "sum":
        return None
    try:
        if "reduction" not in inspect.signature(bare).parameters:
            return None
    except ValueError:  # a builtin without a signature
        return None
    return functools.partial(bare, **{**keywords, "reduction": "none"})


def _unwrapped(loss_fn: LossFunction) -> tuple[Callable[..., Any], dict[str, Any]]:
    return (loss_fn.func, loss_fn.keywords) if isinstance(loss_fn, functools.partial) else (loss_fn, {})


def _divisor(loss_fn: LossFunction, targets: Any, elements: Tensor) -> Tensor | int:
    """What the sum over all elements is divided by to give the mean."""
    if isinstance(loss_fn, nn.Module):
        options, weighted = vars(loss_fn) | loss_fn._buffers, isinstance(loss_fn, nn.CrossEntropyLoss | nn.NLLLoss)
    else:
        bare, options = _unwrapped(loss_fn)
        weighted = bare in _WEIGHTED
    if options.get("reduction") == "batchmean":
        return len(elements)
    if not weighted or targets.is_floating_point():
        return elements.numel()
    counted = targets != options.get("ignore_index", IGNORED_CLASS)
    weight = options.get("weight")
    total: Tensor = counted.sum() if weight is None else (weight[torch.where(counted, targets, 0)] * counted).sum()
    return total


def _one_by_one(loss_fn: LossFunction, outputs: Any, targets: Any, num_examples: int) -> Tensor:
    """Call the loss with one example at a time; all at once under vmap where it can be."""

    def one(outputs: Any, targets: Any) -> Tensor:
        return loss_fn(*tree_map(lambda part: part.unsqueeze(0), (outputs, targets))).reshape(())

    try:
        return vmap(one, randomness="same")(outputs, targets)
    except Exception:
        rows = [tree_map(lambda part, row=row: part[row], (outputs, targets)) for row in range(num_examples)]
        return torch.stack([one(*row).detach() for row in rows])
