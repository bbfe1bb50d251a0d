"""Which of torch's loss functions a loss function calls, and on what; also where that call fails."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

REGRESSION = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
CLASSIFICATION = frozenset({"cross_entropy", "nll_loss"})
BINARY = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits"})
DIFFERENCES = frozenset({"sub", "subtract", "__sub__", "__rsub__", "rsub"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LossCall:
    """One call of a loss function of torch.

    Attributes:
        name: Of the function; `difference` for a subtraction in a loss written by hand.
        outputs: What it takes for the network's output.
        targets: What it compares with.
        weight: The weights it was given; None for none.
        error: What it raised; empty if it ran.
    """

    name: str
    outputs: Tensor
    targets: Tensor
    weight: Tensor | None = None
    error: str = ""


def see_loss(loss_fn: Callable[[Any, Any], Any], outputs: Any, targets: Any) -> LossCall | None:
    """Run a loss and return its first call of a loss function of torch; None if it calls none.

    Neither gradients nor warnings come of it.
    """
    watcher = _LossWatcher()
    error = ""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with watcher:
                loss_fn(outputs, targets)
        except Exception as raised:  # whatever it is: what was called before it tells what is wrong
            error = str(raised)
    found = watcher.found
    if found is None:
        return None
    name, given = found
    return LossCall(name=name, outputs=given[0], targets=given[1], weight=given[2], error=error)


class _LossWatcher(TorchFunctionMode):
    """Notes the first loss function that is called, before it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.found: tuple[str, tuple[Tensor, Tensor, Tensor | None]] | None = None

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        keywords = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if self.found is None and name in REGRESSION | CLASSIFICATION | BINARY:
            given = {**dict(zip(("input", "target", "weight"), args, strict=False)), **keywords}
            self.found = (name, (given["input"], given["target"], given.get("weight")))
        elif self.found is None and name in DIFFERENCES and _shapes_differ(args):
            self.found = ("difference", (args[0], args[1], None))
        return func(*args, **keywords)


def _shapes_differ(args: tuple[Any, ...]) -> bool:
    """Tell whether two tensors of as many numbers, but of other shapes, are compared each with each."""
    if len(args) != 2 or not (isinstance(args[0], Tensor) and isinstance(args[1], Tensor)):
        return False
    return args[0].numel() == args[1].numel() > 1 and args[0].shape != args[1].shape
