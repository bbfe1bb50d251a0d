"""What a loss function is given, and whether the network's output is what it expects."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from justfit.probe._graph import Node
from justfit.probe._operations import NONLINEARITIES, NORMALISATIONS
from justfit.records import LossFault, LossFaultKind

REGRESSION = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "gaussian_nll_loss"})
LOSSES = frozenset(
    {*REGRESSION, "cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"}
)
RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, math.inf)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LossOperation:
    """One loss function as it ran.

    Attributes:
        node: Its result.
        name: Of the function.
        expected: See `LossSignal`.
        expected_words: How it was made.
        num_classes: Of cross entropy.
        faults: Wrong pairings.
    """

    node: Node
    name: str
    expected: float = math.nan
    expected_words: str = ""
    num_classes: int = 0
    faults: tuple[LossFault, ...] = ()


@torch.no_grad()
def look_at_loss(node: Node, operands: list[Tensor], output: Tensor) -> LossOperation | None:
    """Look at one operation inside the loss; None if it is not a loss function and nothing is wrong with it."""
    found = _look(node, operands)
    if found is None or math.isnan(found.expected) or _is_plain_mean(found.name, operands, output):
        return found
    return dataclasses.replace(found, expected=math.nan, expected_words="")


def _is_plain_mean(name: str, operands: list[Tensor], output: Tensor) -> bool:
    """Tell whether a loss is the plain mean over examples: not a sum, not weighted, not smoothed."""
    if output.numel() != 1:
        return False
    try:
        plain = getattr(nn.functional, name)(operands[0].detach(), operands[1].detach())
    except (RuntimeError, ValueError):  # an argument that is needed was left out
        return False
    return bool(torch.isclose(output.detach().reshape(()), plain, rtol=1e-3, equal_nan=True))


def _look(node: Node, operands: list[Tensor]) -> LossOperation | None:
    if node.operation in LOSSES and len(operands) >= 2:
        prediction, target = operands[0], operands[1]
        last = _last_operation(node.parents[0]) if node.parents else ""
        if node.operation in ("cross_entropy", "nll_loss"):
            return _classification(node, prediction, last)
        if node.operation.startswith("binary_cross_entropy"):
            return _binary(node, target, last)
        return _regression(node, prediction, target, last)
    shapes = [tuple(operand.shape) for operand in operands]
    if node.operation == "add" and len(shapes) == 2 and _broadcasts(*shapes):
        return LossOperation(node=node, name="difference", faults=(_broadcast_fault(*shapes),))
    return None


def _classification(node: Node, prediction: Tensor, last: str) -> LossOperation:
    num_classes = prediction.shape[1] if prediction.dim() > 1 else len(prediction)
    kinds: list[tuple[LossFaultKind, str]] = []
    if num_classes == 1:
        kinds.append(("one_output_for_cross_entropy", f"logits of shape {tuple(prediction.shape)}"))
    if node.operation == "cross_entropy" and last == "softmax":
        kinds.append(("softmax_before_cross_entropy", "cross_entropy reads the output of softmax"))
    if node.operation == "cross_entropy" and last == "log_softmax":
        kinds.append(("log_softmax_before_cross_entropy", "cross_entropy reads the output of log_softmax"))
    if node.operation == "cross_entropy" and last in ("sigmoid", "hardsigmoid", "logsigmoid"):
        kinds.append(("sigmoid_before_cross_entropy", f"cross_entropy reads the output of {last}"))
    if node.operation == "nll_loss" and prediction.dim() > 1:
        off = float(prediction.logsumexp(1).abs().max())
        if off > 1e-2:
            kinds.append(("no_log_softmax_before_nll", f"log probabilities whose sum is off by a factor e^{off:.3g}"))
    return LossOperation(
        node=node,
        name=node.operation,
        expected=math.log(num_classes) if num_classes > 1 else math.nan,
        expected_words=f"ln {num_classes}",
        num_classes=num_classes,
        faults=tuple(LossFault(kind=kind, detail=detail) for kind, detail in kinds),
    )


def _binary(node: Node, target: Tensor, last: str) -> LossOperation:
    faults: list[LossFault] = []
    outside = float(((target < 0) | (target > 1)).double().mean()) if target.numel() else 0.0
    if outside > 0.0:
        detail = f"{outside:.0%} of the targets lie outside [0, 1], where the probabilities are"
        faults.append(LossFault(kind="targets_outside_output_range", detail=detail))
    with_logits = node.operation.endswith("with_logits")
    if with_logits and last in ("sigmoid", "softmax"):
        detail = f"binary_cross_entropy_with_logits reads the output of {last}"
        faults.append(LossFault(kind="sigmoid_before_bce_with_logits", detail=detail))
    if not with_logits and last == "weight":
        detail = "binary_cross_entropy reads a layer's output as probabilities"
        faults.append(LossFault(kind="no_sigmoid_before_bce", detail=detail))
    return LossOperation(
        node=node, name=node.operation, expected=math.log(2), expected_words="ln 2", faults=tuple(faults)
    )


def _regression(node: Node, prediction: Tensor, target: Tensor, last: str) -> LossOperation:
    faults = []
    shapes = tuple(prediction.shape), tuple(target.shape)
    if shapes[0] != shapes[1]:
        faults.append(_broadcast_fault(*shapes))
    low, high = RANGES.get(last, (-math.inf, math.inf))
    outside = float(((target < low) | (target > high)).double().mean()) if target.numel() else 0.0
    if outside > 0.0:
        detail = f"{outside:.0%} of the targets lie outside [{low:g}, {high:g}], where the output's {last} ends"
        faults.append(LossFault(kind="targets_outside_output_range", detail=detail))
    is_squared = node.operation == "mse_loss" and target.numel() > 1
    return LossOperation(
        node=node,
        name=node.operation,
        expected=float(target.double().var()) if is_squared else math.nan,
        expected_words="the variance of the targets" if is_squared else "",
        faults=tuple(faults),
    )


def _broadcasts(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    return any(
        len(a) == 2 and len(b) == 1 and a == (b[0], 1) and b[0] > 1 for a, b in ((first, second), (second, first))
    )


def _broadcast_fault(first: tuple[int, ...], second: tuple[int, ...]) -> LossFault:
    detail = f"output {first} against targets {second}"
    return LossFault(kind="broadcast_in_regression_loss", detail=detail)


def _last_operation(node: Node) -> str:
    """Name what bent the output last: a nonlinearity, `weight` for a layer, or nothing that is known."""
    current: Node | None = node
    for _ in range(8):
        if current is None or current.operation in NORMALISATIONS:
            return ""
        if current.call >= 0:
            return "weight"
        if current.operation in NONLINEARITIES:
            return current.operation
        current = current.parents[0] if len(current.parents) == 1 else None
    return ""
