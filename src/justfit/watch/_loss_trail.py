"""Which operation made a loss go wrong: read from the graph that autograd keeps of it, before it is used up."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from justfit.watch._activation_numbers import saved
from justfit.watch._operations import INPUTS, MAX_NODES, WITH_WEIGHTS, name_of

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
_RESULTS = ("result", "output", "out")


class LossTrail(NamedTuple):
    """What the graph of a loss that went wrong shows.

    Attributes:
        operation: The first operation whose result is seen not to be finite, or the last one of all.
        is_seen: That was seen, and is not just the last one.
        targets: The first that is not finite is a number that no operation made, such as a target.
        weight: The last weight before the operation, if it lies within the network; None if it belongs to the loss.
        singular: Operations on the way from output to loss whose derivative is infinite somewhere, last one first.
        candidates: The same of the whole graph.
        rows: Where the numbers that no operation made are not finite, along their first dimension; empty if everywhere.
        num_rows: How long that dimension is.
        is_input: Those numbers are what the first layer reads.
    """

    operation: str = ""
    is_seen: bool = False
    targets: bool = False
    weight: Tensor | None = None
    singular: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    num_rows: int = 0
    is_input: bool = False


def trail_of(loss: Tensor) -> LossTrail:
    """Follow a loss back through its graph.

    Before the backward pass the values that autograd saved tell which operation was the first whose inputs were finite
    and whose result was not. After it only the operations' names are left.

    Args:
        loss: The tensor that `backward` was called on.
    """
    nodes = _nodes_before(loss.grad_fn)
    if not nodes:
        return LossTrail()
    of_loss = [node for node, is_of_loss in nodes.items() if is_of_loss]
    singular = tuple(dict.fromkeys(name_of(node) for node in of_loss if _is_singular(node)))
    candidates = tuple(dict.fromkeys(name_of(node) for node in nodes if _is_singular(node)))
    found = _first_broken(nodes) or LossTrail(operation=name_of(of_loss[0]) if of_loss else "")
    return found._replace(singular=singular, candidates=candidates)


def _is_singular(node: Any) -> bool:
    """Tell whether a derivative can be infinite where the result is finite: not that of a square or of `x / 2`."""
    name = name_of(node)
    if name == "pow" and isinstance(exponent := getattr(node, "_saved_exponent", None), int | float):
        return exponent < 1
    if name == "div" and len(node.next_functions) > 1 and node.next_functions[1][0] is None:
        return False
    return name in SINGULAR


def _nodes_before(start: Any) -> dict[Any, bool]:
    """Collect the nodes behind a loss, nearest first, each with whether no weight lies between it and the loss."""
    found: dict[Any, bool] = {} if start is None else {start: name_of(start) not in WITH_WEIGHTS}
    queue = deque(found)
    while queue and len(found) < MAX_NODES:
        node = queue.popleft()
        for behind, _ in node.next_functions:
            if behind is not None and behind not in found and not _is_leaf(behind):
                found[behind] = found[node] and name_of(behind) not in WITH_WEIGHTS
                queue.append(behind)
    return found


def _first_broken(nodes: dict[Any, bool]) -> LossTrail | None:
    """Find, in order of execution, the first node whose result or whose constant input is not finite."""
    finite: dict[Any, bool] = {}  # what is known of the result of a node
    constants: dict[Any, Any] = {}  # nodes that read a number that is not finite and that no operation made: that
    for node in nodes:
        inputs, result = _saved_by(node)
        for name, value in inputs.items():
            maker, good = _maker(node, name), _is_finite(value)
            if maker is not None:
                finite[maker] = finite.get(maker, True) and good
            elif not good:
                constants[node] = value
        name = name_of(node)
        if result is None and name in _AGAIN:
            result = _run_again(name, inputs)
        if result is not None:
            finite[node] = finite.get(node, True) and _is_finite(result)
    constants |= {node: value for node in nodes if (value := _broken_input(node)) is not None}
    broken = {*constants, *(node for node, good in finite.items() if not good)}
    if not broken:
        return None
    first = min(broken, key=lambda node: node._sequence_nr())
    rows, num_rows = _rows_of(constants.get(first))
    is_input = name_of(first) in WITH_WEIGHTS
    return LossTrail(
        operation=name_of(first),
        is_seen=True,
        targets=first in constants and not is_input,
        weight=None if nodes.get(first, True) else _weight_behind(first),
        rows=rows,
        num_rows=num_rows,
        is_input=is_input,
    )


def _broken_input(node: Any) -> Tensor | None:
    """Return what a weighted operation read, if that is not finite and neither a weight nor made with a gradient."""
    if name_of(node) not in WITH_WEIGHTS:
        return None
    for name in INPUTS:
        place = 1 if name == "mat1" else 0
        if len(node.next_functions) > place and node.next_functions[place][0] is None:
            value = saved(node, name)
            if value is not None and not _is_finite(value):
                return value
    return None


def _rows_of(value: Any) -> tuple[tuple[int, ...], int]:
    """Tell which rows of a tensor are not finite, unless all are, and how many there are."""
    if not isinstance(value, Tensor) or value.dim() < 1 or not value.numel():
        return (), 0
    rows = (~torch.isfinite(value)).reshape(len(value), -1).any(1).nonzero().flatten().tolist()
    return (tuple(rows) if len(rows) < len(value) else ()), len(value)


def _weight_behind(node: Any) -> Tensor | None:
    """Find the weight of a node or, if it has none, the one that was used last before it."""
    heap, seen = [(-node._sequence_nr(), id(node), node)], {node}
    while heap:
        _, _, current = heapq.heappop(heap)
        leaves = [behind for behind, _ in current.next_functions if behind is not None and _is_leaf(behind)]
        if leaves:
            weight: Tensor = leaves[-1].variable
            return weight
        for behind, _ in current.next_functions:
            if behind is not None and behind not in seen:
                seen.add(behind)
                heapq.heappush(heap, (-behind._sequence_nr(), id(behind), behind))
    return None


def _saved_by(node: Any) -> tuple[dict[str, Any], Any]:
    """Read what autograd saved of a node, as far as it lies there: inputs by name, and the result."""
    inputs: dict[str, Any] = {}
    result = None
    if name_of(node) in WITH_WEIGHTS:
        return inputs, None
    for key in dir(node):
        if not key.startswith("_saved_"):
            continue
        name = key.removeprefix("_saved_")
        value = saved(node, name) if hasattr(node, f"_raw{key}") else getattr(node, key)
        if name in _RESULTS:
            result = value
        elif value is not None:
            inputs[name] = value
    return inputs, result


def _maker(node: Any, name: str) -> Any:
    """Find what made a saved input: of two, `self` is the first; None for what no operation made."""
    if name == "target":
        return None
    place = 1 if name == "other" and len(node.next_functions) > 1 else 0
    maker = node.next_functions[place][0] if node.next_functions else None
    return None if maker is None or _is_leaf(maker) else maker


def _is_leaf(node: Any) -> bool:
    return bool(node.name().endswith("AccumulateGrad"))


def _run_again(name: str, inputs: dict[str, Any]) -> Tensor | None:
    operands = [inputs[key] for key in ("self", "other", "exponent") if key in inputs]
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
