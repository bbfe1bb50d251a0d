"""Whether a stack of networks takes the plain loop's steps: two networks, one step, everything compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from justfit.sweep._loop import Network, batch_size_of
from justfit.sweep._stack import Stack
from justfit.sweep._training import SweepVariant, Training

# Largest distance of a gradient from the plain loop's, relative to it: 100 roundings of float32.
GRADIENT_TOLERANCE = 1e-5


class CannotStackError(Exception):
    """Why networks cannot be trained as a stack, in words."""


def stacking_errors(training: Training, group: Sequence[SweepVariant]) -> dict[str, float]:
    """Compare one step of two stacked networks with the plain loop's: gradients, buffers and evaluated losses.

    Args:
        training: What is trained.
        group: Variants that may share a stack; dropout and penalty are switched on where any of them has it.

    Returns:
        The largest distances of each kind, relative to the norm of what it should be (for one tensor of a gradient: to
        at least a tenth of the whole gradient's norm; less would measure rounding).

    Raises:
        CannotStackError: Stacking fails.
    """
    pair = _demanding_pair(group)
    plain = dataclasses.replace(training, optimizer="sgd", learning_rate=0.1)
    rows = training.examples.training_rows(group[0].fold)[: batch_size_of(training)]
    networks = [_stepped(plain, variant, rows) for variant in pair]
    _check_parameters(networks[0])
    try:
        stack = Stack(plain, pair)
        torch.manual_seed(0)
        stack.step(rows, 1.0)
        torch.manual_seed(0)
        evaluated = stack.losses([0, 1], rows)
    except Exception as error:  # whatever a user's module may raise when it is traced
        raise CannotStackError(why_it_failed(error)) from error
    found = [_errors(stack, place, network, evaluated[place], rows) for place, network in enumerate(networks)]
    return {what: max(errors[what] for errors in found) for what in found[0]}


def _demanding_pair(group: Sequence[SweepVariant]) -> list[SweepVariant]:
    """Two variants that switch on what any of the group has; the first without penalty, to see who gets a gradient."""
    l2 = max(variant.setting.l2 for variant in group)
    rates = (None, None) if group[0].setting.dropout is None else (0.25, 0.6)
    return [
        dataclasses.replace(variant, setting=dataclasses.replace(variant.setting, l2=l2 * place, dropout=rates[place]))
        for place, variant in enumerate((group[0], group[0]))
    ]


def _stepped(training: Training, variant: SweepVariant, rows: Tensor) -> Network:
    network = Network(training, variant, None)
    torch.manual_seed(0)
    network._step(rows, 1.0)
    return network


def _check_parameters(network: Network) -> None:
    if len({parameter.dtype for parameter in network.parameters.values()}) > 1:
        raise CannotStackError("its parameters are of several dtypes")
    for name, parameter in network.parameters.items():
        if parameter.grad is None:
            raise CannotStackError(f"`{name}` gets no gradient from the loss")


def _errors(stack: Stack, place: int, network: Network, evaluated: Tensor, rows: Tensor) -> dict[str, float]:
    expected = {name: p.grad for name, p in network.parameters.items() if p.grad is not None}
    least = 0.1 * torch.stack([gradient.norm() for gradient in expected.values()]).norm()
    torch.manual_seed(0)
    losses = network._losses(rows)
    buffers = dict(network.module.named_buffers())  # after the evaluation, which must leave them alone
    return {
        "gradients": max(_distance(stack.rows.gradient[n][place], g, least) for n, g in expected.items()),
        "buffers": max((_distance(stack.buffers[n][place], b) for n, b in buffers.items()), default=0.0),
        "losses": _distance(evaluated, losses),
    }


def _distance(mine: Tensor, its: Tensor, least: Tensor | float = 1e-12) -> float:
    mine, its = mine.detach(), its.detach()
    size = max(float(its.double().norm()), float(least))
    return float(((mine.double() - its.double()).norm() / size).nan_to_num(nan=torch.inf))


def why_it_failed(error: Exception) -> str:
    """Say in words why a network cannot be run as a stack."""
    text = str(error)
    for words, reason in _KNOWN_FAILURES.items():
        if words in text:
            return reason
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    return f"it cannot be run as a stack ({type(error).__name__}: {first})"


_KNOWN_FAILURES = {
    ".item()": "it reads a number out of a tensor (`.item()`), which differs from network to network in a stack",
    "data-dependent control flow": "its path depends on the data (an `if` on a tensor)",
    "batching rule": "it uses an operation that torch cannot stack",
    "Batching rule": "it uses an operation that torch cannot stack",
    "setup_context": "it has an autograd.Function without a rule for vmap",
    "generate_vmap_rule": "it has an autograd.Function without a rule for vmap",
    "inplace arithmetic": "it changes a tensor in place that is shared by all networks of a stack",
    "in-place": "it changes a tensor in place that is shared by all networks of a stack",
    "modified by an inplace operation": "it changes a tensor in place that its gradient needs",
}
