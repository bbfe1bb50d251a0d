"""The quick step of a named optimizer: the optimizer's own, bit for bit."""

import pytest
import torch
from torch import nn

from justfit.sweep._fused_step import FusedStep
from justfit.sweep._training import named_optimizers


def parameters():
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((7, 5), (7,), (3, 7))]


def run(make, steps, missing=()):
    """Six steps; `steps` makes (forget, step) of an optimizer and its parameters."""
    some, generator = parameters(), torch.Generator().manual_seed(1)
    optimizer = make(some)
    forget, step = steps(optimizer, some)
    for number in range(6):
        forget()
        for place, parameter in enumerate(some):
            gradient = torch.randn(parameter.shape, generator=generator)
            if (number, place) not in missing:
                parameter.grad = gradient
        optimizer.param_groups[0]["lr"] = 0.01 * (number + 1)
        step()
    kept = [value for p in some for value in optimizer.state[p].values() if value is not None]
    return [*some, *kept]


def quick(optimizer, some):
    step = FusedStep(optimizer, some, is_named=True)
    return step.forget_gradients, step


def plain(optimizer, some):
    return optimizer.zero_grad, optimizer.step


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        (name, missing)
        for name in named_optimizers()
        for missing in ((), {(0, 1)}, {(3, 2), (5, 0)})
        if (name, missing) != ("momentum", {(0, 1)})  # torch's own fused SGD fails there
    ],
)
def test_is_the_optimizers_own(name, missing):
    def make(some):
        return named_optimizers()[name](some, 0.01)

    found, expected = run(make, quick, missing), run(make, plain, missing)
    assert len(found) == len(expected)
    assert all(map(torch.equal, found, expected))
    assert not torch.equal(found[0], run(make, quick, {(2, 0)})[0])


def test_an_optimizer_of_the_user_keeps_its_hooks():
    called, some = [], parameters()
    optimizer = torch.optim.Adam(some, fused=True)
    optimizer.register_step_post_hook(lambda *_: called.append(1))
    step = FusedStep(optimizer, some, is_named=False)
    for _ in range(3):
        step.forget_gradients()
        for parameter in some:
            parameter.grad = torch.ones_like(parameter)
        step()
    assert len(called) == 3
