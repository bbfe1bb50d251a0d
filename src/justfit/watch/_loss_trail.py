"""Which operation between the network's output and the loss went wrong: read from the graph that autograd keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

MAX_NODES = 400  # looked at; a loss has a few dozen, and what lies beyond belongs to the network
WEIGHTED = frozenset({"addmm", "mm", "bmm", "baddbmm", "convolution", "embedding", "native_batch_norm"})
# Operations that turn finite numbers into infinity or NaN at single points, run again on what autograd saved of them.
_AGAIN: dict[str, Callable[..., Tensor]] = {
    name: getattr(torch, name)
    for name in (
        *("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "exp", "expm1", "div", "pow", "mul"),
        *("acos", "asin", "atanh", "acosh", "tan", "sinh", "cosh", "lgamma", "digamma", "erfinv", "logit"),
    )
}
# Operations with a derivative that is infinite or undefined at single points where they themselves are finite.
SINGULAR = frozenset(
    {
        *("sqrt", "rsqrt", "pow", "norm", "linalg_vector_norm", "linalg_matrix_norm", "div", "log", "reciprocal"),
        *("acos", "asin", "atanh", "acosh", "std", "cdist", "pairwise_distance", "atan2", "linalg_svd", "linalg_eigh"),
    }
)
_RESULTS = ("_saved_result", "_saved_output", "_saved_out")


class LossTrail(NamedTuple):
    """What the graph of a loss that went wrong shows.

    Attributes:
        operation: The operation that made it, or the name of the last one.
        is_certain: Its inputs were seen to be finite and its result not.
        targets: What the loss compares with is not finite.
        singular: Operations on the way from output to loss whose derivative is infinite somewhere, last one first.
    """

    operation: str = ""
    is_certain: bool = False
    targets: bool = False
    singular: tuple[str, ...] = ()


def trail_of(loss: Tensor) -> LossTrail:
    """Follow a loss back to the network's last weight.

    Before the backward pass the values that autograd saved tell which operation was the first whose inputs were finite
    and whose result was not. After it only the operations' names are left.

    Args:
        loss: The tensor that `backward` was called on.
    """
    nodes = list(_nodes_before(loss.grad_fn))
    if not nodes:
        return LossTrail()
    names = [name_of(node) for node in nodes]
    singular = tuple(dict.fromkeys(name for name in names if name in SINGULAR))
    found = _first_broken(nodes)
    return (found or LossTrail(operation=names[0]))._replace(singular=singular)


def name_of(node: Any) -> str:
    """Name the operation of a node of the graph: `NllLossBackward0` is `nll_loss`."""
    bare = re.sub(r"Backward\d*$", "", node.name().rsplit(":", 1)[-1])
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", bare).lower()


def _nodes_before(start: Any) -> Iterator[Any]:
    """Yield the nodes from the loss back to the last weights, nearest first."""
    queue, seen = [start] if start is not None else [], {start}
    while queue and len(seen) < MAX_NODES:
        node = queue.pop(0)
        yield node
        if name_of(node) in WEIGHTED:
            continue
        for behind, _ in node.next_functions:
            if behind is not None and behind not in seen and not behind.name().endswith("AccumulateGrad"):
                seen.add(behind)
                queue.append(behind)


def _first_broken(nodes: list[Any]) -> LossTrail | None:
    """Find the node nearest the network whose saved inputs are finite and whose result is not."""
    for node in reversed(nodes):
        inputs, result = _saved(node)
        if inputs is None:
            continue
        name = name_of(node)
        if not _is_finite(inputs.get("_saved_target")):
            return LossTrail(operation=name, targets=True)
        broken = [key for key, value in inputs.items() if not _is_finite(value)]
        if broken:
            maker = _maker(node, broken[0])
            return LossTrail(operation=name if maker is None else name_of(maker), targets=maker is None)
        if result is None and name in _AGAIN:
            result = _run_again(name, inputs)
        if not _is_finite(result):
            return LossTrail(operation=name, is_certain=True)
    return None


def _saved(node: Any) -> tuple[dict[str, Any] | None, Any]:
    """Read what autograd saved of a node; None once the backward pass has freed it."""
    inputs: dict[str, Any] = {}
    result = None
    for key in dir(node):
        if key.startswith("_saved_"):
            try:
                value = getattr(node, key)
            except RuntimeError:
                return None, None
            if key in _RESULTS:
                result = value
            else:
                inputs[key] = value
    return inputs, result


def _maker(node: Any, key: str) -> Any:
    """Find what made a saved input: of two, `self` is the first; None for what no operation made."""
    place = 1 if key == "_saved_other" and len(node.next_functions) > 1 else 0
    return node.next_functions[place][0] if node.next_functions else None


def _run_again(name: str, inputs: dict[str, Any]) -> Tensor | None:
    keys = ("_saved_self", "_saved_other", "_saved_exponent")
    operands = [inputs[key] for key in keys if inputs.get(key) is not None]
    needed = 2 if name in ("div", "pow", "mul") else 1
    with torch.no_grad():
        if name == "div" and len(operands) == 1:  # the divisor alone is saved where it needs no gradient
            operands.insert(0, torch.ones(()))
        if len(operands) != needed or not isinstance(operands[0], Tensor):
            return None
        return _AGAIN[name](*operands)


def _is_finite(value: Any) -> bool:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return True
    return bool(torch.isfinite(value.detach()).all())
