"""What `justfit.cure` asks of its arguments."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from justfit.errors import ArgumentError


def check_arguments(**given: Any) -> None:
    """Raise for the first argument that lies outside its contract.

    Raises:
        ArgumentError: One does.
    """
    for name in ("build", "loss_fn"):
        value = given[name]
        if not callable(value) and not (name == "loss_fn" and value is None):
            raise ArgumentError(
                f"`{name}` must be callable.",
                found=f"a {type(value).__name__}",
                way_out="Pass a function that returns a new network." if name == "build" else "Pass a loss function.",
            )
    if not callable(given["optimizer"]) and not isinstance(given["optimizer"], str):
        raise ArgumentError(
            "`optimizer` must be a name, or a function of parameters.",
            found=f"a {type(given['optimizer']).__name__}",
            way_out="Pass `lambda parameters: torch.optim.NAdam(parameters)`: each counterfactual run needs its own.",
        )
    for name in ("epochs", "batch_size"):
        _check_whole(name, given[name], least=1)
    _check_whole("seed", given["seed"], least=0)
    _check_number("learning_rate", given["learning_rate"], above=0.0)
    _check_number("l2", given["l2"], least=0.0)
    _check_number("budget", given["budget"], least=1.0)
    if given["clip_norm"] is not None:
        _check_number("clip_norm", given["clip_norm"], above=0.0)
    if given["schedule"] not in ("constant", "cosine"):
        raise ArgumentError(
            "`schedule` must be 'constant' or 'cosine'.",
            found=f"`schedule={given['schedule']!r}`",
            way_out="A schedule of your own is not known here.",
        )


_WAYS = {
    "budget": "It counts trainings of your network, the first one included; 3 is the usual.",
    "l2": "It is λ of λ/(2n)·Σw².",
    "seed": "The same seed finds the same.",
}


def _check_whole(name: str, value: Any, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ArgumentError(
            f"`{name}` must be a whole number of at least {least}.",
            found=f"`{name}={value!r}`",
            way_out=_WAYS.get(name, "It is that of your own training."),
        )


def _check_number(name: str, value: Any, *, least: float = -math.inf, above: float = -math.inf) -> None:
    is_number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(float(value))
    if not is_number or float(value) < least or float(value) <= above:
        contract = f"at least {least:g}" if least > -math.inf else f"above {above:g}"
        raise ArgumentError(
            f"`{name}` must be a finite number, {contract}.",
            found=f"`{name}={value!r}`",
            way_out=_WAYS.get(name, "It is that of your own training."),
        )
