"""The loss of the best constant prediction, for the losses of which it is known."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from justfit.sweep._losses import IGNORED_CLASS
from justfit.sweep._training import LossFunction


def constant_loss(loss_fn: LossFunction, targets: Any) -> float | None:
    r"""Compute the mean loss of the best prediction that looks at no input.

    .. math:: -\sum_k p_k \ln p_k \ \text{(cross entropy)}, \qquad \operatorname{Var}(t) \ \text{(squared error)},
              \qquad -\sum_k [p_k \ln p_k + (1 - p_k) \ln(1 - p_k)] / K \ \text{(binary cross entropy)}

    Args:
        loss_fn: `nn.CrossEntropyLoss`, `nn.MSELoss` or `nn.BCEWithLogitsLoss` with default options, or the function of
            `torch.nn.functional` of that name.
        targets: [n, …]; class numbers for cross entropy, −100 where nothing is asked for.

    Returns:
        The loss, in its own unit; None for any other loss: then nothing is known.

    Example:
        >>> round(constant_loss(nn.CrossEntropyLoss(), torch.tensor([0, 1, 1, 0])), 4)
        0.6931
    """
    kind = _kind(loss_fn)
    if kind is None or not isinstance(targets, Tensor) or not len(targets):
        return None
    if kind == "cross entropy":
        if targets.is_floating_point():
            return None  # class probabilities
        counts = torch.unique(targets[targets != IGNORED_CLASS], return_counts=True)[1].double()
        shares = counts / counts.sum()
        return float(-(shares * shares.log()).sum())
    by_output = targets.double().reshape(len(targets), -1)
    mean = by_output.mean(0)
    if kind == "squared error":
        return float((by_output - mean).square().mean())
    entropy = torch.special.entr(mean) + torch.special.entr(1 - mean)
    return float(entropy.mean())


def _kind(loss_fn: LossFunction) -> str | None:
    if loss_fn is functional.cross_entropy or _is_plain(loss_fn, nn.CrossEntropyLoss()):
        return "cross entropy"
    if loss_fn is functional.mse_loss or _is_plain(loss_fn, nn.MSELoss()):
        return "squared error"
    if loss_fn is functional.binary_cross_entropy_with_logits or _is_plain(loss_fn, nn.BCEWithLogitsLoss()):
        return "binary cross entropy"
    return None


def _is_plain(loss_fn: LossFunction, plain: nn.Module) -> bool:
    """Whether a loss is of exactly this class, with the options that it has by default."""
    names = ("reduction", "weight", "pos_weight", "ignore_index", "label_smoothing")
    return type(loss_fn) is type(plain) and all(
        getattr(loss_fn, name, None) is getattr(plain, name, None)
        or (not isinstance(getattr(loss_fn, name), Tensor) and getattr(loss_fn, name) == getattr(plain, name))
        for name in names
    )


def unit_of(loss_fn: LossFunction) -> str:
    """Unit of a loss: nats, squared units, or "" where it is not known."""
    kind = _kind(loss_fn)
    return "" if kind is None else "squared units" if kind == "squared error" else "nats"
