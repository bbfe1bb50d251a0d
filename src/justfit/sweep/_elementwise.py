"""Whether one call of an optimizer may move the parameters of many networks side by side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from justfit.errors import ArgumentError
from justfit.sweep._training import OptimizerFactory

_STEPS, _NETWORKS = 3, 2
# In float64, where rounding of a step is 1e-16 of it and any difference of formula far more.
TOLERANCE = 1e-9


def why_not_elementwise(optimizer: OptimizerFactory, parameters: Sequence[Tensor]) -> str | None:
    """Try an optimizer on two networks apart, and on both laid side by side in one vector.

    Args:
        optimizer: A function of parameters.
        parameters: Of one network.

    Returns:
        None where both move alike; otherwise what is in the way, in words.

    Raises:
        ArgumentError: It cannot train any network here: it needs a closure, or does not move what it is given.

    Example:
        >>> why_not_elementwise(lambda p: torch.optim.NAdam(p), [torch.ones(2, 3), torch.ones(3)])
        >>> why_not_elementwise(lambda p: torch.optim.Adafactor(p), [torch.ones(2, 3), torch.ones(3)])
        'the optimizer Adafactor does not treat each number by itself'
    """
    generator = torch.Generator().manual_seed(0)
    start, *gradients = (
        [[torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in parameters] for _ in range(_NETWORKS)]
        for _ in range(1 + _STEPS)
    )
    name, apart = _moved(optimizer, start[0], [step[0] for step in gradients])
    _check_moved(name, start[0], apart)
    expected = torch.cat([_flat(apart), _flat(_moved(optimizer, start[1], [step[1] for step in gradients])[1])])
    try:
        _, together = _moved(optimizer, [_joined(start)], [[_joined(step)] for step in gradients])
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        return f"the optimizer {name} does not take all parameters as one vector ({_first_line(error)})"
    if bool((together[0] - expected).abs().max() <= TOLERANCE * (expected - _joined(start)).abs().max()):
        return None
    return f"the optimizer {name} does not treat each number by itself"


def _moved(
    optimizer: OptimizerFactory, start: Sequence[Tensor], gradients: Sequence[Sequence[Tensor]]
) -> tuple[str, list[Tensor]]:
    """Name of the optimizer, and where its steps lead."""
    parameters = [nn.Parameter(tensor.clone()) for tensor in start]
    made = optimizer(parameters)
    for step in gradients:
        for parameter, gradient in zip(parameters, step, strict=True):
            parameter.grad = gradient.clone()
        try:
            made.step()
        except TypeError as error:
            if "closure" not in str(error):
                raise
            raise ArgumentError(
                "`optimizer` must step from a gradient alone.",
                found=f"`{type(made).__name__}`, whose step needs a closure",
                way_out="Take a first-order optimizer such as Adam.",
            ) from None
    return type(made).__name__, [parameter.detach() for parameter in parameters]


def _check_moved(name: str, start: Sequence[Tensor], end: Sequence[Tensor]) -> None:
    if all(torch.equal(before, after) for before, after in zip(start, end, strict=True)):
        raise ArgumentError(
            "`optimizer` must move the parameters that it is given.",
            found=f"`{name}`, which left them as they were",
            way_out="Give `lambda parameters: torch.optim.Adam(parameters, lr=1e-3)`.",
        )


def _joined(networks: Sequence[Sequence[Tensor]]) -> Tensor:
    return torch.cat([_flat(network) for network in networks])


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
